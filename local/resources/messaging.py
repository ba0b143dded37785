"""SQS, SNS and EventBridge."""

from __future__ import annotations

import json

from local.resources.base import Created, Handler, ResourceRequest

_QUEUE_ATTRIBUTES = {
    "VisibilityTimeout": "visibilityTimeoutSeconds",
    "MessageRetentionPeriod": "messageRetentionSeconds",
    "DelaySeconds": "delaySeconds",
    "MaximumMessageSize": "maxMessageSize",
    "ReceiveMessageWaitTimeSeconds": "receiveWaitTimeSeconds",
    "KmsMasterKeyId": "kmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds": "kmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled": "sqsManagedSseEnabled",
    "RedrivePolicy": "redrivePolicy",
    "RedriveAllowPolicy": "redriveAllowPolicy",
    "Policy": "policy",
    "FifoQueue": "fifoQueue",
    "ContentBasedDeduplication": "contentBasedDeduplication",
}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value)


def queue(declared: ResourceRequest) -> Created:
    """An SQS queue."""
    name = declared.physical(80, suffix=".fifo" if declared.inputs.get("fifoQueue") else "")
    attributes = {key: _text(value) for key, value in declared.pick(**_QUEUE_ATTRIBUTES).items()}
    sqs = declared.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=attributes, tags=declared.tags)["QueueUrl"]
    outputs = {"name": name, "url": url, "arn": declared.aws.arn("sqs", name)}
    return Created(url, outputs | declared.tagged())


def queue_policy(declared: ResourceRequest) -> Created:
    """The policy of a queue."""
    return _queue_attribute(declared, "Policy", "policy")


def redrive_allow_policy(declared: ResourceRequest) -> Created:
    """Which queues may use a queue as their dead-letter queue."""
    return _queue_attribute(declared, "RedriveAllowPolicy", "redriveAllowPolicy")


def redrive_policy(declared: ResourceRequest) -> Created:
    """Where a queue moves messages that fail again and again."""
    return _queue_attribute(declared, "RedrivePolicy", "redrivePolicy")


def _queue_attribute(declared: ResourceRequest, attribute: str, given: str) -> Created:
    url = declared.inputs["queueUrl"]
    value = _text(declared.inputs[given])
    declared.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={attribute: value})
    return Created(url, {})


def topic(declared: ResourceRequest) -> Created:
    """An SNS topic."""
    name = declared.physical(256, suffix=".fifo" if declared.inputs.get("fifoTopic") else "")
    given = declared.pick(
        DisplayName="displayName",
        KmsMasterKeyId="kmsMasterKeyId",
        Policy="policy",
        DeliveryPolicy="deliveryPolicy",
        FifoTopic="fifoTopic",
        TracingConfig="tracingConfig",
        SignatureVersion="signatureVersion",
    )
    attributes = {key: _text(value) for key, value in given.items()}
    made = declared.client("sns").create_topic(Name=name, Attributes=attributes, Tags=declared.tag_list)
    arn = made["TopicArn"]
    return Created(arn, {"name": name, "arn": arn, "owner": declared.aws.account} | declared.tagged())


def topic_policy(declared: ResourceRequest) -> Created:
    """The policy of a topic."""
    arn = declared.inputs["arn"]
    declared.client("sns").set_topic_attributes(
        TopicArn=arn, AttributeName="Policy", AttributeValue=declared.inputs["policy"]
    )
    return Created(arn, {"owner": declared.aws.account})


def topic_subscription(declared: ResourceRequest) -> Created:
    """Who hears what a topic says."""
    inputs = declared.inputs
    given = declared.pick(
        FilterPolicy="filterPolicy",
        FilterPolicyScope="filterPolicyScope",
        RawMessageDelivery="rawMessageDelivery",
        RedrivePolicy="redrivePolicy",
    )
    made = declared.client("sns").subscribe(
        TopicArn=inputs["topic"],
        Protocol=inputs["protocol"],
        Endpoint=inputs["endpoint"],
        Attributes={key: _text(value) for key, value in given.items()},
        ReturnSubscriptionArn=True,
    )
    arn = made["SubscriptionArn"]
    return Created(arn, {"arn": arn, "ownerId": declared.aws.account})


def event_bus(declared: ResourceRequest) -> Created:
    """An EventBridge bus."""
    name = declared.physical(256)
    made = declared.call("events", "create_event_bus", Name=name, Tags=declared.tag_list)
    return Created(name, {"name": name, "arn": made["EventBusArn"]} | declared.tagged())


def event_rule(declared: ResourceRequest) -> Created:
    """Which events of a bus, or which times, start something."""
    name = declared.physical(64)
    bus = declared.inputs.get("eventBusName") or "default"
    is_off = declared.inputs.get("isEnabled") is False and not declared.inputs.get("state")
    state = {"State": "DISABLED"} if is_off else {}
    made = declared.call("events", "put_rule", Name=name, EventBusName=bus, Tags=declared.tag_list, **state)
    identifier = name if bus == "default" else f"{bus}/{name}"
    outputs = {"name": name, "arn": made["RuleArn"], "eventBusName": bus}
    return Created(identifier, outputs | declared.tagged())


def event_target(declared: ResourceRequest) -> Created:
    """What a rule starts."""
    inputs = declared.inputs
    identifier = declared.physical(64, given="targetId")
    target = declared.shaped("events", "Target") | {"Id": identifier}
    bus = inputs.get("eventBusName") or "default"
    rule = inputs["rule"].rsplit("/", 1)[-1]
    answer = declared.client("events").put_targets(Rule=rule, EventBusName=bus, Targets=[target])
    if answer.get("FailedEntryCount"):
        raise ValueError(f"EventBridge refused the target: {answer['FailedEntries']}")
    return Created(f"{rule}-{identifier}", {"targetId": identifier})


HANDLERS: dict[str, Handler] = {
    "aws:sqs/queue:Queue": queue,
    "aws:sqs/queuePolicy:QueuePolicy": queue_policy,
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": redrive_allow_policy,
    "aws:sqs/redrivePolicy:RedrivePolicy": redrive_policy,
    "aws:sns/topic:Topic": topic,
    "aws:sns/topicPolicy:TopicPolicy": topic_policy,
    "aws:sns/topicSubscription:TopicSubscription": topic_subscription,
    "aws:cloudwatch/eventBus:EventBus": event_bus,
    "aws:cloudwatch/eventRule:EventRule": event_rule,
    "aws:cloudwatch/eventTarget:EventTarget": event_target,
}
