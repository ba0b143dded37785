"""Tells people what became of a batch, once a batch and outcome."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.typing import LambdaContext
from pipeline_core import clients, settings
from pipeline_core.owners import Owners
from pipeline_core.plain_text import log_line

from lambdas.notification.message import Notification, compose, for_owners, severity, warnings

logger = Logger(json_serializer=log_line)
tracer = Tracer(patch_modules=settings.TRACED)


@dataclass(frozen=True)
class Settings:
    """Environment of the function."""

    topic_arn: str
    ledger_table: str
    state_machine_arn: str
    alarms_topic_arn: str
    owners_topic_arn: str
    artifacts_bucket: str
    quarantined_percent: int


@cache
def _settings() -> Settings:
    return settings.load(Settings)


idempotency = IdempotencyConfig(event_key_jmespath="[batch_id, outcome]", expires_after_seconds=30 * 24 * 3600)


@cache
def _store() -> DynamoDBPersistenceLayer:
    return DynamoDBPersistenceLayer(
        table_name=_settings().ledger_table,
        key_attr="pk",
        sort_key_attr="sk",
        static_pk_value="idempotency#notification",
        expiry_attr="expires_at",
    )


def _publish(event: dict[str, Any]) -> dict[str, str]:
    notification = Notification.from_event(event)
    environment = _settings()
    percent, machine = environment.quarantined_percent, environment.state_machine_arn
    subject, body = compose(notification, machine)
    client = clients.sns()
    # The alarm over all datasets does not say which of them it is about; this does.
    for concern_subject, concern_body in warnings(notification, percent):
        client.publish(TopicArn=environment.alarms_topic_arn, Subject=concern_subject, Message=concern_body)
    answer = client.publish(
        TopicArn=environment.topic_arn,
        Subject=subject,
        Message=body,
        MessageAttributes={
            "dataset": {"DataType": "String", "StringValue": notification.dataset},
            "outcome": {"DataType": "String", "StringValue": notification.outcome},
            "severity": {"DataType": "String", "StringValue": severity(notification, percent)},
        },
    )
    # Last: what operators hear rests on no contract.
    owners = Owners(topic_arn=environment.owners_topic_arn, artifacts_bucket=environment.artifacts_bucket)
    message = for_owners(notification, percent, machine)
    owners.tell(message, owners.channels().hearing(notification.dataset, message.severity))
    return {"message_id": answer["MessageId"]}


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Publish the outcome `{"batch_id", "dataset", "outcome", "verdict" or "error"}`.

    Step Functions repeats a task whose answer was lost; the second time the first answer is given again.
    """
    notification = Notification.from_event(event)
    logger.append_keys(correlation_id=notification.batch_id, dataset=notification.dataset)
    idempotency.register_lambda_context(context)
    once = idempotent_function(_publish, data_keyword_argument="event", persistence_store=_store(), config=idempotency)
    answer: dict[str, str] = once(event=event)
    logger.info("published", extra={"outcome": notification.outcome, **answer})
    return answer
