"""The zones of the lake and the file ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.security.iam import Statement, allow, document, tls_only
from components.storage.lifecycle import LifecycleRule
from policies.model import Waiver

WAIVERS = (
    Waiver(
        rule="S3-11",
        resource="data-pipeline-*",
        reason="Access logs are best effort and need a bucket of their own; CloudTrail's data events, which are the "
        "account's to switch on, name the role and the object of every access.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class ZoneArgs:
    """What one bucket is for."""

    kms_key_arn: Input[str]
    lifecycle: Sequence[LifecycleRule]
    allow_destroy: bool
    notify: bool = False
    # Days in which a version can be deleted only by who may bypass governance; None: no lock.
    lock_days: int | None = None


class Zone(pulumi.ComponentResource):
    """A private, versioned, encrypted bucket that only answers over TLS.

    What makes it so is kept with a bucket that is kept: a bucket without its guards would be worse than none.

    Example:
        zone = Zone("raw", ZoneArgs(kms_key_arn=key.arn, lifecycle=lifecycle.raw(settings), allow_destroy=False))
        role_statements = [zone.read("tables/"), zone.find()]
    """

    bucket: aws.s3.Bucket
    # Objects that the program puts wait for it, so that they are encrypted with the right key.
    encryption: aws.s3.BucketServerSideEncryptionConfiguration

    def __init__(self, name: str, args: ZoneArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:storage:Zone", name, None, opts)
        keep = not args.allow_destroy
        child = ResourceOptions(parent=self, retain_on_delete=keep)
        self.bucket = aws.s3.Bucket(
            name,
            force_destroy=args.allow_destroy,
            opts=ResourceOptions(parent=self, protect=keep, retain_on_delete=keep),
        )
        versioning = aws.s3.BucketVersioning(
            f"{name}-versioning",
            bucket=self.bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=child,
        )
        self.encryption = aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=self.bucket.bucket,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {
                        "sse_algorithm": "aws:kms",
                        "kms_master_key_id": args.kms_key_arn,
                    },
                    # One call to KMS for many objects, not one each.
                    "bucket_key_enabled": True,
                }
            ],
            opts=child,
        )
        public_access = aws.s3.BucketPublicAccessBlock(
            f"{name}-public-access",
            bucket=self.bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=self.bucket.bucket,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=child,
        )
        aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=self.bucket.bucket,
            policy=document([tls_only(["s3:*"], [self.bucket.arn, Output.concat(self.bucket.arn, "/*")])]),
            # S3 refuses two changes of a bucket's access at the same time.
            opts=ResourceOptions(parent=self, depends_on=[public_access], retain_on_delete=keep),
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=self.bucket.bucket,
            rules=[lifecycle_args(rule) for rule in args.lifecycle],
            # Rules about noncurrent versions want versioning to be on.
            opts=ResourceOptions(parent=self, depends_on=[versioning], retain_on_delete=keep),
        )
        if args.lock_days is not None:
            aws.s3.BucketObjectLockConfiguration(
                f"{name}-lock",
                bucket=self.bucket.bucket,
                rule={"default_retention": {"mode": "GOVERNANCE", "days": args.lock_days}},
                # Only a versioned bucket can be locked.
                opts=ResourceOptions(parent=self, depends_on=[versioning], retain_on_delete=keep),
            )
        if args.notify:
            aws.s3.BucketNotification(f"{name}-notification", bucket=self.bucket.bucket, eventbridge=True, opts=child)
        self.register_outputs({"bucket": self.bucket.bucket})

    def read(self, *prefixes: str) -> Statement:
        """Get objects under `prefixes` (none: all)."""
        return allow(["s3:GetObject"], self._under(prefixes))

    def read_versions(self, *prefixes: str) -> Statement:
        """Get the very version of an object that was recorded, under `prefixes` (none: all)."""
        return allow(["s3:GetObject", "s3:GetObjectVersion"], self._under(prefixes))

    def write(self, *prefixes: str) -> Statement:
        """Put objects under `prefixes`."""
        return allow(["s3:PutObject"], self._under(prefixes))

    def write_large(self, *prefixes: str) -> Statement:
        """Put objects under `prefixes`, large ones in parts that are given up when one fails."""
        return allow(["s3:PutObject", "s3:AbortMultipartUpload"], self._under(prefixes))

    def delete(self, *prefixes: str) -> Statement:
        """Delete objects under `prefixes`; versioning keeps them for a while."""
        return allow(["s3:DeleteObject"], self._under(prefixes))

    def find(self) -> Statement:
        """List the bucket: without it S3 answers 403 instead of 404 for what is not there.

        It cannot be bound to a prefix for that, since a GetObject carries none to compare.
        """
        return allow(["s3:ListBucket"], [self.bucket.arn])

    def find_under(self, *prefixes: str) -> Statement:
        """List what is under `prefixes`, folders with a slash at their end, and nothing else.

        Nobody promises that Glue and Athena say the slash, too, when they look at a folder.
        """
        patterns = [pattern for prefix in prefixes for pattern in (prefix.rstrip("/"), prefix, f"{prefix}*")]
        return allow(["s3:ListBucket"], [self.bucket.arn], {"StringLike": {"s3:prefix": patterns}})

    def hold_query_results(self) -> list[Statement]:
        """What Athena needs, in its caller's name, to write results and give them back."""
        objects = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        bucket = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
        return [allow(objects, self._under(("results/",))), allow(bucket, [self.bucket.arn])]

    def locate(self) -> Statement:
        """Ask where the bucket is, as Athena does before it reads."""
        return allow(["s3:GetBucketLocation"], [self.bucket.arn])

    def _under(self, prefixes: Sequence[str]) -> list[Output[str]]:
        return [Output.concat(self.bucket.arn, f"/{prefix}*") for prefix in prefixes or ("",)]


def lifecycle_args(rule: LifecycleRule) -> aws.s3.BucketLifecycleConfigurationRuleArgsDict:
    """Say a rule as the provider wants it."""
    noncurrent, unfinished = rule.noncurrent_expire_after_days, rule.unfinished_uploads_expire_after_days
    return {
        "id": rule.id,
        "status": "Enabled",
        "filter": {"prefix": rule.prefix},
        "expiration": _expiration(rule),
        "noncurrent_version_expiration": None if noncurrent is None else {"noncurrent_days": noncurrent},
        "abort_incomplete_multipart_upload": None if unfinished is None else {"days_after_initiation": unfinished},
        "transitions": [{"days": days, "storage_class": kind} for days, kind in rule.transitions],
    }


def _expiration(rule: LifecycleRule) -> aws.s3.BucketLifecycleConfigurationRuleExpirationArgsDict | None:
    # S3 takes one or the other: days would remove delete markers as well, and objects with them.
    if rule.expires_after_days is not None:
        return {"days": rule.expires_after_days}
    return {"expired_object_delete_marker": True} if rule.expire_delete_markers else None
