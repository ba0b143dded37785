"""The key, the ledger, the catalog, the job and the queries: what keeps and computes data."""

from collections.abc import Iterable

from policies.documents import allows, is_public, listed, services
from policies.model import KEEPS_ITS_DATA, Check, Program, Resource, Rule, must, shown

# Glue versions that still get fixes; older ones cannot be started much longer.
GLUE_VERSIONS = ("5.0", "5.1")
LONGEST_JOB_MINUTES = 24 * 60
USE_OF_A_KEY = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt", "kms:GenerateDataKey", "kms:Describe")
DATA = ("s3.Bucket", "dynamodb.Table", "kms.Key")
# Deleting one of these opens a bucket, ends its versions or its expiry; the bucket may outlive the program.
GUARDS = (
    "s3.BucketVersioning",
    "s3.BucketServerSideEncryptionConfiguration",
    "s3.BucketPublicAccessBlock",
    "s3.BucketOwnershipControls",
    "s3.BucketPolicy",
    "s3.BucketLifecycleConfiguration",
)


def _rotation(key: Resource, program: Program) -> Iterable[str]:
    return must(key.inputs.get("enableKeyRotation") is True, "the key does not rotate")


def _key_principals(key: Resource, program: Program) -> Iterable[str]:
    for statement in allows(key, "policy"):
        yield from must(not is_public(statement), f"everyone may {shown(statement.get('Action'))}")
        named = services(statement) or listed((statement.get("Principal") or {}).get("AWS"))
        yield from must(named, "a statement names no principal")


def _key_administration(key: Resource, program: Program) -> Iterable[str]:
    for statement in allows(key, "policy"):
        whole = [a for a in listed(statement.get("Action")) if not a.startswith(USE_OF_A_KEY)]
        principals = listed((statement.get("Principal") or {}).get("AWS"))
        root = bool(principals) and all(str(one).endswith(":root") for one in principals)
        yield from must(not whole or root, f"{shown(statement.get('Principal'))} may {', '.join(whole)}")


def _deletion(key: Resource, program: Program) -> Iterable[str]:
    days, least = key.inputs.get("deletionWindowInDays") or 0, 30 if program.environment == "prod" else 7
    return must(days >= least, f"a deleted key can be brought back for {days} days, {least} are needed")


def _protect(resource: Resource, program: Program) -> Iterable[str]:
    return must(resource.protect or program.environment not in KEEPS_ITS_DATA, "it is not protected")


def _retain(resource: Resource, program: Program) -> Iterable[str]:
    good = resource.retain_on_delete or program.environment not in KEEPS_ITS_DATA
    return must(good, "it is deleted on AWS when it leaves the program")


def _recovery(table: Resource, program: Program) -> Iterable[str]:
    return must(table.at("pointInTimeRecovery.enabled") is True, "it cannot be brought back to a point in time")


def _table_key(table: Resource, program: Program) -> Iterable[str]:
    keys = {key.outputs.get("arn") for key in program.of("kms.Key")}
    found = table.at("serverSideEncryption.kmsKeyArn")
    return must(table.at("serverSideEncryption.enabled") is True and found in keys, f"its key is {shown(found)}")


def _capacity(table: Resource, program: Program) -> Iterable[str]:
    mode = table.inputs.get("billingMode")
    return must(mode == "PAY_PER_REQUEST", f"its billing mode is {shown(mode)}")


def _deletion_protection(table: Resource, program: Program) -> Iterable[str]:
    on = table.inputs.get("deletionProtectionEnabled") is True
    return must(on or program.environment not in KEEPS_ITS_DATA, "anyone who may delete tables may delete it")


def _glue_security(user: Resource, program: Program) -> Iterable[str]:
    names = {one.outputs.get("name") for one in program.of("glue.SecurityConfiguration")}
    found = user.inputs.get("securityConfiguration")
    return must(found in names, f"its security configuration is {shown(found)}")


def _glue_encryption(configuration: Resource, program: Program) -> Iterable[str]:
    parts = configuration.inputs.get("encryptionConfiguration") or {}
    for part, mode, wanted in (
        ("cloudwatchEncryption", "cloudwatchEncryptionMode", "SSE-KMS"),
        ("jobBookmarksEncryption", "jobBookmarksEncryptionMode", "CSE-KMS"),
        ("s3Encryption", "s3EncryptionMode", "SSE-KMS"),
    ):
        found = parts.get(part, {})
        yield from must(found.get(mode) == wanted and found.get("kmsKeyArn"), f"{part} is {shown(found)}")


def _glue_version(job: Resource, program: Program) -> Iterable[str]:
    version = job.inputs.get("glueVersion")
    return must(version in GLUE_VERSIONS, f"its Glue version is {shown(version)}")


def _job_limits(job: Resource, program: Program) -> Iterable[str]:
    minutes = job.inputs.get("timeout")
    yield from must(minutes and minutes <= LONGEST_JOB_MINUTES, f"a run may take {shown(minutes)} minutes")
    for path in ("numberOfWorkers", "executionProperty.maxConcurrentRuns"):
        yield from must(job.at(path), f"{path} is not set")
    yield from must(job.inputs.get("maxRetries") == 0, "Glue repeats runs of which the workflow knows nothing")


def _job_logs(job: Resource, program: Program) -> Iterable[str]:
    arguments = job.inputs.get("defaultArguments") or {}
    for name in ("--enable-metrics", "--enable-observability-metrics", "--enable-continuous-cloudwatch-log"):
        yield from must(arguments.get(name) == "true", f"{name} is {shown(arguments.get(name))}")


def _crawler_deletes(crawler: Resource, program: Program) -> Iterable[str]:
    found = crawler.at("schemaChangePolicy.deleteBehavior")
    return must(found == "LOG", f"what it no longer finds it treats as {shown(found)}")


def _enforced(workgroup: Resource, program: Program) -> Iterable[str]:
    return must(workgroup.at("configuration.enforceWorkgroupConfiguration") is True, "a client may set other limits")


def _results(workgroup: Resource, program: Program) -> Iterable[str]:
    found = workgroup.at("configuration.resultConfiguration.encryptionConfiguration") or {}
    good = found.get("encryptionOption") == "SSE_KMS" and found.get("kmsKeyArn")
    return must(good, f"results are encrypted with {shown(found)}")


def _cutoff(workgroup: Resource, program: Program) -> Iterable[str]:
    return must(workgroup.at("configuration.bytesScannedCutoffPerQuery"), "a query may scan, and cost, anything")


def _query_metrics(workgroup: Resource, program: Program) -> Iterable[str]:
    return must(workgroup.at("configuration.publishCloudwatchMetricsEnabled") is True, "nobody sees what queries scan")


def _bucket_owner(workgroup: Resource, program: Program) -> Iterable[str]:
    owner = workgroup.at("configuration.resultConfiguration.expectedBucketOwner")
    return must(owner, "results would go to a bucket that another account made under this name")


KEY, TABLE, JOB, WORKGROUP = ("kms.Key",), ("dynamodb.Table",), ("glue.Job",), ("athena.Workgroup",)


def _rule(id_: str, types: tuple[str, ...], wrong: Check, reason: str, allowed: str, *controls: str) -> Rule:
    """Write a rule in a line: the security of stored data is of one severity."""
    return Rule(id=id_, severity="medium", controls=controls, reason=reason, allowed=allowed, types=types, wrong=wrong)


RULES = (
    _rule(
        "KMS-01",
        KEY,
        _rotation,
        "A key that never changes is worth stealing.",
        "rotation",
        "KMS.4",
        "AwsSolutions-KMS5",
    ),
    _rule("KMS-02", KEY, _key_principals, "Who is not named is not meant.", "named principals", "KMS.5"),
    _rule(
        "KMS-03",
        KEY,
        _key_administration,
        "A service that needs the key to work with data has no business with the key itself.",
        "the use of the key for services; all of it for the account alone",
    ),
    _rule(
        "KMS-04",
        KEY,
        _deletion,
        "Without its key all data is gone; somebody must have the time to notice.",
        "7 days, 30 in prod",
        "KMS.3",
    ),
    _rule(
        "DAT-01",
        DATA,
        _protect,
        "A renamed resource is a deleted one to Pulumi; what keeps data must refuse.",
        "protect in staging and prod",
    ),
    _rule(
        "DAT-02",
        (*DATA, *GUARDS),
        _retain,
        "Whoever takes the protection away to remove a resource from the program has not decided to delete its data.",
        "retain_on_delete in staging and prod, for what guards a bucket too",
    ),
    _rule(
        "DDB-01",
        TABLE,
        _recovery,
        "A bug that writes nonsense into the ledger must be undone to the second before it.",
        "point-in-time recovery",
        "DynamoDB.2",
        "AwsSolutions-DDB3",
    ),
    _rule("DDB-02", TABLE, _table_key, "Who reads the ledger is decided by the key too.", "the environment's key"),
    _rule(
        "DDB-03",
        TABLE,
        _capacity,
        "A thousand files at once must not be throttled, and an idle table must cost nothing.",
        "PAY_PER_REQUEST",
        "DynamoDB.1",
    ),
    _rule(
        "DDB-04",
        TABLE,
        _deletion_protection,
        "The ledger alone knows what was read.",
        "deletion protection in staging and prod",
        "DynamoDB.6",
    ),
    _rule(
        "GLU-01",
        ("glue.Job", "glue.Crawler"),
        _glue_security,
        "Without one, Glue writes logs and temporary data in clear.",
        "a security configuration of this program",
        "AwsSolutions-GL1",
        "CKV_AWS_195",
    ),
    _rule(
        "GLU-02",
        ("glue.SecurityConfiguration",),
        _glue_encryption,
        "Logs, bookmarks and spilled data show what is in the files.",
        "KMS for logs, bookmarks and S3",
        "AwsSolutions-GL1",
        "AwsSolutions-GL3",
    ),
    _rule(
        "GLU-03",
        JOB,
        _glue_version,
        "An unsupported Spark gets no security fixes.",
        ", ".join(GLUE_VERSIONS),
        "Glue.4",
    ),
    _rule(
        "GLU-04",
        JOB,
        _job_limits,
        "A job that hangs is billed by the second, times its workers.",
        "a timeout of a day at most, a number of workers and of runs, and no retries of Glue's own",
    ),
    _rule("GLU-05", JOB, _job_logs, "A run that failed is explained by its logs and metrics alone.", "all three on"),
    _rule(
        "GLU-06",
        ("glue.Crawler",),
        _crawler_deletes,
        "A crawl while files are being replaced would drop partitions, or the table.",
        "LOG",
    ),
    _rule("ATH-01", WORKGROUP, _enforced, "Limits that a client may override are none.", "enforced configuration"),
    _rule(
        "ATH-02",
        WORKGROUP,
        _results,
        "Results are data.",
        "SSE_KMS with a key",
        "Athena.1",
        "AwsSolutions-ATH1",
    ),
    _rule("ATH-03", WORKGROUP, _cutoff, "One SELECT without a WHERE can cost a day's budget.", "a cutoff"),
    _rule("ATH-04", WORKGROUP, _query_metrics, "Cost that nobody sees grows.", "published metrics", "Athena.4"),
    _rule("ATH-05", WORKGROUP, _bucket_owner, "Bucket names are global and can be taken.", "the account's id"),
)
