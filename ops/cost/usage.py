"""What a run used, in the units that AWS bills, and what that costs."""

import functools
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from config.prices import GIGABYTE, HOURS_A_MONTH, MILLION, load

MEASURED: Final = Path(__file__).with_name("measured.json")

UNITS: Final[Mapping[str, tuple[str, str, float]]] = {
    "athena_bytes": ("Athena", "athena_terabyte_scanned", 1_000 * GIGABYTE),
    "cloudwatch_metric_hours": ("CloudWatch", "cloudwatch_custom_metric_month", HOURS_A_MONTH),
    "dynamodb_reads": ("DynamoDB", "dynamodb_million_reads", MILLION),
    "dynamodb_writes": ("DynamoDB", "dynamodb_million_writes", MILLION),
    "eventbridge_events": ("EventBridge", "eventbridge_million_events", MILLION),
    "glue_dpu_seconds": ("Glue", "glue_dpu_hour", 3_600),
    "kms_requests": ("KMS", "kms_million_requests", MILLION),
    "lambda_megabyte_seconds": ("Lambda", "lambda_gigabyte_second", 1_024),
    "lambda_requests": ("Lambda", "lambda_million_requests", MILLION),
    "log_bytes": ("CloudWatch", "cloudwatch_log_gigabyte", GIGABYTE),
    "s3_reads": ("S3", "s3_million_reads", MILLION),
    "s3_writes": ("S3", "s3_million_writes", MILLION),
    "sns_publishes": ("SNS", "sns_million_publishes", MILLION),
    "sqs_requests": ("SQS", "sqs_million_requests", MILLION),
    "states_transitions": ("Step Functions", "states_million_transitions", MILLION),
    "xray_traces": ("X-Ray", "xray_million_traces", MILLION),
}
"""By unit: its service, its price, and how many units one price is for."""


def dollars_of(usage: Mapping[str, float]) -> dict[str, float]:
    """Price a usage, by service.

    Raises:
        KeyError: a unit that has no price.

    """
    found: dict[str, float] = defaultdict(float)
    for unit, count in usage.items():
        service, price, many = UNITS[unit]
        found[service] += count / many * load()[price]
    return dict(found)


@functools.cache
def measured() -> dict[str, Any]:
    """Read what was counted by `python -m local.cost_measurement`."""
    found: dict[str, Any] = json.loads(MEASURED.read_text(encoding="utf-8"))
    return found
