"""How each resource type is created in the emulator, one module for related services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from local.resources import analytics, compute, messaging, monitoring, storage
from local.resources.base import Aws, Created, Handler

HANDLERS: Final[dict[str, Handler]] = {
    **analytics.HANDLERS,
    **compute.HANDLERS,
    **messaging.HANDLERS,
    **monitoring.HANDLERS,
    **storage.HANDLERS,
}
"""By Pulumi type token, everything that the deployer can create."""

CHANGED_IN_PLACE: Final = frozenset(
    {
        "aws:athena/namedQuery:NamedQuery",
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        "aws:cloudwatch/dashboard:Dashboard",
        "aws:cloudwatch/eventRule:EventRule",
        "aws:cloudwatch/eventTarget:EventTarget",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "aws:glue/catalogTable:CatalogTable",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:lambda/function:Function",
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        "aws:lambda/layerVersion:LayerVersion",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketNotification:BucketNotification",
        "aws:s3/bucketObjectv2:BucketObjectv2",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:sfn/stateMachine:StateMachine",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:sqs/queuePolicy:QueuePolicy",
    }
)
"""Types whose handlers change a resource that is there, where `before` says so: what contracts and code come to."""

REMOVED: Final[dict[str, Callable[[Aws, Created], object]]] = {
    "aws:athena/namedQuery:NamedQuery": lambda aws, gone: aws.client("athena").delete_named_query(NamedQueryId=gone.id),
    "aws:cloudwatch/metricAlarm:MetricAlarm": lambda aws, gone: aws.client("cloudwatch").delete_alarms(
        AlarmNames=[gone.outputs["name"]]
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": lambda aws, gone: aws.client("s3").delete_object(
        **dict(zip(("Bucket", "Key"), gone.id.split("/", 1), strict=True))
    ),
}
"""How a resource is removed that the program declares no more, where that can be done; others stay."""

NOT_EMULATED: Final[dict[str, str]] = {
    "aws:cloudwatch/queryDefinition:QueryDefinition": "MiniStack 1.5.33 has no Logs Insights query definitions",
}
"""By Pulumi type token, why a type is declared but not created: the emulator lacks its API."""
