"""What becomes of data: which resources keep some, and which of their inputs cannot be changed in place.

From the schemas of the Terraform AWS provider (`ForceNew` in internal/service/{s3/bucket,dynamodb/table,kms/key}.go,
read 2026-11-24), which the Pulumi provider is made from. Not from there: a bucket's namespace, which is a part of its
name; and the region, an input of every resource since version 6, since nothing moves to another one.
"""

from collections.abc import Iterable, Mapping

from ops.preview.snapshot import Seen

REPLACED_BY: Mapping[str, frozenset[str]] = {
    "aws:s3/bucket:Bucket": frozenset({"bucket", "bucketNamespace", "bucketPrefix", "objectLockEnabled", "region"}),
    "aws:dynamodb/table:Table": frozenset(
        {
            "name",
            "hashKey",
            "rangeKey",
            "localSecondaryIndexes",
            "importTable",
            "restoreDateTime",
            "restoreToLatestTime",
            "region",
        }
    ),
    "aws:kms/key:Key": frozenset(
        {"customerMasterKeySpec", "customKeyStoreId", "keyUsage", "multiRegion", "xksKeyId", "region"}
    ),
}
"""By type of what keeps data, the inputs whose change makes a new, empty one."""

PROVIDER = "pulumi:providers:aws"
REGION = "region"
"""The input of the provider that moves everything to another place."""


def is_stateful(seen: Seen) -> bool:
    """Whether it keeps data."""
    return seen.type in REPLACED_BY


def replacing(seen: Seen, changed: Iterable[str]) -> list[str]:
    """Which of the `changed` inputs (paths) cannot be changed in place."""
    return sorted({path for path in changed if _first(path) in REPLACED_BY.get(seen.type, frozenset())})


def fate(seen: Seen, what: str) -> str:
    """Say what Pulumi does to data whose resource, as it is deployed, is to be deleted or replaced."""
    if seen.protect:
        return f"Pulumi refuses to have it {what}: it is protected"
    if seen.retain_on_delete:
        return f"it is {what}: AWS keeps the old one with its data, the pipeline does not know it any more"
    return f"it is {what}, and its data is deleted"


def _first(path: str) -> str:
    return path.split(".")[0].split("[")[0]
