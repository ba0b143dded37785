"""Buckets and the objects that the program puts."""

from collections.abc import Iterable
from typing import Any

from policies.documents import is_public, refuses_plain_text, statements
from policies.model import KEEPS_ITS_DATA, Program, Resource, Rule, must, shown

MOST_TAGS_OF_AN_OBJECT = 10
BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _companions(bucket: Resource, program: Program, type_: str) -> list[Resource]:
    return program.about(type_, "bucket", bucket.outputs.get("bucket"))


def _public_access(bucket: Resource, program: Program) -> Iterable[str]:
    blocks = _companions(bucket, program, "s3.BucketPublicAccessBlock")
    yield from must(blocks, "no public access block")
    for block in blocks:
        for kind in BLOCKS:
            yield from must(block.inputs.get(kind) is True, f"{kind} is {shown(block.inputs.get(kind))}")


def _tls(bucket: Resource, program: Program) -> Iterable[str]:
    arn = str(bucket.outputs.get("arn"))
    policies = _companions(bucket, program, "s3.BucketPolicy")
    good = any(refuses_plain_text(policy, {"s3:*"}, {arn, f"{arn}/*"}) for policy in policies)
    return must(good, "plain HTTP is not refused for the bucket and its objects")


def _defaults(bucket: Resource, program: Program) -> list[dict[str, Any]]:
    found = _companions(bucket, program, "s3.BucketServerSideEncryptionConfiguration")
    return [rule for configuration in found for rule in configuration.inputs.get("rules", [])]


def _encryption(bucket: Resource, program: Program) -> Iterable[str]:
    keys = {key.outputs.get("arn") for key in program.of("kms.Key")}
    chosen = [rule.get("applyServerSideEncryptionByDefault", {}) for rule in _defaults(bucket, program)]
    good = [one for one in chosen if one.get("sseAlgorithm") == "aws:kms" and one.get("kmsMasterKeyId") in keys]
    return must(chosen and good == chosen, f"the default encryption is {shown(chosen)}")


def _bucket_key(bucket: Resource, program: Program) -> Iterable[str]:
    return must(all(r.get("bucketKeyEnabled") is True for r in _defaults(bucket, program)), "no bucket key")


def _versioning(bucket: Resource, program: Program) -> Iterable[str]:
    found = [v.at("versioningConfiguration.status") for v in _companions(bucket, program, "s3.BucketVersioning")]
    return must(found == ["Enabled"], f"versioning is {shown(found)}")


def _ownership(bucket: Resource, program: Program) -> Iterable[str]:
    found = [o.at("rule.objectOwnership") for o in _companions(bucket, program, "s3.BucketOwnershipControls")]
    return must(found == ["BucketOwnerEnforced"], f"object ownership is {shown(found)}")


def _rules_for_all(bucket: Resource, program: Program) -> list[dict[str, Any]]:
    found = _companions(bucket, program, "s3.BucketLifecycleConfiguration")
    rules = [rule for configuration in found for rule in configuration.inputs.get("rules", [])]
    return [rule for rule in rules if rule["status"] == "Enabled" and rule.get("filter", {}).get("prefix") == ""]


def _noncurrent(bucket: Resource, program: Program) -> Iterable[str]:
    rules = _rules_for_all(bucket, program)
    return must(any(r.get("noncurrentVersionExpiration") for r in rules), "old versions are kept forever")


def _unfinished(bucket: Resource, program: Program) -> Iterable[str]:
    rules = _rules_for_all(bucket, program)
    return must(any(r.get("abortIncompleteMultipartUpload") for r in rules), "unfinished uploads are kept forever")


def _delete_markers(bucket: Resource, program: Program) -> Iterable[str]:
    found = [rule.get("expiration") or {} for rule in _rules_for_all(bucket, program)]
    return must(any(one.get("expiredObjectDeleteMarker") is True for one in found), "delete markers are kept forever")


def _policy(policy: Resource, program: Program) -> Iterable[str]:
    found = [s for s in statements(policy, "policy") if s.get("Effect") == "Allow" and is_public(s)]
    return must(not found, f"everyone is allowed {shown([s.get('Action') for s in found])}")


def _logging(bucket: Resource, program: Program) -> Iterable[str]:
    return must(_companions(bucket, program, "s3.BucketLogging"), "no server access log")


def _object_key(put: Resource, program: Program) -> Iterable[str]:
    keys = {key.outputs.get("arn") for key in program.of("kms.Key")}
    return must(put.inputs.get("kmsKeyId") in keys, f"its key is {shown(put.inputs.get('kmsKeyId'))}")


def _object_tags(object_: Resource, program: Program) -> Iterable[str]:
    """Count the provider's, too: it puts its default tags on objects as on everything else."""
    defaults = [(one.json("defaultTags") or {}).get("tags", {}) for one in program.of("providers.aws")]
    for tags in defaults:
        count = len({**tags, **(object_.inputs.get("tags") or {})})
        yield from must(count <= MOST_TAGS_OF_AN_OBJECT, f"it would have {count} tags")


def _force_destroy(bucket: Resource, program: Program) -> Iterable[str]:
    destroys = program.environment in KEEPS_ITS_DATA and bucket.inputs.get("forceDestroy")
    return must(not destroys, "forceDestroy is on")


BUCKET = ("s3.Bucket",)
RULES = (
    Rule(
        id="S3-01",
        severity="high",
        controls=("S3.8", "AwsSolutions-S2"),
        reason="Data of a lake is never for everyone; a bucket policy written later must not change that.",
        allowed="all four kinds of public access blocked",
        types=BUCKET,
        wrong=_public_access,
    ),
    Rule(
        id="S3-02",
        severity="high",
        controls=("S3.5", "AwsSolutions-S10"),
        reason="Without TLS, data and signatures can be read on the way.",
        allowed="a policy that denies s3:* on bucket and objects where aws:SecureTransport is false",
        types=BUCKET,
        wrong=_tls,
    ),
    Rule(
        id="S3-03",
        severity="high",
        controls=("S3.17",),
        reason="Who may read data is decided a second time, by the key, and every use of it is logged.",
        allowed="aws:kms with the environment's key",
        types=BUCKET,
        wrong=_encryption,
    ),
    Rule(
        id="S3-04",
        severity="low",
        reason="Without a bucket key, each object is a call to KMS: thousands a batch, which cost and are throttled.",
        allowed="bucketKeyEnabled",
        types=BUCKET,
        wrong=_bucket_key,
    ),
    Rule(
        id="S3-05",
        severity="high",
        controls=("S3.14",),
        reason="A file is one object version; without versions an overwritten file is lost before it is read.",
        allowed="Enabled",
        types=BUCKET,
        wrong=_versioning,
    ),
    Rule(
        id="S3-06",
        severity="medium",
        controls=("S3.12",),
        reason="With ACLs, whoever wrote an object could let others in.",
        allowed="BucketOwnerEnforced",
        types=BUCKET,
        wrong=_ownership,
    ),
    Rule(
        id="S3-07",
        severity="medium",
        controls=("S3.10", "S3.13"),
        reason="Versions that nobody sees are billed as if they were data.",
        allowed="a rule for all objects that expires noncurrent versions",
        types=BUCKET,
        wrong=_noncurrent,
    ),
    Rule(
        id="S3-08",
        severity="low",
        controls=("S3.13",),
        reason="Parts of an upload that never ended are billed and seen by nobody.",
        allowed="a rule for all objects that aborts incomplete uploads",
        types=BUCKET,
        wrong=_unfinished,
    ),
    Rule(
        id="S3-09",
        severity="low",
        reason="A delete marker whose versions are gone slows every listing, and lifecycle rules leave it where it is.",
        allowed="a rule for all objects with expiredObjectDeleteMarker",
        types=BUCKET,
        wrong=_delete_markers,
    ),
    Rule(
        id="S3-10",
        severity="high",
        controls=("S3.2", "S3.3"),
        reason="A condition on an allowed everyone is one typing error away from the public.",
        allowed="no Allow for everyone",
        types=("s3.BucketPolicy",),
        wrong=_policy,
    ),
    Rule(
        id="S3-11",
        severity="medium",
        controls=("S3.9", "AwsSolutions-S1"),
        reason="After an incident somebody will ask who has read what.",
        allowed="a server access log, or a record of data events",
        types=BUCKET,
        wrong=_logging,
    ),
    Rule(
        id="S3-12",
        severity="medium",
        controls=("S3.17",),
        reason="An object that is put before the bucket's default is known would get another key.",
        allowed="the environment's key, named at the object",
        types=("s3.BucketObjectv2",),
        wrong=_object_key,
    ),
    Rule(
        id="S3-13",
        severity="high",
        reason="`pulumi destroy` in the wrong terminal must not take the data along.",
        allowed="off in staging and prod",
        types=BUCKET,
        wrong=_force_destroy,
    ),
    Rule(
        id="S3-14",
        severity="medium",
        reason="S3 refuses an object with more than ten tags, in the middle of a deployment.",
        allowed="at most ten, with the provider's default tags",
        types=("s3.BucketObjectv2",),
        wrong=_object_tags,
    ),
)
