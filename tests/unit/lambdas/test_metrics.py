"""The metrics that alarms watch are metrics that the functions emit, with the same dimensions."""

import importlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.infrastructure.test_alarms import OWN_METRICS
from tests.unit.lambdas.conftest import Cloud
from tests.unit.lambdas.test_batches import decide, one_batch
from tests.unit.lambdas.test_recovery import fail

Call = Callable[..., Any]


@pytest.fixture
def emitted(
    call: Call, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[], list[tuple[str, dict[str, str], float]]]:
    """Name, dimensions and value of every metric since the last call, as CloudWatch reads them from the logs."""
    for function in ("processing", "error_handler", "etl_trigger", "ingestion", "query"):
        # On AWS, each function has its own name in its environment.
        metrics = importlib.import_module(f"lambdas.{function}.handler").metrics
        monkeypatch.setattr(metrics.provider, "service", function)

    def read() -> list[tuple[str, dict[str, str], float]]:
        found = []
        for line in capsys.readouterr().out.splitlines():
            document = json.loads(line) if line.startswith("{") else {}
            for directive in document.get("_aws", {}).get("CloudWatchMetrics", []):
                assert directive["Namespace"] == "DataPipeline"
                (keys,) = directive["Dimensions"]
                for metric in directive["Metrics"]:
                    (value,) = document[metric["Name"]]
                    found.append((metric["Name"], {key: document[key] for key in keys}, value))
        return found

    return read


def values(found: list[tuple[str, dict[str, str], float]], name: str, **dimensions: str) -> list[float]:
    return [value for metric, given, value in found if metric == name and given == dimensions]


def test_a_published_batch_counts_its_rows_and_itself(cloud: Cloud, call: Call, emitted: Any) -> None:
    batch_id, manifest = one_batch(cloud, call, "airlines/a.csv")
    cloud.stage(manifest, curated=99, quarantined=1)
    emitted()
    assert decide(call, batch_id, dpu_seconds=180)["verdict"] == "PUBLISHED"
    found = emitted()
    of = {"service": "processing", "dataset": "airlines"}
    assert values(found, "BatchesPublished", **of) == [1]
    assert values(found, "RowsRead", **of) == [100]
    assert values(found, "DpuSeconds", **of) == [180]
    assert values(found, "RowsQuarantined", **of) == [1]
    assert values(found, "QuarantinedPercent", **of) == [1]


def test_of_a_batch_without_rows_nothing_is_quarantined(cloud: Cloud, call: Call, emitted: Any) -> None:
    batch_id, manifest = one_batch(cloud, call, "airlines/a.csv")
    cloud.stage(manifest, curated=0)
    emitted()
    decide(call, batch_id)
    assert values(emitted(), "QuarantinedPercent", service="processing", dataset="airlines") == [0]


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


def test_every_watched_metric_is_emitted_with_its_dimensions(cloud: Cloud, call: Call, emitted: Any) -> None:
    call("ingestion", {"Records": [cloud.land("airlines/new.csv", b"a"), cloud.land("nobody/wants.csv", b"a")]})
    call("ingestion", {"Records": [cloud.land("airlines/_SUCCESS", b"")]})
    published, manifest = one_batch(cloud, call, "airlines/a.csv")
    cloud.stage(manifest)
    decide(call, published)
    failed, _ = one_batch(cloud, call, "planes/a.csv")
    fail(call, failed, Error="ReconciliationError", Cause="x")
    for event in GLUE_EVENTS.values():
        call("error_handler", event)
    found = {(name, frozenset(dimensions)): dimensions for name, dimensions, _ in emitted()}
    for name, expected in OWN_METRICS.items():
        dimensions = found[name, frozenset(expected)]
        assert all(value in (None, dimensions[key]) for key, value in expected.items()), name
