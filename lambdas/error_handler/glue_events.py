"""Runs and crawls that failed. Glue tells of them by events only: its metrics do not count how they end."""

from dataclasses import dataclass
from typing import Any

_JOB, _CRAWLER = "Glue Job State Change", "Glue Crawler State Change"


@dataclass(frozen=True, kw_only=True)
class GlueFailure:
    """What to count, and what a person who is called wants to read."""

    metric: str
    told: dict[str, str]


def glue_failure(event: dict[str, Any]) -> GlueFailure | None:
    """Read Glue's event about a run or a crawl; None for whatever else error_handler is called with.

    The rules let only failures through.
    """
    kind, detail = event.get("detail-type"), event.get("detail") or {}
    if kind == _JOB:
        names = {"job": "jobName", "job_run_id": "jobRunId", "state": "state", "reason": "message"}
        return GlueFailure(metric="JobRunsFailed", told=_choose(detail, names))
    if kind == _CRAWLER:
        names = {"crawler": "crawlerName", "state": "state", "reason": "errorMessage", "log": "cloudWatchLogLink"}
        return GlueFailure(metric="CrawlsFailed", told=_choose(detail, names))
    return None


def _choose(detail: dict[str, Any], names: dict[str, str]) -> dict[str, str]:
    return {name: str(detail.get(key, "")) for name, key in names.items()}
