"""The key, the ledger, the catalog, the job and the queries: what keeps and computes data."""

from collections.abc import Iterable

from policies.documents import allows, is_public, listed, services
from policies.model import KEEPS_ITS_DATA, Program, Resource, must, rule, shown

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
KEY, TABLE, JOB, WORKGROUP = ("kms.Key",), ("dynamodb.Table",), ("glue.Job",), ("athena.Workgroup",)


@rule("KMS-01", "medium", KEY, "rotation", "KMS.4", "AwsSolutions-KMS5")
def rotation(key: Resource, program: Program) -> Iterable[str]:
    """A key that never changes is worth stealing."""
    return must(key.inputs.get("enableKeyRotation") is True, "the key does not rotate")


@rule("KMS-02", "medium", KEY, "named principals", "KMS.5")
def key_principals(key: Resource, program: Program) -> Iterable[str]:
    """Who is not named is not meant."""
    for statement in allows(key, "policy"):
        yield from must(not is_public(statement), f"everyone may {shown(statement.get('Action'))}")
        named = services(statement) or listed((statement.get("Principal") or {}).get("AWS"))
        yield from must(named, "a statement names no principal")


@rule("KMS-03", "medium", KEY, "the use of the key for services; all of it for the account alone")
def key_administration(key: Resource, program: Program) -> Iterable[str]:
    """A service that needs the key to work with data has no business with the key itself."""
    for statement in allows(key, "policy"):
        whole = [a for a in listed(statement.get("Action")) if not a.startswith(USE_OF_A_KEY)]
        principals = listed((statement.get("Principal") or {}).get("AWS"))
        root = bool(principals) and all(str(one).endswith(":root") for one in principals)
        yield from must(not whole or root, f"{shown(statement.get('Principal'))} may {', '.join(whole)}")


@rule("KMS-04", "medium", KEY, "7 days, 30 in prod", "KMS.3")
def deletion(key: Resource, program: Program) -> Iterable[str]:
    """Without its key all data is gone; somebody must have the time to notice."""
    days, least = key.inputs.get("deletionWindowInDays") or 0, 30 if program.environment == "prod" else 7
    return must(days >= least, f"a deleted key can be brought back for {days} days, {least} are needed")


@rule("DAT-01", "medium", DATA, "protect in staging and prod")
def protect(resource: Resource, program: Program) -> Iterable[str]:
    """A renamed resource is a deleted one to Pulumi; what keeps data must refuse."""
    return must(resource.protect or program.environment not in KEEPS_ITS_DATA, "it is not protected")


@rule("DAT-02", "medium", (*DATA, *GUARDS), "retain_on_delete in staging and prod, for what guards a bucket too")
def retain(resource: Resource, program: Program) -> Iterable[str]:
    """Whoever takes the protection away to remove a resource from the program has not decided to delete its data."""
    good = resource.retain_on_delete or program.environment not in KEEPS_ITS_DATA
    return must(good, "it is deleted on AWS when it leaves the program")


@rule("DDB-01", "medium", TABLE, "point-in-time recovery", "DynamoDB.2", "AwsSolutions-DDB3")
def recovery(table: Resource, program: Program) -> Iterable[str]:
    """A bug that writes nonsense into the ledger must be undone to the second before it."""
    return must(table.at("pointInTimeRecovery.enabled") is True, "it cannot be brought back to a point in time")


@rule("DDB-02", "medium", TABLE, "the environment's key")
def table_key(table: Resource, program: Program) -> Iterable[str]:
    """Who reads the ledger is decided by the key too."""
    found = table.at("serverSideEncryption.kmsKeyArn")
    good = table.at("serverSideEncryption.enabled") is True and found in program.known("kms.Key")
    return must(good, f"its key is {shown(found)}")


@rule("DDB-03", "medium", TABLE, "PAY_PER_REQUEST", "DynamoDB.1")
def capacity(table: Resource, program: Program) -> Iterable[str]:
    """A thousand files at once must not be throttled, and an idle table must cost nothing."""
    mode = table.inputs.get("billingMode")
    return must(mode == "PAY_PER_REQUEST", f"its billing mode is {shown(mode)}")


@rule("DDB-04", "medium", TABLE, "deletion protection in staging and prod", "DynamoDB.6")
def deletion_protection(table: Resource, program: Program) -> Iterable[str]:
    """The ledger alone knows what was read."""
    on = table.inputs.get("deletionProtectionEnabled") is True
    return must(on or program.environment not in KEEPS_ITS_DATA, "anyone who may delete tables may delete it")


@rule(
    "GLU-01",
    "medium",
    ("glue.Job", "glue.Crawler"),
    "a security configuration of this program",
    "AwsSolutions-GL1",
    "CKV_AWS_195",
)
def glue_security(user: Resource, program: Program) -> Iterable[str]:
    """Without one, Glue writes logs and temporary data in clear."""
    found = user.inputs.get("securityConfiguration")
    return must(
        found in program.known("glue.SecurityConfiguration", "name"), f"its security configuration is {shown(found)}"
    )


@rule(
    "GLU-02",
    "medium",
    ("glue.SecurityConfiguration",),
    "KMS for logs, bookmarks and S3",
    "AwsSolutions-GL1",
    "AwsSolutions-GL3",
)
def glue_encryption(configuration: Resource, program: Program) -> Iterable[str]:
    """Logs, bookmarks and spilled data show what is in the files."""
    parts = configuration.inputs.get("encryptionConfiguration") or {}
    for part, mode, wanted in (
        ("cloudwatchEncryption", "cloudwatchEncryptionMode", "SSE-KMS"),
        ("jobBookmarksEncryption", "jobBookmarksEncryptionMode", "CSE-KMS"),
        ("s3Encryption", "s3EncryptionMode", "SSE-KMS"),
    ):
        found = parts.get(part, {})
        yield from must(found.get(mode) == wanted and found.get("kmsKeyArn"), f"{part} is {shown(found)}")


@rule("GLU-03", "medium", JOB, ", ".join(GLUE_VERSIONS), "Glue.4")
def glue_version(job: Resource, program: Program) -> Iterable[str]:
    """An unsupported Spark gets no security fixes."""
    version = job.inputs.get("glueVersion")
    return must(version in GLUE_VERSIONS, f"its Glue version is {shown(version)}")


@rule(
    "GLU-04", "medium", JOB, "a timeout of a day at most, a number of workers and of runs, and no retries of Glue's own"
)
def job_limits(job: Resource, program: Program) -> Iterable[str]:
    """A job that hangs is billed by the second, times its workers."""
    minutes = job.inputs.get("timeout")
    yield from must(minutes and minutes <= LONGEST_JOB_MINUTES, f"a run may take {shown(minutes)} minutes")
    for path in ("numberOfWorkers", "executionProperty.maxConcurrentRuns"):
        yield from must(job.at(path), f"{path} is not set")
    yield from must(job.inputs.get("maxRetries") == 0, "Glue repeats runs of which the workflow knows nothing")


@rule("GLU-05", "medium", JOB, "all three on")
def job_logs(job: Resource, program: Program) -> Iterable[str]:
    """A run that failed is explained by its logs and metrics alone."""
    arguments = job.inputs.get("defaultArguments") or {}
    for name in ("--enable-metrics", "--enable-observability-metrics", "--enable-continuous-cloudwatch-log"):
        yield from must(arguments.get(name) == "true", f"{name} is {shown(arguments.get(name))}")


@rule("GLU-06", "medium", ("glue.Crawler",), "LOG")
def crawler_deletes(crawler: Resource, program: Program) -> Iterable[str]:
    """A crawl while files are being replaced would drop partitions, or the table."""
    found = crawler.at("schemaChangePolicy.deleteBehavior")
    return must(found == "LOG", f"what it no longer finds it treats as {shown(found)}")


@rule("ATH-01", "medium", WORKGROUP, "enforced configuration")
def enforced(workgroup: Resource, program: Program) -> Iterable[str]:
    """Limits that a client may override are none."""
    return must(workgroup.at("configuration.enforceWorkgroupConfiguration") is True, "a client may set other limits")


@rule("ATH-02", "medium", WORKGROUP, "SSE_KMS with a key", "Athena.1", "AwsSolutions-ATH1")
def results(workgroup: Resource, program: Program) -> Iterable[str]:
    """Results are data."""
    found = workgroup.at("configuration.resultConfiguration.encryptionConfiguration") or {}
    good = found.get("encryptionOption") == "SSE_KMS" and found.get("kmsKeyArn")
    return must(good, f"results are encrypted with {shown(found)}")


@rule("ATH-03", "medium", WORKGROUP, "a cutoff")
def cutoff(workgroup: Resource, program: Program) -> Iterable[str]:
    """One SELECT without a WHERE can cost a day's budget."""
    return must(workgroup.at("configuration.bytesScannedCutoffPerQuery"), "a query may scan, and cost, anything")


@rule("ATH-04", "medium", WORKGROUP, "published metrics", "Athena.4")
def query_metrics(workgroup: Resource, program: Program) -> Iterable[str]:
    """Cost that nobody sees grows."""
    return must(workgroup.at("configuration.publishCloudwatchMetricsEnabled") is True, "nobody sees what queries scan")


@rule("ATH-05", "medium", WORKGROUP, "the account's id")
def bucket_owner(workgroup: Resource, program: Program) -> Iterable[str]:
    """Bucket names are global and can be taken."""
    owner = workgroup.at("configuration.resultConfiguration.expectedBucketOwner")
    return must(owner, "results would go to a bucket that another account made under this name")
