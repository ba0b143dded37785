"""Glue's events about how runs and crawls end, on the default bus, as the EventBridge guide documents them.

MiniStack sends none.
"""

from __future__ import annotations

import json
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge

from local.patches import monkeypatch

Json = dict[str, Any]

_SEVERITY: Final = {"SUCCEEDED": "INFO", "STOPPED": "INFO", "TIMEOUT": "WARN", "FAILED": "ERROR"}
_SAID: Final = {"SUCCEEDED": "Job run succeeded", "STOPPED": "Job run stopped", "TIMEOUT": "Job run timed out"}
_CRAWLED: Final = {"SUCCEEDED": "Succeeded", "FAILED": "Failed"}


def check_names() -> None:
    """Check what this module uses of MiniStack.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    monkeypatch.function(eventbridge, "_put_events", "data, allow_aws_source")


def run_ended(run: Json) -> None:
    """Tell that a job run came to its end."""
    state = run["JobRunState"]
    detail = {
        "jobName": run["JobName"],
        "severity": _SEVERITY[state],
        "state": state,
        "jobRunId": run["Id"],
        "message": run["ErrorMessage"] or _SAID.get(state, ""),
    }
    _put("Glue Job State Change", detail)


def crawl_ended(crawler: str, crawl: Json) -> None:
    """Tell that a crawl succeeded or failed; of one that was cancelled, Glue tells nothing."""
    state = _CRAWLED.get(crawl["Status"])
    if state is None:
        return
    detail = {
        "accountId": get_account_id(),
        "crawlerName": crawler,
        "state": state,
        "message": f"Crawler {state}",
        "cloudWatchLogLink": f"https://console.aws.amazon.com/cloudwatch/home?region={get_region()}"
        f"#logEventViewer:group={crawl['LogGroup']};stream={crawl['LogStream']}",
    }
    _put("Glue Crawler State Change", detail | ({"errorMessage": crawl["ErrorMessage"]} if state == "Failed" else {}))


def _put(kind: str, detail: Json) -> None:
    entry = {"Source": "aws.glue", "DetailType": kind, "Detail": json.dumps(detail)}
    # Nobody but AWS may put events of AWS's own sources, here as there.
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
