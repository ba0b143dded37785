"""The table of runs has of each batch one line, with times that Athena reads, in the folder of its month."""

import json
from dataclasses import asdict
from typing import Any

import boto3
import pytest
from moto import mock_aws
from pipeline_core import clients
from pipeline_core.batches import Batch
from pipeline_core.runs import RunDetails, record_run

DETAILS: dict[str, Any] = {
    "files": 2,
    "bytes": 10,
    "rows_read": 3,
    "rows_curated": 2,
    "rows_quarantined": 1,
    "engine": "stage",
}


@pytest.mark.parametrize(("purpose", "said"), [("", "landed"), ("rows", "rows"), ("replace", "replace")])
@pytest.mark.parametrize(
    ("finished_at", "read"),
    [
        ("2026-12-01T00:00:01.987654+00:00", "2026-12-01 00:00:01.987"),
        ("2026-12-01T01:00:01+02:00", "2026-11-30 23:00:01.000"),
        ("", None),
    ],
)
def test_a_run_is_a_line_of_json_in_the_month_in_which_its_batch_was_opened(
    purpose: str, said: str, finished_at: str, read: str | None
) -> None:
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="artifacts")
        batch = Batch(
            batch_id="flights-1",
            dataset="flights",
            status="PUBLISHED",
            created_at="2026-11-30T23:59:59+00:00",
            finished_at=finished_at,
        )
        details = RunDetails(purpose=purpose, **DETAILS)
        record_run("artifacts", batch, details)
        found = clients.s3().get_object(Bucket="artifacts", Key="runs/dataset=flights/month=2026-11/flights-1.json")
        text = found["Body"].read()
    assert found["ContentType"] == "application/json"
    assert b"\n" not in text, "Athena takes a line for a row"
    assert json.loads(text) == {
        **json.loads(json.dumps(asdict(details))),
        "batch_id": "flights-1",
        "outcome": "PUBLISHED",
        "purpose": said,
        "created_at": "2026-11-30 23:59:59.000",
        "finished_at": read,
    }
