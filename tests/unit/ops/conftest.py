"""The functions' AWS resources, with a queue, and the operator's commands called as a person calls them."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner, Result

from ops import __main__ as ops
from ops import options
from tests.unit.lambdas.conftest import ARTIFACTS, CURATED, QUARANTINE, RAW, TABLE, Cloud, call, cloud

__all__ = ["call", "cloud"]

DEAD_LETTERS = ("arrivals_dead_letters_url", "ticks_dead_letters_url", "undelivered_url")


class Operator:
    """Runs commands, and hands what they asked for to ingestion, as SQS does."""

    def __init__(self, outputs: Path, queue_url: str, call: Callable[..., Any]) -> None:
        self.outputs, self._queue_url, self._call = outputs, queue_url, call

    def run(self, *arguments: str, input: str | None = None) -> Result:
        command = [*arguments, "--outputs", str(self.outputs)]
        return CliRunner().invoke(ops.app, command, input=input)

    def deliver(self, times: int = 1) -> int:
        """Deliver every message, `times` times; returns how many there were."""
        sqs = boto3.client("sqs")
        count = 0
        while found := sqs.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                count += 1
                record = {
                    "messageId": message["MessageId"],
                    "body": message["Body"],
                    "eventSource": "aws:sqs",
                    "receiptHandle": "r",
                    "attributes": {},
                    "messageAttributes": {},
                }
                for _ in range(times):
                    assert self._call("ingestion", {"Records": [record]}) == {"batchItemFailures": []}
                sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
        return count


@pytest.fixture
def operator(cloud: Cloud, call: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    monkeypatch.setattr(options.console, "width", 160)
    queue_url = boto3.client("sqs").create_queue(QueueName="arrivals")["QueueUrl"]
    outputs = tmp_path / "outputs.json"
    values = {
        "raw_bucket": RAW,
        "curated_bucket": CURATED,
        "quarantine_bucket": QUARANTINE,
        "artifacts_bucket": ARTIFACTS,
        "ledger_table": TABLE,
        "arrivals_queue_url": queue_url,
        **{
            name: boto3.client("sqs").create_queue(QueueName=name.removesuffix("_url").replace("_", "-"))["QueueUrl"]
            for name in DEAD_LETTERS
        },
        "datasets": ["airlines", "flights"],
        "database": "lake",
        "workgroup": "primary",
        "max_files_per_batch": 3,
        "max_bytes_per_batch": 20_000_000_000,
        "small_bytes_per_batch": 0,
        "max_workers": 10,
        "stack": "feature-x",
        "environment": "dev",
        "state_machine_arn": os.environ["STATE_MACHINE_ARN"],
        "functions": {"maintenance": "maintenance", "etl_trigger": "etl_trigger"},
        "job_name": "job",
        "more": "than is needed",
    }
    outputs.write_text(json.dumps(values))
    return Operator(outputs, queue_url, call)
