"""One change each to what prod declares, which a rule must refuse: the rule's id, and what is changed."""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from policies.model import Program, Resource

REMOVED = object()


@dataclass(frozen=True)
class Bad:
    """A change of one resource; `name` is its logical name without `data-pipeline-`, or the first of its type."""

    rule: str
    type: str
    name: str
    change: Callable[[Program, Resource], Program]


def changed(program: Program, old: Resource, new: Resource) -> Program:
    return replace(program, resources=tuple(new if one is old else one for one in program.resources))


def put(path: str, value: object) -> Callable[[Program, Resource], Program]:
    """Give an input another value, or remove it."""

    def change(program: Program, resource: Resource) -> Program:
        inputs = copy.deepcopy(dict(resource.inputs))
        _put(inputs, path.split("."), value)
        return changed(program, resource, replace(resource, inputs=inputs))

    return change


def _put(place: Any, path: list[str], value: object) -> None:
    key: Any = int(path[0]) if isinstance(place, list) else path[0]
    if len(path) > 1:
        _put(place[key], path[1:], value)
    elif value is REMOVED:
        del place[key]
    else:
        place[key] = value


def document(path: str, value: object, key: str = "policy") -> Callable[[Program, Resource], Program]:
    """Change an input that holds JSON."""

    def change(program: Program, resource: Resource) -> Program:
        parsed = json.loads(resource.inputs[key])
        _put(parsed, path.split("."), value)
        return changed(program, resource, replace(resource, inputs={**resource.inputs, key: json.dumps(parsed)}))

    return change


def statement(**parts: object) -> Callable[[Program, Resource], Program]:
    """Put a statement before those of a policy; `_` is a full set of parts."""

    def change(program: Program, resource: Resource) -> Program:
        parsed = resource.json("policy")
        whole = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::bucket/x"], **parts}
        parsed["Statement"].insert(0, whole)
        return changed(program, resource, replace(resource, inputs={**resource.inputs, "policy": json.dumps(parsed)}))

    return change


def drop(program: Program, resource: Resource) -> Program:
    """Leave a resource out."""
    return replace(program, resources=tuple(one for one in program.resources if one is not resource))


def option(**options: Any) -> Callable[[Program, Resource], Program]:
    """Give a resource another option."""
    return lambda program, resource: changed(program, resource, replace(resource, **options))


def beside(type_: str, inputs: Mapping[str, Any]) -> Callable[[Program, Resource], Program]:
    """Declare something that must not be there."""
    new = Resource(type=type_, name="data-pipeline-new", inputs=inputs, provider="urn::pulumi:providers:aws::aws::id")
    return lambda program, _: replace(program, resources=(*program.resources, new))


EVERYONE = {"Principal": "*", "Action": "sqs:SendMessage"}
ROLE_POLICY, LOG_GROUP = "iam.RolePolicy", "cloudwatch.LogGroup"
LIFECYCLE = "s3.BucketLifecycleConfiguration"
BAD = (
    Bad("S3-01", "s3.BucketPublicAccessBlock", "raw-public-access", put("blockPublicPolicy", False)),
    Bad("S3-01", "s3.BucketPublicAccessBlock", "raw-public-access", drop),
    Bad("S3-02", "s3.BucketPolicy", "raw-policy", drop),
    Bad("S3-02", "s3.BucketPolicy", "raw-policy", document("Statement.0.Action", ["s3:GetObject"])),
    Bad("S3-02", "s3.BucketPolicy", "raw-policy", document("Statement.0.Condition", {})),
    Bad(
        "S3-03",
        "s3.BucketServerSideEncryptionConfiguration",
        "raw-encryption",
        put("rules.0.applyServerSideEncryptionByDefault", {"sseAlgorithm": "AES256"}),
    ),
    Bad(
        "S3-04",
        "s3.BucketServerSideEncryptionConfiguration",
        "raw-encryption",
        put("rules.0.bucketKeyEnabled", False),
    ),
    Bad("S3-05", "s3.BucketVersioning", "raw-versioning", put("versioningConfiguration.status", "Suspended")),
    Bad("S3-06", "s3.BucketOwnershipControls", "raw-ownership", put("rule.objectOwnership", "ObjectWriter")),
    Bad("S3-07", LIFECYCLE, "raw-lifecycle", put("rules.0.noncurrentVersionExpiration", REMOVED)),
    Bad("S3-07", LIFECYCLE, "raw-lifecycle", put("rules.0.filter.prefix", "flights/")),
    Bad("S3-08", LIFECYCLE, "raw-lifecycle", put("rules.0.abortIncompleteMultipartUpload", REMOVED)),
    Bad("S3-08", LIFECYCLE, "raw-lifecycle", put("rules.0.status", "Disabled")),
    Bad("S3-09", LIFECYCLE, "raw-lifecycle", put("rules.0.expiration", REMOVED)),
    Bad("S3-10", "s3.BucketPolicy", "raw-policy", statement(Principal={"AWS": "*"})),
    Bad("S3-12", "s3.BucketObjectv2", "contract-flights", put("kmsKeyId", REMOVED)),
    Bad("S3-13", "s3.Bucket", "raw", put("forceDestroy", True)),
    Bad("S3-14", "s3.BucketObjectv2", "contract-flights", put("tags", {f"t{number}": "" for number in range(8)})),
    Bad("SQS-01", "sqs.Queue", "arrivals", put("kmsMasterKeyId", "alias/aws/sqs")),
    Bad("SQS-02", "sqs.QueuePolicy", "arrivals-dead-letters-policy", drop),
    Bad("SQS-03", "sqs.Queue", "arrivals", put("redrivePolicy", REMOVED)),
    Bad("SQS-04", "sqs.Queue", "undelivered", put("messageRetentionSeconds", 345_600)),
    Bad("SQS-05", "sqs.QueuePolicy", "arrivals-policy", statement(**EVERYONE)),
    Bad("SQS-06", "sqs.Queue", "arrivals", put("visibilityTimeoutSeconds", 359)),
    Bad("SNS-01", "sns.Topic", "alarms", put("kmsMasterKeyId", REMOVED)),
    Bad("SNS-02", "sns.TopicPolicy", "notifications-policy", drop),
    Bad("SNS-03", "sns.TopicPolicy", "alarms-policy", statement(Principal="*", Action="sns:Publish")),
    Bad("SNS-04", "sns.TopicSubscription", "", put("protocol", "http")),
    Bad("EVT-01", "cloudwatch.EventTarget", "arrival-target", put("deadLetterConfig", REMOVED)),
    Bad("EVT-02", "cloudwatch.EventRule", "arrival", put("eventPattern", '{"source": ["aws.s3"]}')),
    Bad("LAM-01", "lambda.Function", "query", put("runtime", "python3.9")),
    Bad("LAM-02", "lambda.Function", "query", put("tracingConfig.mode", "PassThrough")),
    Bad("LAM-03", "lambda.Function", "query", put("kmsKeyArn", REMOVED)),
    Bad("LAM-04", "lambda.Function", "query", put("loggingConfig.logGroup", "/aws/lambda/query")),
    Bad("LAM-04", "lambda.Function", "query", put("loggingConfig.logFormat", "Text")),
    Bad("LAM-05", "lambda.Function", "query", put("timeout", REMOVED)),
    Bad("LAM-06", "lambda.Permission", "schedule-permission", put("sourceArn", REMOVED)),
    Bad("LAM-06", "lambda.Permission", "schedule-permission", put("principal", "*")),
    Bad("LAM-07", "lambda.FunctionEventInvokeConfig", "etl-trigger-async", drop),
    Bad("LAM-08", "lambda.Function", "query", put("environment.variables.DB_PASSWORD", "x")),
    Bad(
        "LAM-09",
        "lambda.Function",
        "query",
        put("role", "arn:aws:iam::111122223333:role/data-pipeline-ingestion-role-0a1b2c3"),
    ),
    Bad("LAM-10", "lambda.EventSourceMapping", "ingestion", put("functionResponseTypes", REMOVED)),
    Bad("LAM-10", "lambda.EventSourceMapping", "ingestion", put("scalingConfig", REMOVED)),
    Bad("IAM-01", ROLE_POLICY, "query-role-policy", statement(Action="s3:*")),
    Bad("IAM-01", ROLE_POLICY, "query-role-policy", statement(Action="*")),
    Bad("IAM-02", ROLE_POLICY, "query-role-policy", statement(Action=["s3:Get*"])),
    Bad("IAM-03", ROLE_POLICY, "query-role-policy", statement(Resource="*")),
    Bad("IAM-04", ROLE_POLICY, "query-role-policy", statement(Resource="arn:aws:s3:::*")),
    Bad("IAM-04", ROLE_POLICY, "query-role-policy", statement(Resource=["arn:aws:dynamodb:eu:1:table/*"])),
    Bad("IAM-05", ROLE_POLICY, "query-role-policy", statement(NotAction="s3:DeleteObject")),
    Bad("IAM-05", "s3.BucketPolicy", "raw-policy", statement(NotPrincipal="*")),
    Bad("IAM-06", "iam.Role", "query-role", put("managedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"])),
    Bad("IAM-07", "iam.Role", "query-role", beside("iam.RolePolicyAttachment", {"role": "x"})),
    Bad("IAM-08", ROLE_POLICY, "query-role-policy", statement(Action=["iam:PassRole"])),
    Bad("IAM-09", "iam.Role", "query-role", document("Statement.0.Condition", {}, "assumeRolePolicy")),
    Bad(
        "IAM-09",
        "sqs.QueuePolicy",
        "arrivals-policy",
        document("Statement.0.Condition", {"ArnLike": {"aws:SourceArn": "*"}}),
    ),
    Bad(
        "IAM-09",
        "sqs.QueuePolicy",
        "arrivals-policy",
        document("Statement.0.Condition", {"StringEqualsIfExists": {"aws:SourceAccount": "111122223333"}}),
    ),
    Bad(
        "IAM-09",
        "sns.TopicPolicy",
        "alarms-policy",
        document("Statement.0.Condition", {"StringNotEquals": {"aws:SourceAccount": "1"}}),
    ),
    Bad("IAM-10", "iam.Role", "query-role", document("Statement.0.Principal", {"AWS": "*"}, "assumeRolePolicy")),
    Bad(
        "IAM-10",
        "iam.Role",
        "query-role",
        document("Statement.0.Principal.Service", ["lambda.amazonaws.com", "glue.amazonaws.com"], "assumeRolePolicy"),
    ),
    Bad("IAM-11", ROLE_POLICY, "query-role-policy", drop),
    Bad("IAM-11", ROLE_POLICY, "query-role-policy", statement(Resource=["arn:aws:s3:::bucket/x"] * 600)),
    Bad("IAM-12", "iam.Role", "query-role", beside("iam.AccessKey", {"user": "x"})),
    Bad("IAM-13", ROLE_POLICY, "query-role-policy", statement(Action="kms:Decrypt", Resource="arn:aws:kms:eu:1:key/x")),
    Bad("KMS-01", "kms.Key", "key", put("enableKeyRotation", False)),
    Bad("KMS-02", "kms.Key", "key", document("Statement.0.Principal", {"AWS": "*"})),
    Bad("KMS-03", "kms.Key", "key", document("Statement.1.Action", "kms:*")),
    Bad("KMS-03", "kms.Key", "key", document("Statement.1.Action", ["kms:PutKeyPolicy"])),
    Bad("KMS-04", "kms.Key", "key", put("deletionWindowInDays", 7)),
    Bad("DAT-01", "dynamodb.Table", "ledger", option(protect=False)),
    Bad("DAT-02", "s3.Bucket", "raw", option(retain_on_delete=False)),
    Bad("DAT-02", "s3.BucketPublicAccessBlock", "raw-public-access", option(retain_on_delete=False)),
    Bad("DDB-01", "dynamodb.Table", "ledger", put("pointInTimeRecovery.enabled", False)),
    Bad("DDB-02", "dynamodb.Table", "ledger", put("serverSideEncryption.kmsKeyArn", REMOVED)),
    Bad("DDB-03", "dynamodb.Table", "ledger", put("billingMode", "PROVISIONED")),
    Bad("DDB-04", "dynamodb.Table", "ledger", put("deletionProtectionEnabled", False)),
    Bad("GLU-01", "glue.Crawler", "crawler-planes", put("securityConfiguration", REMOVED)),
    Bad(
        "GLU-02",
        "glue.SecurityConfiguration",
        "glue",
        put("encryptionConfiguration.jobBookmarksEncryption", {"jobBookmarksEncryptionMode": "DISABLED"}),
    ),
    Bad("GLU-03", "glue.Job", "raw-to-curated", put("glueVersion", "3.0")),
    Bad("GLU-04", "glue.Job", "raw-to-curated", put("timeout", 2_880)),
    Bad("GLU-04", "glue.Job", "raw-to-curated", put("maxRetries", 1)),
    Bad("GLU-05", "glue.Job", "raw-to-curated", put("defaultArguments.--enable-metrics", "false")),
    Bad("GLU-06", "glue.Crawler", "crawler-planes", put("schemaChangePolicy.deleteBehavior", "DELETE_FROM_DATABASE")),
    Bad("ATH-01", "athena.Workgroup", "", put("configuration.enforceWorkgroupConfiguration", False)),
    Bad("ATH-02", "athena.Workgroup", "", put("configuration.resultConfiguration.encryptionConfiguration", REMOVED)),
    Bad("ATH-03", "athena.Workgroup", "", put("configuration.bytesScannedCutoffPerQuery", REMOVED)),
    Bad("ATH-04", "athena.Workgroup", "", put("configuration.publishCloudwatchMetricsEnabled", False)),
    Bad("ATH-05", "athena.Workgroup", "", put("configuration.resultConfiguration.expectedBucketOwner", REMOVED)),
    Bad("LOG-01", LOG_GROUP, "query-logs", put("retentionInDays", REMOVED)),
    Bad("LOG-02", LOG_GROUP, "query-logs", put("retentionInDays", 90)),
    Bad("LOG-03", LOG_GROUP, "query-logs", put("kmsKeyId", REMOVED)),
    Bad("MON-01", "cloudwatch.MetricAlarm", "arrivals-too-old", put("alarmActions", [])),
    Bad("MON-01", "cloudwatch.MetricAlarm", "arrivals-too-old", put("alarmActions", ["arn:aws:sns:eu:1:other"])),
    Bad("MON-02", "cloudwatch.MetricAlarm", "arrivals-too-old", put("treatMissingData", "missing")),
    Bad("MON-03", "cloudwatch.MetricAlarm", "arrivals-too-old", put("actionsEnabled", False)),
    Bad("MON-04", "cloudwatch.MetricAlarm", "arrivals-too-old", put("alarmDescription", "It failed.")),
    Bad("MON-05", "cloudwatch.MetricAlarm", "arrivals-too-old", put("evaluationPeriods", 1_441)),
    Bad("SFN-01", "sfn.StateMachine", "batch", put("loggingConfiguration.level", "OFF")),
    Bad("SFN-02", "sfn.StateMachine", "batch", put("tracingConfiguration.enabled", False)),
    Bad("SFN-03", "sfn.StateMachine", "batch", document("States.Verify.TimeoutSeconds", REMOVED, "definition")),
    Bad("SFN-03", "sfn.StateMachine", "batch", document("States.Verify.Catch", REMOVED, "definition")),
    Bad("SFN-04", "sfn.StateMachine", "batch", put("loggingConfiguration.includeExecutionData", True)),
    Bad(
        "TAG-01",
        "providers.aws",
        "",
        put("defaultTags", '{"tags": {"Project": "x", "Environment": "prod", "Stack": "prod"}}'),
    ),
    Bad("TAG-02", "sqs.Queue", "arrivals", option(provider="urn::pulumi:providers:aws::default::id")),
    Bad("NAM-01", "athena.Workgroup", "", put("name", "data-pipeline")),
    Bad("NAM-02", "sqs.Queue", "arrivals", option(name="ArrivalsQueue")),
)
# Rules that find something in the program as it is, which is waived: here it is the good one that is made up.
GOOD = {
    "S3-11": ("s3.Bucket", beside("s3.BucketLogging", {"bucket": "data-pipeline-raw-0a1b2c3"}), "data-pipeline-raw"),
    "EVT-03": (
        "cloudwatch.EventBus",
        beside("cloudwatch.EventBusPolicy", {"eventBusName": "data-pipeline-events-0a1b2c3"}),
        "data-pipeline-events",
    ),
}
