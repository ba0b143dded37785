"""The key permissions that a request implies: reading or writing something encrypted takes its customer-managed key."""

from __future__ import annotations

import re
from typing import Any, Final

from ministack.services import kms, s3, sns, sqs, ssm

from local.patches import monkeypatch

_NEEDED: Final = {
    "s3:GetObject": ("kms:Decrypt",),
    "s3:GetObjectVersion": ("kms:Decrypt",),
    "s3:PutObject": ("kms:GenerateDataKey",),
    "sqs:SendMessage": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sqs:ReceiveMessage": ("kms:Decrypt",),
    "sns:Publish": ("kms:GenerateDataKey", "kms:Decrypt"),
    "ssm:GetParameter": ("kms:Decrypt",),
}


def check_names() -> None:
    """Check what this module uses of MiniStack.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    monkeypatch.value(s3, "_bucket_encryption", object)
    monkeypatch.value(sns, "_topics", object)
    monkeypatch.function(ssm, "_lookup_parameter", "name_or_arn, allow_arn_region, flexible_name")
    monkeypatch.function(sqs, "_queue_by_arn", "arn")
    monkeypatch.function(kms, "_resolve_key", "key_id_or_arn")


def needed(action: str, resource: str) -> list[tuple[str, str]]:
    """The actions on keys that an action on a resource implies, with the keys' ARNs."""
    actions = _NEEDED.get(action)
    if actions is None:
        return []
    key = _key_of(action.partition(":")[0], resource)
    return [(needed_action, key) for needed_action in actions] if key else []


def via(service: str, region: str, account: str) -> dict[str, Any]:
    """The condition keys of a request that a service makes to KMS for its caller."""
    return {"kms:viaservice": f"{service}.{region}.amazonaws.com", "kms:calleraccount": account}


def _key_of(service: str, resource: str) -> str:
    if service == "s3":
        bucket = resource.rpartition(":")[2].partition("/")[0]
        found = re.search(r"<KMSMasterKeyID>([^<]+)<", str(s3._bucket_encryption.get(bucket) or ""))
        name = found.group(1) if found else ""
    elif service == "sqs":
        name = ((sqs._queue_by_arn(resource) or {}).get("attributes") or {}).get("KmsMasterKeyId", "")
    elif service == "ssm":
        _, found = ssm._lookup_parameter(resource, flexible_name=True)
        name = (found or {}).get("KeyId", "") if (found or {}).get("Type") == "SecureString" else ""
    else:
        name = ((sns._topics.get(resource) or {}).get("attributes") or {}).get("KmsMasterKeyId", "")
    # Keys of AWS itself let every caller of their service in.
    key = kms._resolve_key(name) if name and not name.startswith("alias/aws/") else None
    return str(key["Arn"]) if key else ""
