"""The actions that the AWS provider uses on what the pipeline's program declares, by service and resource.

Reads are what `pulumi preview --refresh` needs, writes what a deployment does, destroys what deletes data. Names of the
actions: Service Authorization Reference (2026-11); tests compare them with parliament's copy of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Service:
    """Actions on resources. Patterns: p is the partition, here the region and account, a the account, env the stack."""

    name: str
    resources: tuple[str, ...]
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    destroys: tuple[str, ...] = ()
    condition: Mapping[str, Any] | None = None


DATA = ("athena", "dynamodb", "glue", "kms", "s3")
COMPUTE = ("budgets", "cloudwatch", "events", "iam", "lambda", "logs", "sns", "sqs", "ssm", "states")
"""The services in two parts, since a managed policy has 6,144 characters at most (IAM quotas, 2026-11)."""

_TAGS = ("TagResource", "UntagResource")

SERVICES = (
    Service(
        name="s3",
        resources=("arn:{p}:s3:::data-pipeline-*",),
        reads=(
            "GetAccelerateConfiguration",
            "GetBucketAcl",
            "GetBucketCORS",
            "GetBucketLocation",
            "GetBucketLogging",
            "GetBucketNotification",
            "GetBucketObjectLockConfiguration",
            "GetBucketOwnershipControls",
            "GetBucketPolicy",
            "GetBucketPublicAccessBlock",
            "GetBucketRequestPayment",
            "GetBucketTagging",
            "GetBucketVersioning",
            "GetBucketWebsite",
            "GetEncryptionConfiguration",
            "GetLifecycleConfiguration",
            "GetReplicationConfiguration",
            "ListBucket",
            "ListTagsForResource",
        ),
        writes=(
            "CreateBucket",
            "DeleteBucketPolicy",
            "PutBucketNotification",
            "PutBucketObjectLockConfiguration",
            "PutBucketOwnershipControls",
            "PutBucketPolicy",
            "PutBucketPublicAccessBlock",
            "PutBucketTagging",
            "PutBucketVersioning",
            "PutEncryptionConfiguration",
            "PutLifecycleConfiguration",
            *_TAGS,
        ),
        destroys=("DeleteBucket", "ListBucketVersions"),
    ),
    # Code and contracts; of the lake's own data nothing is read.
    Service(
        name="s3",
        resources=("arn:{p}:s3:::data-pipeline-artifacts-*/*",),
        reads=("GetObject", "GetObjectTagging"),
        writes=("DeleteObject", "PutObject", "PutObjectTagging"),
    ),
    # An object of a versioned bucket is deleted version by version: a contract that goes or is renamed, or code that
    # gets another key. Of the batches' manifests and reports beside them, no version is.
    Service(name="s3", resources=("arn:{p}:s3:::data-pipeline-artifacts-*",), writes=("ListBucketVersions",)),
    Service(
        name="s3",
        resources=(
            "arn:{p}:s3:::data-pipeline-artifacts-*/contracts/*",
            "arn:{p}:s3:::data-pipeline-artifacts-*/glue/*",
            "arn:{p}:s3:::data-pipeline-artifacts-*/layers/*",
            "arn:{p}:s3:::data-pipeline-artifacts-*/lineage/schemas/*",
        ),
        writes=("DeleteObjectVersion",),
    ),
    Service(name="s3", resources=("arn:{p}:s3:::data-pipeline-*/*",), destroys=("DeleteObject", "DeleteObjectVersion")),
    Service(
        name="dynamodb",
        resources=("arn:{p}:dynamodb:{here}:table/data-pipeline-*",),
        reads=("DescribeContinuousBackups", "DescribeTable", "DescribeTimeToLive", "ListTagsOfResource"),
        writes=("CreateTable", "UpdateContinuousBackups", "UpdateTable", "UpdateTimeToLive", *_TAGS),
        destroys=("DeleteTable",),
    ),
    Service(
        name="lambda",
        resources=("arn:{p}:lambda:{here}:function:data-pipeline-*",),
        reads=(
            "GetFunction",
            "GetFunctionCodeSigningConfig",
            "GetFunctionConfiguration",
            "GetFunctionEventInvokeConfig",
            "GetPolicy",
            "ListTags",
            "ListVersionsByFunction",
        ),
        writes=(
            "AddPermission",
            "CreateFunction",
            "DeleteFunction",
            "DeleteFunctionConcurrency",
            "DeleteFunctionEventInvokeConfig",
            "PutFunctionConcurrency",
            "PutFunctionEventInvokeConfig",
            "RemovePermission",
            "UpdateFunctionCode",
            "UpdateFunctionConfiguration",
            "UpdateFunctionEventInvokeConfig",
            *_TAGS,
        ),
    ),
    Service(
        name="lambda",
        resources=(
            "arn:{p}:lambda:{here}:layer:data-pipeline-{env}",
            "arn:{p}:lambda:{here}:layer:data-pipeline-{env}:*",
        ),
        reads=("GetLayerVersion",),
        writes=("DeleteLayerVersion", "PublishLayerVersion"),
    ),
    Service(
        name="lambda",
        resources=("arn:{p}:lambda:{here}:event-source-mapping:*",),
        reads=("GetEventSourceMapping",),
        writes=("DeleteEventSourceMapping", "UpdateEventSourceMapping"),
        condition={"ArnLike": {"lambda:FunctionArn": "arn:*:lambda:*:*:function:data-pipeline-*"}},
    ),
    # Tags of a mapping know no condition on its function.
    Service(
        name="lambda",
        resources=("arn:{p}:lambda:{here}:event-source-mapping:*",),
        reads=("ListTags",),
        writes=_TAGS,
    ),
    Service(
        name="states",
        resources=("arn:{p}:states:{here}:stateMachine:data-pipeline-{env}",),
        reads=("DescribeStateMachine", "ListStateMachineVersions", "ListTagsForResource"),
        writes=("CreateStateMachine", "DeleteStateMachine", "UpdateStateMachine", *_TAGS),
    ),
    Service(
        name="glue",
        resources=(
            "arn:{p}:glue:{here}:job/data-pipeline-*",
            "arn:{p}:glue:{here}:crawler/data-pipeline-{env}_*",
            "arn:{p}:glue:{here}:catalog",
            "arn:{p}:glue:{here}:database/data_pipeline_{env}",
            "arn:{p}:glue:{here}:table/data_pipeline_{env}/*",
            # Asked for when a database is deleted.
            "arn:{p}:glue:{here}:userDefinedFunction/data_pipeline_{env}/*",
        ),
        reads=("GetCrawler", "GetDatabase", "GetJob", "GetPartitionIndexes", "GetTable", "GetTags"),
        writes=(
            "CreateDatabase",
            "CreateJob",
            "CreateTable",
            "DeleteCrawler",
            "DeleteJob",
            "UpdateCrawler",
            "UpdateDatabase",
            "UpdateJob",
            "UpdateTable",
            *_TAGS,
        ),
        destroys=("DeleteDatabase", "DeleteTable"),
    ),
    Service(
        name="athena",
        resources=("arn:{p}:athena:{here}:workgroup/data-pipeline-{env}",),
        reads=("GetNamedQuery", "GetWorkGroup", "ListTagsForResource"),
        writes=(
            "CreateNamedQuery",
            "CreateWorkGroup",
            "DeleteNamedQuery",
            "DeleteWorkGroup",
            "UpdateWorkGroup",
            *_TAGS,
        ),
    ),
    Service(
        name="events",
        resources=("arn:{p}:events:{here}:rule/data-pipeline-*", "arn:{p}:events:{here}:event-bus/data-pipeline-*"),
        reads=("DescribeEventBus", "DescribeRule", "ListTagsForResource", "ListTargetsByRule"),
        writes=(
            "CreateEventBus",
            "DeleteEventBus",
            "DeleteRule",
            "PutRule",
            "PutTargets",
            "RemoveTargets",
            *_TAGS,
        ),
    ),
    Service(
        name="sqs",
        resources=("arn:{p}:sqs:{here}:data-pipeline-*",),
        reads=("GetQueueAttributes", "GetQueueUrl", "ListQueueTags"),
        writes=("CreateQueue", "DeleteQueue", "SetQueueAttributes", "TagQueue", "UntagQueue"),
    ),
    Service(
        name="sns",
        resources=("arn:{p}:sns:{here}:data-pipeline-*",),
        reads=("GetTopicAttributes", "ListTagsForResource"),
        writes=(
            "CreateTopic",
            "DeleteTopic",
            "SetTopicAttributes",
            "Subscribe",
            *_TAGS,
        ),
    ),
    # The provider reads a parameter back with its value.
    Service(
        name="ssm",
        resources=("arn:{p}:ssm:{here}:parameter/data-pipeline/{env}/*",),
        reads=("GetParameter", "GetParameters", "ListTagsForResource"),
        writes=("AddTagsToResource", "DeleteParameter", "PutParameter", "RemoveTagsFromResource"),
    ),
    Service(
        name="cloudwatch",
        resources=("arn:{p}:cloudwatch:{here}:alarm:data-pipeline-*",),
        reads=("ListTagsForResource",),
        writes=("DeleteAlarms", "PutCompositeAlarm", "PutMetricAlarm", *_TAGS),
    ),
    Service(
        name="cloudwatch",
        resources=("arn:{p}:cloudwatch::{a}:dashboard/data-pipeline-*",),
        reads=("GetDashboard",),
        writes=("DeleteDashboards", "PutDashboard"),
    ),
    Service(
        name="logs",
        resources=("arn:{p}:logs:{here}:log-group:/aws*data-pipeline-*",),
        reads=("ListTagsForResource",),
        writes=(
            "AssociateKmsKey",
            "CreateLogGroup",
            "DeleteLogGroup",
            "DeleteRetentionPolicy",
            "PutRetentionPolicy",
            *_TAGS,
        ),
    ),
    Service(
        name="budgets",
        resources=("arn:{p}:budgets::{a}:budget/data-pipeline-{env}",),
        reads=("ListTagsForResource", "ViewBudget"),
        writes=("ModifyBudget", *_TAGS),
    ),
    Service(
        name="iam",
        resources=("arn:{p}:iam::{a}:role/data-pipeline-*",),
        reads=(
            "GetRole",
            "GetRolePolicy",
            "ListAttachedRolePolicies",
            "ListInstanceProfilesForRole",
            "ListRolePolicies",
            "ListRoleTags",
        ),
    ),
    # A key has no name of its own; what it is for is in its tags.
    Service(
        name="kms",
        resources=("arn:{p}:kms:{here}:key/*",),
        reads=("DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListResourceTags"),
        writes=("EnableKeyRotation", "PutKeyPolicy", "UntagResource", "UpdateKeyDescription"),
        destroys=("ScheduleKeyDeletion",),
        condition={
            "StringEquals": {"aws:ResourceTag/Project": "data-pipeline", "aws:ResourceTag/Environment": "{env}"}
        },
    ),
    Service(
        name="kms",
        resources=("arn:{p}:kms:{here}:alias/data-pipeline-{env}", "arn:{p}:kms:{here}:key/*"),
        writes=("CreateAlias", "DeleteAlias", "UpdateAlias"),
    ),
)

# Actions that AWS offers no resource-level permission for, whether they read or write, and why they are needed.
UNSCOPED: Mapping[str, tuple[str, str]] = {
    "cloudwatch:DescribeAlarms": ("reads", "composite alarms are described over the account only"),
    "glue:CreateCrawler": ("writes", "a crawler that is to be made is no resource yet"),
    "glue:GetSecurityConfiguration": ("reads", "security configurations are no resources to IAM"),
    "glue:CreateSecurityConfiguration": ("writes", "security configurations are no resources to IAM"),
    "glue:DeleteSecurityConfiguration": ("writes", "security configurations are no resources to IAM"),
    "kms:CreateKey": ("writes", "a key that is to be made has no name yet"),
    "kms:ListAliases": ("reads", "a list over the account"),
    "lambda:CreateEventSourceMapping": ("writes", "a mapping that is to be made has no name yet"),
    "lambda:ListEventSourceMappings": ("reads", "a list over the account"),
    "logs:DeleteQueryDefinition": ("writes", "saved queries are no resources to IAM"),
    "logs:DescribeLogGroups": ("reads", "a list over the account"),
    "logs:DescribeQueryDefinitions": ("reads", "saved queries are no resources to IAM"),
    "logs:PutQueryDefinition": ("writes", "saved queries are no resources to IAM"),
    "sns:GetSubscriptionAttributes": ("reads", "subscriptions are no resources to IAM"),
    "sns:SetSubscriptionAttributes": ("writes", "subscriptions are no resources to IAM"),
    "sns:Unsubscribe": ("writes", "subscriptions are no resources to IAM"),
    "ssm:DescribeParameters": ("reads", "a list over the account; asked for by the provider"),
    "states:ValidateStateMachineDefinition": ("reads", "checks a text, no state machine"),
}
