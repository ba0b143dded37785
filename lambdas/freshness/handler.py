"""Looks, on a schedule, which datasets are late by their contracts, and tells people when others are than before.

CloudWatch cannot: an alarm for each dataset is what this replaces, and one over all of them neither sees what is silent
nor says whose metric it was.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pipeline_core import clients, settings
from pipeline_core.batches import Batches
from pipeline_core.channels import Channels
from pipeline_core.documents import read
from pipeline_core.fields import Fields
from pipeline_core.layout import CONTRACT_INDEX_KEY
from pipeline_core.ledger import Ledger
from pipeline_core.owners import Owners
from pipeline_core.pauses import Pause, Pauses
from pipeline_core.plain_text import log_line

from lambdas.freshness.logic import STATE, Freshness, Seen, for_owners, freshness, message, promises_of, watched

logger = Logger(json_serializer=log_line)
metrics = Metrics()
tracer = Tracer(patch_modules=settings.TRACED)

PARALLEL = 16


@dataclass(frozen=True)
class Settings:
    """Environment of the function."""

    artifacts_bucket: str
    ledger_table: str
    topic_arn: str
    owners_topic_arn: str
    grace_minutes: int


@cache
def _settings() -> Settings:
    return settings.load(Settings)


def _index(bucket: str) -> Fields:
    index = read(bucket, CONTRACT_INDEX_KEY)
    if index is None:
        raise RuntimeError(f"s3://{bucket}/{CONTRACT_INDEX_KEY} is missing; deploy the stack again")
    return Fields.from_json(index, f"s3://{bucket}/{CONTRACT_INDEX_KEY}")


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Look at every dataset whose contract promises how often it is published. Answers those that are late.

    Datasets that are paused for more than a day are among them, whatever their contract promises.

    People are told before it is written down that they were: killed in between, it tells them once more.
    """
    environment, at = _settings(), datetime.now(UTC)
    ledger, index = Ledger(environment.ledger_table), _index(environment.artifacts_bucket)
    promises = promises_of(index)
    seen = Seen.from_item(ledger.table.get_item(Key=STATE, ConsistentRead=True).get("Item", {}))
    # The promise of a dataset that is paused is watched from now on, at each look: it is not late.
    paused = Pauses(ledger).all()
    since, grace = watched(promises, seen, at, paused), timedelta(minutes=environment.grace_minutes)
    with ThreadPoolExecutor(PARALLEL) as pool:
        published = list(pool.map(lambda each: Batches(ledger).published_at(each.dataset), promises))
    found = [
        freshness(each, last, since[each.dataset], grace, at) for each, last in zip(promises, published, strict=True)
    ]
    for each in found:
        logger.info("freshness", extra={"dataset": each.dataset, "hours": round(each.hours_since, 2)})
    late: list[Freshness | Pause] = [each for each in found if each.is_late]
    late += [pause for pause in paused.values() if pause.is_long(at)]
    names = [each.dataset for each in late]
    if text := message(late, seen.late, paused):
        _, subject, body = text
        clients.sns().publish(TopicArn=environment.topic_arn, Subject=subject, Message=body)
        owners = Owners(topic_arn=environment.owners_topic_arn, artifacts_bucket=environment.artifacts_bucket)
        for of_their_own, channels in for_owners(Channels.from_index(index), late, seen.late, paused):
            owners.tell(of_their_own, channels)
        logger.warning("other datasets are late", extra={"late": names, "before": list(seen.late)})
    if (since, names) != (dict(seen.since), list(seen.late)):
        ledger.table.put_item(Item={**STATE, "since": since, "late": names})
    if late:
        # Without the dataset: one alarm is for all of them. Whether anybody looks at all, Lambda counts.
        metrics.add_metric("DatasetsLate", MetricUnit.Count, len(late))
        metrics.flush_metrics()
    return {"late": names}
