"""Runs and crawls that failed. Glue says so by events only: its metrics do not count how they end."""

from dataclasses import dataclass

from pipeline_core.fields import Fields

_METRICS = {"Glue Job State Change": "JobRunsFailed", "Glue Crawler State Change": "CrawlsFailed"}
_NAMES = {
    "Glue Job State Change": {"job": "jobName", "job_run_id": "jobRunId", "state": "state", "reason": "message"},
    "Glue Crawler State Change": {
        "crawler": "crawlerName",
        "state": "state",
        "reason": "errorMessage",
        "log": "cloudWatchLogLink",
    },
}


@dataclass(frozen=True, kw_only=True)
class GlueFailure:
    """The metric that counts a failure, and the description of it that a person who is called reads."""

    metric: str
    description: dict[str, str]


def glue_failure(event: object) -> GlueFailure | None:
    """Parse Glue's event about a run or a crawl; None for whatever else error_handler is called with.

    The rules of EventBridge let only failures through. Which fields the event has depends on how it failed, and it is
    counted however few they are.
    """
    document = Fields(event, "the event of error_handler")
    kind = document.text("detail-type", "")
    if kind not in _METRICS:
        return None
    detail = document.fields("detail")
    description = {name: detail.text(field, "") for name, field in _NAMES[kind].items()}
    return GlueFailure(metric=_METRICS[kind], description=description)
