"""Every metric that an alarm watches is one that a function emits, with the same dimensions, and none is left over."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.unit.infrastructure.test_alarms import OWN_METRICS
from tests.unit.lambdas.conftest import ARTIFACTS, CURATED, Cloud
from tests.unit.lambdas.test_batches import decide, one_batch
from tests.unit.lambdas.test_metrics import GLUE_EVENTS
from tests.unit.lambdas.test_recovery import fail

Call = Callable[..., Any]


def test_every_watched_metric_is_emitted_with_its_dimensions(cloud: Cloud, call: Call, emitted: Any) -> None:
    call("ingestion", {"Records": [cloud.land("airports/new.csv", b"a"), cloud.land("nobody/wants.csv", b"a")]})
    call("ingestion", {"Records": [cloud.land("airlines/_SUCCESS", b"")]})
    # What lands here has landed long ago, and airlines promise a latency.
    for key, curated, quarantined in (("flights/a.csv", 1, 1), ("weather/a.csv", 0, 0), ("airlines/a.csv", 1, 0)):
        published, manifest = one_batch(cloud, call, key)
        report = cloud.stage(manifest, curated=curated, quarantined=quarantined)
        (first, *_) = report.files
        duplicate = replace(first, rows_read=first.rows_read + 1, rows_duplicate=1)
        if curated:
            text = replace(report, files=(duplicate,)).to_json().encode()
            cloud.s3.put_object(Bucket=CURATED, Key=f"staging/{report.dataset}/{published}/report.json", Body=text)
        decide(call, published, dpu_seconds=120)
    failed, _ = one_batch(cloud, call, "planes/a.csv")
    fail(call, failed, Error="ReconciliationError", Cause="x")
    index = {"datasets": ["planes"], "promises": [{"dataset": "planes", "hours": -24.0}]}
    cloud.s3.put_object(Bucket=ARTIFACTS, Key="contracts/index.json", Body=json.dumps(index))
    call("freshness", {})
    call("maintenance", {"action": "maintain"})
    for event in GLUE_EVENTS.values():
        call("error_handler", event)
    assert {name: dimensions for name, dimensions, _ in emitted()} == OWN_METRICS
