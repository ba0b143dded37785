"""Queues, topics, event buses and the rules that move events."""

from collections.abc import Iterable

from policies.documents import must_not_be_public, refuses_plain_text
from policies.model import Program, Resource, must, must_be_our_key, rule, shown

FOURTEEN_DAYS_SECONDS = 14 * 24 * 3_600
# What AWS asks for, so that a slow batch is not delivered a second time while the first is still at work.
VISIBILITY_FACTOR = 6
QUEUE, TOPIC = ("sqs.Queue",), ("sns.Topic",)


@rule("SQS-01", "medium", QUEUE, "the environment's key", "SQS.1")
def queue_key(queue: Resource, program: Program) -> Iterable[str]:
    """Messages name files, which may say more than one thinks."""
    return must_be_our_key(queue.inputs.get("kmsMasterKeyId"), program)


@rule("SQS-02", "medium", QUEUE, "a policy that denies sqs:* where aws:SecureTransport is false", "AwsSolutions-SQS4")
def queue_tls(queue: Resource, program: Program) -> Iterable[str]:
    """Without TLS, messages can be read and forged on the way."""
    policies = program.about("sqs.QueuePolicy", "queueUrl", queue.outputs.get("url"))
    good = any(refuses_plain_text(policy, {"sqs:*"}, {str(queue.outputs.get("arn"))}) for policy in policies)
    return must(good, "plain HTTP is not refused")


def _dead_letter_arns(program: Program) -> set[str]:
    """Where something leaves what it could not handle."""
    redrives = [policy["deadLetterTargetArn"] for q in program.of("sqs.Queue") if (policy := q.json("redrivePolicy"))]
    targets = [target.at("deadLetterConfig.arn") for target in program.of("cloudwatch.EventTarget")]
    calls = program.of("lambda.FunctionEventInvokeConfig")
    return {*redrives, *targets, *(call.at("destinationConfig.onFailure.destination") for call in calls)}


@rule("SQS-03", "high", QUEUE, "a redrive policy, or being where others leave what failed", "AwsSolutions-SQS3")
def dead_letters(queue: Resource, program: Program) -> Iterable[str]:
    """A message that fails forever must end where a person sees it."""
    is_one = queue.outputs.get("arn") in _dead_letter_arns(program)
    return must(is_one or queue.json("redrivePolicy"), "what cannot be handled is delivered forever")


@rule("SQS-04", "medium", QUEUE, f"{FOURTEEN_DAYS_SECONDS}, the most that SQS keeps")
def retention(queue: Resource, program: Program) -> Iterable[str]:
    """A dead letter that expires over the holidays is a lost file."""
    if queue.outputs.get("arn") in _dead_letter_arns(program) and not queue.json("redrivePolicy"):
        seconds = queue.inputs.get("messageRetentionSeconds")
        yield from must(seconds == FOURTEEN_DAYS_SECONDS, f"messages are kept {shown(seconds)} seconds")


@rule("SQS-05", "high", ("sqs.QueuePolicy",), "no Allow for everyone", "SQS.3")
def queue_policy(policy: Resource, program: Program) -> Iterable[str]:
    """Who may send, may have any file read or moved to quarantine."""
    return must_not_be_public(policy)


@rule(
    "SQS-06",
    "medium",
    ("lambda.EventSourceMapping",),
    f"{VISIBILITY_FACTOR} times the timeout of the function that reads it",
)
def visibility(mapping: Resource, program: Program) -> Iterable[str]:
    """A message that comes back while its first delivery is at work is handled twice."""
    arn, name = mapping.inputs.get("eventSourceArn"), mapping.inputs.get("functionName")
    queues = [queue for queue in program.of("sqs.Queue") if queue.outputs.get("arn") == arn]
    functions = [function for function in program.of("lambda.Function") if function.outputs.get("name") == name]
    yield from must(queues and functions, "its queue or its function is not of this program")
    for queue, function in zip(queues, functions, strict=False):
        needed = VISIBILITY_FACTOR * function.inputs["timeout"]
        hidden = queue.inputs.get("visibilityTimeoutSeconds") or 0
        yield from must(hidden >= needed, f"{queue.name} hides a message {hidden} s, its function needs {needed} s")


@rule("SNS-01", "medium", TOPIC, "the environment's key", "SNS.1", "AwsSolutions-SNS2")
def topic_key(topic: Resource, program: Program) -> Iterable[str]:
    """Messages name files and say why rows were refused."""
    return must_be_our_key(topic.inputs.get("kmsMasterKeyId"), program)


@rule(
    "SNS-02",
    "medium",
    TOPIC,
    "a policy that denies sns:Publish where aws:SecureTransport is false",
    "AwsSolutions-SNS3",
)
def topic_tls(topic: Resource, program: Program) -> Iterable[str]:
    """Without TLS, messages can be read and forged on the way."""
    arn = str(topic.outputs.get("arn"))
    policies = program.about("sns.TopicPolicy", "arn", arn)
    good = any(refuses_plain_text(policy, {"sns:Publish"}, {arn}) for policy in policies)
    return must(good, "publishing over plain HTTP is not refused")


@rule("SNS-03", "high", ("sns.TopicPolicy",), "no Allow for everyone", "SNS.4")
def topic_policy(policy: Resource, program: Program) -> Iterable[str]:
    """Who may publish, may wake people up at will."""
    return must_not_be_public(policy)


@rule("SNS-04", "medium", ("sns.TopicSubscription",), "email, email-json, https, sqs or lambda")
def protocol(subscription: Resource, program: Program) -> Iterable[str]:
    """A subscriber over plain HTTP gets in clear what was encrypted all the way."""
    found = subscription.inputs.get("protocol")
    return must(found in ("email", "email-json", "https", "sqs", "lambda"), f"the protocol is {shown(found)}")


@rule("EVT-01", "high", ("cloudwatch.EventTarget",), "a dead-letter queue of this program")
def undelivered(target: Resource, program: Program) -> Iterable[str]:
    """EventBridge drops what it could not deliver, and with it a file or a failure."""
    good = target.at("deadLetterConfig.arn") in program.known("sqs.Queue")
    return must(good, "events that cannot be delivered are dropped")


@rule("EVT-02", "medium", ("cloudwatch.EventRule",), "a source, and a detail that names what it is about")
def event_pattern(event_rule: Resource, program: Program) -> Iterable[str]:
    """A rule that matches what other systems of the account do acts, and costs, in their name."""
    if event_rule.inputs.get("scheduleExpression") is None:
        pattern = event_rule.json("eventPattern") or {}
        yield from must(pattern.get("source") and pattern.get("detail"), f"the pattern is {shown(pattern)}")


@rule("EVT-03", "low", ("cloudwatch.EventBus",), "a resource policy", "EventBridge.3")
def bus_policy(bus: Resource, program: Program) -> Iterable[str]:
    """Who may put events should be written down."""
    found = program.about("cloudwatch.EventBusPolicy", "eventBusName", bus.outputs.get("name"))
    return must(found, "no resource policy")
