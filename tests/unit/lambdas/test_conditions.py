"""Threads that share a table ask for what they would ask alone."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr, Key
from pipeline_core.batches import Batches
from pipeline_core.conditions import expressions
from pipeline_core.files import Candidate
from pipeline_core.ledger import Ledger
from pipeline_core.pauses import Pauses

from tests.unit.lambdas.conftest import Cloud

THREADS = 8
CALLS = 300
PLACEHOLDER = re.compile(r"[#:]\w+")
FILE = Candidate(bucket="raw", key="a/b", version="v", size=1, landed_at="t", dataset="a", format="csv")


@pytest.fixture
def threads_change_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def asked(cloud: Cloud) -> Iterator[tuple[Ledger, list[str]]]:
    """A ledger whose calls end before they are sent, and the bodies of the calls."""
    bodies = list[str]()

    def answer(params: dict[str, Any], **_: Any) -> tuple[SimpleNamespace, dict[str, Any]]:
        bodies.append(params["body"])
        return SimpleNamespace(status_code=200), {"Items": []}

    events: Any = cloud.ledger.table.meta.client.meta.events
    events.register("before-call.dynamodb", answer)
    yield cloud.ledger, bodies
    events.unregister("before-call.dynamodb", answer)


def spelled_out(body: str) -> dict[str, str]:
    """The conditions of a call, with names and values in the place of their placeholders."""
    said = json.loads(body)
    meant: dict[str, Any] = said.get("ExpressionAttributeNames", {}) | said.get("ExpressionAttributeValues", {})
    return {
        argument: PLACEHOLDER.sub(lambda found: str(meant[found[0]]), text)
        for argument, text in said.items()
        if argument.endswith("ConditionExpression") or argument == "FilterExpression"
    }


@pytest.mark.usefixtures("threads_change_often")
def test_conditions_of_threads_are_those_of_one_thread(asked: tuple[Ledger, list[str]]) -> None:
    ledger, bodies = asked
    calls: list[Callable[[], object]] = [
        lambda: ledger.claim([FILE], "batch"),
        lambda: ledger.give_up([FILE], "batch", "FAILED", "x"),
        lambda: ledger.roll_back([FILE], "batch"),
        lambda: ledger.pending("a", 1, "now"),
        lambda: Batches(ledger).published_at("a"),
        lambda: Batches(ledger).latest("a", 1),
        lambda: Pauses(ledger).all(),
        lambda: Pauses(ledger).end("a"),
    ]
    for call in calls:
        call()
    alone = {str(spelled_out(body)) for body in bodies}
    bodies.clear()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda number: calls[number % len(calls)](), range(CALLS)))
    assert {str(spelled_out(body)) for body in bodies} == alone


def test_placeholders_of_a_call_do_not_meet() -> None:
    found = expressions(
        key=Key("pk").eq("a") & Key("sk").begins_with("b"),
        filtered=Attr("c").not_exists() | Attr("c").lte("d"),
        names={"#e": "e"},
        values={":f": "f"},
    )
    names, values = found["ExpressionAttributeNames"], found["ExpressionAttributeValues"]
    assert (sorted(names.values()), sorted(values.values())) == (["c", "c", "e", "pk", "sk"], ["a", "b", "d", "f"])
    used = set(PLACEHOLDER.findall(f"{found['KeyConditionExpression']} {found['FilterExpression']}"))
    assert used | {"#e", ":f"} == names.keys() | values.keys()


def test_a_condition_without_values_brings_none_as_dynamodb_asks() -> None:
    assert expressions(condition=Attr("pk").exists()) == {
        "ConditionExpression": "attribute_exists(#n0)",
        "ExpressionAttributeNames": {"#n0": "pk"},
    }


def test_what_is_decided_by_is_read_as_it_is_now(asked: tuple[Ledger, list[str]]) -> None:
    ledger, bodies = asked
    reads: list[Callable[[], object]] = [
        lambda: ledger.file("raw", "a/b", "v"),
        lambda: ledger.versions("raw", "a/b"),
        lambda: Pauses(ledger).of("a"),
        lambda: Pauses(ledger).all(),
        lambda: Batches(ledger).get("a", "b"),
        lambda: Batches(ledger).state("a"),
    ]
    for read in reads:
        read()
    assert [json.loads(body).get("ConsistentRead") for body in bodies] == [True] * len(reads)
