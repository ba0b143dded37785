"""What functions measure: of an ordinary batch, of rows worth a call, of runs that failed."""

from collections.abc import Callable
from typing import Any

import pytest
from pipeline_core.verdict import concerns

from tests.unit.lambdas.conftest import Cloud, verdict
from tests.unit.lambdas.test_batches import decide, one_batch
from tests.unit.lambdas.test_recovery import fail

Call = Callable[..., Any]


def values(found: list[tuple[str, dict[str, str], float]], name: str, **dimensions: str) -> list[float]:
    return [value for metric, given, value in found if metric == name and given == dimensions]


def test_an_ordinary_batch_costs_one_metric_and_says_the_rest_in_its_line(
    cloud: Cloud, call: Call, emitted: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A metric is billed by the name, by the hour: docs/cost.md rests on how many a small batch sends."""
    emitted()
    batch_id, manifest = one_batch(cloud, call, "airports/a.csv")
    cloud.stage(manifest, curated=100)
    assert decide(call, batch_id)["verdict"] == "PUBLISHED"
    call("notification", {"batch_id": batch_id, "dataset": "airports", "outcome": "PUBLISHED"})
    assert emitted() == [("RowsCurated", {"service": "processing"}, 100)]
    (line,) = [vars(record)["verdict"] for record in caplog.records if record.message == "verdict"]
    assert (line["dataset"], line["rows_read"], line["rows_curated"]) == ("airports", 100, 100)


def test_what_a_batch_has_beside_good_rows_is_counted_where_there_is_any(
    cloud: Cloud, call: Call, emitted: Any
) -> None:
    batch_id, manifest = one_batch(cloud, call, "airports/a.csv")
    cloud.stage(manifest, curated=99, quarantined=1)
    emitted()
    decide(call, batch_id, dpu_seconds=180)
    of = {"service": "processing"}
    assert sorted(emitted()) == [("DpuSeconds", of, 180), ("RowsCurated", of, 99), ("RowsQuarantined", of, 1)]


@pytest.mark.parametrize(
    ("curated", "quarantined", "metric"),
    [
        (99, 1, None),
        (98, 2, "BatchesMuchQuarantined"),
        (0, 0, "BatchesWithoutRows"),
        (1, 0, None),
        (990, 10, None),
        (989, 10, "BatchesMuchQuarantined"),
    ],
)
def test_a_batch_whose_rows_are_worth_a_call_is_counted_and_told_with_its_dataset(
    cloud: Cloud, call: Call, emitted: Any, told: Any, curated: int, quarantined: int, metric: str | None
) -> None:
    batch_id, manifest = one_batch(cloud, call, "planes/a.csv")
    cloud.stage(manifest, curated=curated, quarantined=quarantined)
    emitted()
    verdict = decide(call, batch_id)
    counted = [(name, dimensions) for name, dimensions, _ in emitted() if name.startswith("Batches")]
    event = {"batch_id": batch_id, "dataset": "planes", "outcome": verdict["verdict"], "verdict": verdict}
    call("notification", event)
    call("notification", event)
    warned = [body for topic, body in told if topic.endswith(":alarms")]
    if metric is None:
        assert (counted, warned) == ([], [])
        return
    assert counted == [(metric, {"service": "processing"})]
    (body,) = warned
    assert f"Batch {batch_id} of dataset planes: " in body
    assert "docs/runbook.md#" in body


def test_a_batch_that_has_to_be_staged_again_is_worth_no_call_yet() -> None:
    assert concerns(verdict(verdict="PUBLISHED", rows_read=0), 1)
    assert concerns(verdict(verdict="CONFLICT", rows_read=0), 1) == ()


# As the EventBridge guide shows them.
GLUE_EVENTS = {
    "JobRunsFailed": {
        "source": "aws.glue",
        "detail-type": "Glue Job State Change",
        "detail": {
            "jobName": "raw-to-curated",
            "severity": "ERROR",
            "state": "FAILED",
            "jobRunId": "jr_1",
            "message": 'Column "a" is missing',
        },
    },
    "CrawlsFailed": {
        "source": "aws.glue",
        "detail-type": "Glue Crawler State Change",
        "detail": {
            "crawlerName": "data-pipeline-test-flights",
            "errorMessage": "Internal Service Exception",
            "accountId": "1234",
            "cloudWatchLogLink": "https://console.aws.amazon.com/cloudwatch/home",
            "state": "Failed",
            "message": "Crawler Failed",
        },
    },
}


@pytest.mark.parametrize("metric", GLUE_EVENTS)
def test_a_failed_run_or_crawl_is_counted_and_no_batch_is_touched(
    cloud: Cloud, call: Call, emitted: Any, metric: str
) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    emitted()
    assert call("error_handler", GLUE_EVENTS[metric]) == {"counted": metric}
    assert emitted() == [(metric, {"service": "error_handler"}, 1)], "one metric, without a run's or crawler's name"
    assert batch_id in cloud.batches.state("airlines").running, "the workflow decides on it"


def test_the_log_of_a_failed_run_and_crawl_says_which_and_why(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    for event in GLUE_EVENTS.values():
        call("error_handler", event)
    run, crawl = (vars(record) for record in caplog.records if record.message == "Glue failed")
    assert run["levelname"] == crawl["levelname"] == "ERROR", "the saved query that lists errors finds it"
    assert (run["job_run_id"], run["state"], run["reason"]) == ("jr_1", "FAILED", 'Column "a" is missing')
    assert crawl["crawler"] == "data-pipeline-test-flights"
    assert (crawl["reason"], crawl["log"][:5]) == ("Internal Service Exception", "https")


@pytest.mark.parametrize(
    ("error", "given_up", "unaccounted"),
    [("ReconciliationError", [1], [1]), ("TypeError", [1], [0]), ("States.Timeout", [0], [0])],
)
def test_a_failure_counts_what_it_came_to_for_all_datasets_together(
    cloud: Cloud, call: Call, emitted: Any, error: str, given_up: list[float], unaccounted: list[float]
) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    emitted()
    fail(call, batch_id, Error=error, Cause="x")
    found = emitted()
    assert values(found, "BatchesGivenUp", service="error_handler") == given_up
    assert values(found, "ReconciliationErrors", service="error_handler") == unaccounted
