"""Queues, topics, event buses and the rules that move events."""

from collections.abc import Iterable

from policies.documents import is_public, refuses_plain_text, statements
from policies.model import Program, Resource, Rule, must, shown

FOURTEEN_DAYS_SECONDS = 14 * 24 * 3_600
# What AWS asks for, so that a slow batch is not delivered a second time while the first is still at work.
VISIBILITY_FACTOR = 6


def _key(resource: Resource, program: Program) -> Iterable[str]:
    keys = {key.outputs.get("arn") for key in program.of("kms.Key")}
    found = resource.inputs.get("kmsMasterKeyId")
    return must(found in keys, f"its key is {shown(found)}")


def _queue_tls(queue: Resource, program: Program) -> Iterable[str]:
    policies = program.about("sqs.QueuePolicy", "queueUrl", queue.outputs.get("url"))
    good = any(refuses_plain_text(policy, {"sqs:*"}, {str(queue.outputs.get("arn"))}) for policy in policies)
    return must(good, "plain HTTP is not refused")


def _topic_tls(topic: Resource, program: Program) -> Iterable[str]:
    arn = str(topic.outputs.get("arn"))
    policies = program.about("sns.TopicPolicy", "arn", arn)
    good = any(refuses_plain_text(policy, {"sns:Publish"}, {arn}) for policy in policies)
    return must(good, "publishing over plain HTTP is not refused")


def _dead_letter_arns(program: Program) -> set[str]:
    """Where something leaves what it could not handle."""
    redrives = [policy["deadLetterTargetArn"] for q in program.of("sqs.Queue") if (policy := q.json("redrivePolicy"))]
    targets = [target.at("deadLetterConfig.arn") for target in program.of("cloudwatch.EventTarget")]
    calls = program.of("lambda.FunctionEventInvokeConfig")
    return {*redrives, *targets, *(call.at("destinationConfig.onFailure.destination") for call in calls)}


def _dead_letters(queue: Resource, program: Program) -> Iterable[str]:
    is_one = queue.outputs.get("arn") in _dead_letter_arns(program)
    return must(is_one or queue.json("redrivePolicy"), "what cannot be handled is delivered forever")


def _retention(queue: Resource, program: Program) -> Iterable[str]:
    if queue.outputs.get("arn") in _dead_letter_arns(program) and not queue.json("redrivePolicy"):
        seconds = queue.inputs.get("messageRetentionSeconds")
        yield from must(seconds == FOURTEEN_DAYS_SECONDS, f"messages are kept {shown(seconds)} seconds")


def _not_public(policy: Resource, program: Program) -> Iterable[str]:
    found = [s for s in statements(policy, "policy") if s.get("Effect") == "Allow" and is_public(s)]
    return must(not found, f"everyone is allowed {shown([s.get('Action') for s in found])}")


def _visibility(mapping: Resource, program: Program) -> Iterable[str]:
    arn, name = mapping.inputs.get("eventSourceArn"), mapping.inputs.get("functionName")
    queues = [queue for queue in program.of("sqs.Queue") if queue.outputs.get("arn") == arn]
    functions = [function for function in program.of("lambda.Function") if function.outputs.get("name") == name]
    yield from must(queues and functions, "its queue or its function is not of this program")
    for queue, function in zip(queues, functions, strict=False):
        needed = VISIBILITY_FACTOR * function.inputs["timeout"]
        hidden = queue.inputs.get("visibilityTimeoutSeconds") or 0
        yield from must(hidden >= needed, f"{queue.name} hides a message {hidden} s, its function needs {needed} s")


def _subscription(subscription: Resource, program: Program) -> Iterable[str]:
    protocol = subscription.inputs.get("protocol")
    return must(protocol in ("email", "email-json", "https", "sqs", "lambda"), f"the protocol is {shown(protocol)}")


def _undelivered(target: Resource, program: Program) -> Iterable[str]:
    queues = {queue.outputs.get("arn") for queue in program.of("sqs.Queue")}
    return must(target.at("deadLetterConfig.arn") in queues, "events that cannot be delivered are dropped")


def _pattern(rule: Resource, program: Program) -> Iterable[str]:
    if rule.inputs.get("scheduleExpression") is None:
        pattern = rule.json("eventPattern") or {}
        yield from must(pattern.get("source") and pattern.get("detail"), f"the pattern is {shown(pattern)}")


def _bus_policy(bus: Resource, program: Program) -> Iterable[str]:
    found = program.about("cloudwatch.EventBusPolicy", "eventBusName", bus.outputs.get("name"))
    return must(found, "no resource policy")


QUEUE, TOPIC = ("sqs.Queue",), ("sns.Topic",)
RULES = (
    Rule(
        id="SQS-01",
        severity="medium",
        controls=("SQS.1",),
        reason="Messages name files, which may say more than one thinks.",
        allowed="the environment's key",
        types=QUEUE,
        wrong=_key,
    ),
    Rule(
        id="SQS-02",
        severity="medium",
        controls=("AwsSolutions-SQS4",),
        reason="Without TLS, messages can be read and forged on the way.",
        allowed="a policy that denies sqs:* where aws:SecureTransport is false",
        types=QUEUE,
        wrong=_queue_tls,
    ),
    Rule(
        id="SQS-03",
        severity="high",
        controls=("AwsSolutions-SQS3",),
        reason="A message that fails forever must end where a person sees it.",
        allowed="a redrive policy, or being where others leave what failed",
        types=QUEUE,
        wrong=_dead_letters,
    ),
    Rule(
        id="SQS-04",
        severity="medium",
        reason="A dead letter that expires over the holidays is a lost file.",
        allowed=f"{FOURTEEN_DAYS_SECONDS}, the most that SQS keeps",
        types=QUEUE,
        wrong=_retention,
    ),
    Rule(
        id="SQS-05",
        severity="high",
        controls=("SQS.3",),
        reason="Who may send, may have any file read or moved to quarantine.",
        allowed="no Allow for everyone",
        types=("sqs.QueuePolicy",),
        wrong=_not_public,
    ),
    Rule(
        id="SQS-06",
        severity="medium",
        reason="A message that comes back while its first delivery is at work is handled twice.",
        allowed=f"{VISIBILITY_FACTOR} times the timeout of the function that reads it",
        types=("lambda.EventSourceMapping",),
        wrong=_visibility,
    ),
    Rule(
        id="SNS-01",
        severity="medium",
        controls=("SNS.1", "AwsSolutions-SNS2"),
        reason="Messages name files and say why rows were refused.",
        allowed="the environment's key",
        types=TOPIC,
        wrong=_key,
    ),
    Rule(
        id="SNS-02",
        severity="medium",
        controls=("AwsSolutions-SNS3",),
        reason="Without TLS, messages can be read and forged on the way.",
        allowed="a policy that denies sns:Publish where aws:SecureTransport is false",
        types=TOPIC,
        wrong=_topic_tls,
    ),
    Rule(
        id="SNS-03",
        severity="high",
        controls=("SNS.4",),
        reason="Who may publish, may wake people up at will.",
        allowed="no Allow for everyone",
        types=("sns.TopicPolicy",),
        wrong=_not_public,
    ),
    Rule(
        id="SNS-04",
        severity="medium",
        reason="A subscriber over plain HTTP gets in clear what was encrypted all the way.",
        allowed="email, email-json, https, sqs or lambda",
        types=("sns.TopicSubscription",),
        wrong=_subscription,
    ),
    Rule(
        id="EVT-01",
        severity="high",
        reason="EventBridge drops what it could not deliver, and with it a file or a failure.",
        allowed="a dead-letter queue of this program",
        types=("cloudwatch.EventTarget",),
        wrong=_undelivered,
    ),
    Rule(
        id="EVT-02",
        severity="medium",
        reason="A rule that matches what other systems of the account do acts, and costs, in their name.",
        allowed="a source, and a detail that names what it is about",
        types=("cloudwatch.EventRule",),
        wrong=_pattern,
    ),
    Rule(
        id="EVT-03",
        severity="low",
        controls=("EventBridge.3",),
        reason="Who may put events should be written down.",
        allowed="a resource policy",
        types=("cloudwatch.EventBus",),
        wrong=_bus_policy,
    ),
)
