"""Buckets and the objects that the program puts."""

from collections.abc import Iterable
from typing import Any

from policies.documents import must_not_be_public, refuses_plain_text
from policies.model import KEEPS_ITS_DATA, Program, Resource, must, must_be_our_key, rule, shown

MOST_TAGS_OF_AN_OBJECT = 10
BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
BUCKET = ("s3.Bucket",)


def _companions(bucket: Resource, program: Program, type_: str) -> list[Resource]:
    return program.about(type_, "bucket", bucket.outputs.get("bucket"))


@rule("S3-01", "high", BUCKET, "all four kinds of public access blocked", "S3.8", "AwsSolutions-S2")
def public_access(bucket: Resource, program: Program) -> Iterable[str]:
    """Data of a lake is never for everyone; a bucket policy written later must not change that."""
    blocks = _companions(bucket, program, "s3.BucketPublicAccessBlock")
    yield from must(blocks, "no public access block")
    for block in blocks:
        for kind in BLOCKS:
            yield from must(block.inputs.get(kind) is True, f"{kind} is {shown(block.inputs.get(kind))}")


@rule(
    "S3-02",
    "high",
    BUCKET,
    "a policy that denies s3:* on bucket and objects where aws:SecureTransport is false",
    "S3.5",
    "AwsSolutions-S10",
)
def tls(bucket: Resource, program: Program) -> Iterable[str]:
    """Without TLS, data and signatures can be read on the way."""
    arn = str(bucket.outputs.get("arn"))
    policies = _companions(bucket, program, "s3.BucketPolicy")
    good = any(refuses_plain_text(policy, {"s3:*"}, {arn, f"{arn}/*"}) for policy in policies)
    return must(good, "plain HTTP is not refused for the bucket and its objects")


def _defaults(bucket: Resource, program: Program) -> list[dict[str, Any]]:
    found = _companions(bucket, program, "s3.BucketServerSideEncryptionConfiguration")
    return [rule for configuration in found for rule in configuration.inputs.get("rules", [])]


@rule("S3-03", "high", BUCKET, "aws:kms with the environment's key", "S3.17")
def encryption(bucket: Resource, program: Program) -> Iterable[str]:
    """Who may read data is decided a second time, by the key, and every use of it is logged."""
    keys = program.known("kms.Key")
    chosen = [rule.get("applyServerSideEncryptionByDefault", {}) for rule in _defaults(bucket, program)]
    good = [one for one in chosen if one.get("sseAlgorithm") == "aws:kms" and one.get("kmsMasterKeyId") in keys]
    return must(chosen and good == chosen, f"the default encryption is {shown(chosen)}")


@rule("S3-04", "low", BUCKET, "bucketKeyEnabled")
def bucket_key(bucket: Resource, program: Program) -> Iterable[str]:
    """Without a bucket key, each object is a call to KMS: thousands a batch, which cost and are throttled."""
    return must(all(r.get("bucketKeyEnabled") is True for r in _defaults(bucket, program)), "no bucket key")


@rule("S3-05", "high", BUCKET, "Enabled", "S3.14")
def versioning(bucket: Resource, program: Program) -> Iterable[str]:
    """A file is one object version; without versions an overwritten file is lost before it is read."""
    found = [v.at("versioningConfiguration.status") for v in _companions(bucket, program, "s3.BucketVersioning")]
    return must(found == ["Enabled"], f"versioning is {shown(found)}")


@rule("S3-06", "medium", BUCKET, "BucketOwnerEnforced", "S3.12")
def ownership(bucket: Resource, program: Program) -> Iterable[str]:
    """With ACLs, whoever wrote an object could let others in."""
    found = [o.at("rule.objectOwnership") for o in _companions(bucket, program, "s3.BucketOwnershipControls")]
    return must(found == ["BucketOwnerEnforced"], f"object ownership is {shown(found)}")


def _rules_for_all(bucket: Resource, program: Program) -> list[dict[str, Any]]:
    found = _companions(bucket, program, "s3.BucketLifecycleConfiguration")
    rules = [rule for configuration in found for rule in configuration.inputs.get("rules", [])]
    return [rule for rule in rules if rule["status"] == "Enabled" and rule.get("filter", {}).get("prefix") == ""]


@rule("S3-07", "medium", BUCKET, "a rule for all objects that expires noncurrent versions", "S3.10", "S3.13")
def noncurrent(bucket: Resource, program: Program) -> Iterable[str]:
    """Versions that nobody sees are billed as if they were data."""
    rules = _rules_for_all(bucket, program)
    return must(any(r.get("noncurrentVersionExpiration") for r in rules), "old versions are kept forever")


@rule("S3-08", "low", BUCKET, "a rule for all objects that aborts incomplete uploads", "S3.13")
def unfinished(bucket: Resource, program: Program) -> Iterable[str]:
    """Parts of an upload that never ended are billed and seen by nobody."""
    rules = _rules_for_all(bucket, program)
    return must(any(r.get("abortIncompleteMultipartUpload") for r in rules), "unfinished uploads are kept forever")


@rule("S3-09", "low", BUCKET, "a rule for all objects with expiredObjectDeleteMarker")
def delete_markers(bucket: Resource, program: Program) -> Iterable[str]:
    """A delete marker whose versions are gone slows every listing, and lifecycle rules leave it where it is."""
    found = [rule.get("expiration") or {} for rule in _rules_for_all(bucket, program)]
    return must(any(one.get("expiredObjectDeleteMarker") is True for one in found), "delete markers are kept forever")


@rule("S3-10", "high", ("s3.BucketPolicy",), "no Allow for everyone", "S3.2", "S3.3")
def bucket_policy(policy: Resource, program: Program) -> Iterable[str]:
    """A condition on an allowed everyone is one typing error away from the public."""
    return must_not_be_public(policy)


@rule("S3-11", "medium", BUCKET, "a server access log, or a record of data events", "S3.9", "AwsSolutions-S1")
def logging(bucket: Resource, program: Program) -> Iterable[str]:
    """After an incident somebody will ask who has read what."""
    return must(_companions(bucket, program, "s3.BucketLogging"), "no server access log")


@rule("S3-12", "medium", ("s3.BucketObjectv2",), "the environment's key, named at the object", "S3.17")
def object_key(put: Resource, program: Program) -> Iterable[str]:
    """An object that is put before the bucket's default is known would get another key."""
    return must_be_our_key(put.inputs.get("kmsKeyId"), program)


@rule("S3-13", "high", BUCKET, "off in staging and prod")
def force_destroy(bucket: Resource, program: Program) -> Iterable[str]:
    """`pulumi destroy` in the wrong terminal must not take the data along."""
    destroys = program.environment in KEEPS_ITS_DATA and bucket.inputs.get("forceDestroy")
    return must(not destroys, "forceDestroy is on")


@rule("S3-14", "medium", ("s3.BucketObjectv2",), "at most ten, with the provider's default tags")
def object_tags(object_: Resource, program: Program) -> Iterable[str]:
    """S3 refuses an object with more than ten tags, in the middle of a deployment."""
    # The provider puts its default tags on objects as on everything else.
    defaults = [(one.json("defaultTags") or {}).get("tags", {}) for one in program.of("providers.aws")]
    for tags in defaults:
        count = len({**tags, **(object_.inputs.get("tags") or {})})
        yield from must(count <= MOST_TAGS_OF_AN_OBJECT, f"it would have {count} tags")
