"""A write of the ledger that meets another one's transaction is tried again, whoever writes; a condition is final."""

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import botocore.client
import pytest
from botocore.exceptions import ClientError
from pipeline_core.ledger import MAX_TRIES, write

from tests.unit.lambdas.conftest import Cloud
from tests.unit.lambdas.test_batches import decide, land, one_batch
from tests.unit.lambdas.test_recovery import spark_dies

Call = Callable[..., Any]
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"}


def refused(operation: str, *reasons: str) -> ClientError:
    """What boto3 raises when a write meets a transaction (or for other reasons, in one)."""
    if operation == "TransactWriteItems":
        found: Any = [{"Code": reason} for reason in reasons or ("None", "TransactionConflict")]
        answer: Any = {"Error": {"Code": "TransactionCanceledException", "Message": ""}, "CancellationReasons": found}
        return ClientError(answer, operation)
    return ClientError({"Error": {"Code": "TransactionConflictException", "Message": ""}}, operation)


@pytest.fixture
def conflicts(
    monkeypatch: pytest.MonkeyPatch, in_place_of_sleep: Callable[[Callable[[float], Any]], None]
) -> Counter[str]:
    """Has every write of the ledger meet a transaction the first two times; counts by operation."""
    tries: Counter[str] = Counter()
    met: Counter[str] = Counter()
    original = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]  # private, as moto's own patch

    def make(client: Any, operation: str, parameters: Any) -> Any:
        if operation in WRITES:
            this = json.dumps([operation, parameters.get("Key"), str(parameters.get("UpdateExpression"))], default=str)
            tries[this] += 1
            if tries[this] % 3:
                met[operation] += 1
                raise refused(operation)
        return original(client, operation, parameters)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", make)
    in_place_of_sleep(lambda seconds: None)
    return met


def test_a_batch_is_published_though_every_write_meets_a_transaction(
    cloud: Cloud, call: Call, conflicts: Counter[str]
) -> None:
    batch_id, manifest = one_batch(cloud, call, "airlines/a.csv", "airlines/b.csv")
    cloud.stage(manifest)
    assert decide(call, batch_id)["verdict"] == "PUBLISHED"
    assert {cloud.files(key)[0]["status"] for key in ("airlines/a.csv", "airlines/b.csv")} == {"PUBLISHED"}
    assert {"PutItem", "UpdateItem", "TransactWriteItems"} <= conflicts.keys()
    land(cloud, call, "airlines/c.csv")
    assert call("etl_trigger", {"dataset": "airlines"})["batches"], "the first batch is no longer a running one"


def test_a_batch_whose_job_fails_is_split_though_every_write_meets_a_transaction(
    cloud: Cloud, call: Call, conflicts: Counter[str]
) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv", "airlines/b.csv")
    assert spark_dies(cloud, call, batch_id) == "SPLIT"
    assert {cloud.files(key)[0]["status"] for key in ("airlines/a.csv", "airlines/b.csv")} == {"PENDING"}
    assert conflicts["UpdateItem"] >= 6


@pytest.mark.parametrize("operation", ["UpdateItem", "TransactWriteItems"])
@pytest.mark.parametrize(("failing", "done"), [(MAX_TRIES - 1, True), (MAX_TRIES, False)])
def test_a_write_is_tried_so_often_and_no_more_further_and_further_apart(
    monkeypatch: pytest.MonkeyPatch,
    in_place_of_sleep: Callable[[Callable[[float], Any]], None],
    operation: str,
    failing: int,
    done: bool,
) -> None:
    waits: list[float] = []
    in_place_of_sleep(waits.append)
    monkeypatch.setattr(random, "uniform", lambda least, most: most)
    tries = 0

    def attempt() -> str:
        nonlocal tries
        tries += 1
        if tries <= failing:
            raise refused(operation)
        return "written"

    if done:
        assert write(attempt) == "written"
    else:
        with pytest.raises(ClientError, match="Transaction"):
            write(attempt)
    assert tries == MAX_TRIES
    assert waits == sorted(waits)
    assert 0 < sum(waits) < 10, "all of it fits into the shortest timeout of a function"


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "UpdateItem"), None),
        (refused("TransactWriteItems", "None", "ConditionalCheckFailed"), None),
        (refused("TransactWriteItems", "TransactionConflict", "ConditionalCheckFailed"), None),
        (refused("TransactWriteItems", "ValidationError"), "raised"),
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "UpdateItem"), "raised"),
    ],
)
def test_a_condition_is_an_answer_and_anything_else_is_raised_at_once(error: ClientError, answer: str | None) -> None:
    tries = []

    def attempt() -> str:
        tries.append(1)
        raise error

    if answer is None:
        assert write(attempt) is None
    else:
        with pytest.raises(ClientError):
            write(attempt)
    assert len(tries) == 1
