"""What the ledger has of a file changes by its own batch only, from a state that it may come from."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pipeline_core.files import Candidate, FinishedFile
from pipeline_core.ledger import Ledger
from pipeline_core.report import RowCounts

from tests.unit.lambdas.conftest import Cloud, candidate

COUNTS = RowCounts(rows_read=3, rows_curated=2, rows_quarantined=1)
WAITS = {"part": "1", "root": "b1", "pending_shard": "flights#1", "deaths": 1, "kills": 1}
STATES = [
    *(("CLAIMED", batch_id) for batch_id in ("b2", "another")),
    *((status, "b2") for status in ("PENDING", "PUBLISHED", "QUARANTINED", "FAILED", "IGNORED")),
    *((status, "another") for status in ("PENDING", "PUBLISHED", "FAILED")),
]


def finished(file: Candidate, **changes: Any) -> FinishedFile:
    values: dict[str, Any] = {"status": "PUBLISHED", "reason": "", "published_in": frozenset({"b2"})}
    return FinishedFile(file=file, **{**values, "counts": COUNTS, "quarantined_in": "", "has_copy": False, **changes})


MARKS: dict[str, tuple[Callable[[Ledger, Candidate], None], str, set[str]]] = {
    "finish": (lambda ledger, file: ledger.finish([finished(file)], "b2"), "PUBLISHED", {"CLAIMED", "PUBLISHED"}),
    "give up": (lambda ledger, file: ledger.give_up([file], "b2", "FAILED", "x"), "FAILED", {"CLAIMED", "FAILED"}),
    "try again": (lambda ledger, file: ledger.try_again([file], "b2", 60), "PENDING", {"CLAIMED"}),
    "give back": (lambda ledger, file: ledger.give_back([file], "b2"), "PENDING", {"CLAIMED"}),
}


def put(cloud: Cloud, file: Candidate, **fields: Any) -> dict[str, Any]:
    item = {**file.item_key, "attempts": 0, **WAITS, **fields}
    cloud.ledger.table.put_item(Item=item)
    return item


def now_of(cloud: Cloud, file: Candidate) -> dict[str, Any]:
    return dict(cloud.ledger.table.get_item(Key=file.item_key)["Item"])


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize(("status", "batch_id"), STATES)
def test_a_file_is_marked_by_its_own_batch_that_claimed_it_or_did_so_before(
    cloud: Cloud, mark: str, status: str, batch_id: str
) -> None:
    change, becomes, may_come_from = MARKS[mark]
    file = candidate()
    item = put(cloud, file, status=status, batch_id=batch_id)
    change(cloud.ledger, file)
    if batch_id == "b2" and status in may_come_from:
        assert now_of(cloud, file)["status"] == becomes
    else:
        assert now_of(cloud, file) == item


def test_a_file_that_is_finished_has_what_the_batch_made_of_it_and_waits_no_more(cloud: Cloud) -> None:
    file = candidate()
    item = put(cloud, file, status="CLAIMED", batch_id="b2", reason="of before", kept=True, quarantined_in="b1")
    cloud.ledger.finish([finished(file)], "b2")
    known = now_of(cloud, file)
    assert known.pop("finished_at") > "2026"
    outcome = {"rows_read": 3, "rows_curated": 2, "rows_quarantined": 1, "rows_duplicate": 0}
    gone = ("pending_shard", "deaths", "kills", "reason", "kept", "quarantined_in")
    assert known == {
        **{name: value for name, value in item.items() if name not in gone},
        "status": "PUBLISHED",
        "outcome": outcome,
        "published_in": {"b2"},
    }
    cloud.ledger.finish([finished(file, reason="why", quarantined_in="b2", has_copy=True)], "b2")
    known = now_of(cloud, file)
    assert (known["reason"], known["quarantined_in"], known["kept"]) == ("why", "b2", True)


@pytest.mark.parametrize("has_copy", [True, False])
@pytest.mark.parametrize("purpose", ["", "rows", "replace"])
def test_a_file_that_is_given_up_says_why_and_its_published_rows_are_untouched(
    cloud: Cloud, purpose: str, has_copy: bool
) -> None:
    file = candidate(purpose=purpose)
    item = put(cloud, file, status="CLAIMED", batch_id="b2", published_in={"b1"})
    cloud.ledger.give_up([file], "b2", "QUARANTINED", "why", has_copy=has_copy)
    known = now_of(cloud, file)
    assert known.pop("finished_at") > "2026"
    kept = {"kept": True} if has_copy and not purpose else {}
    status = "PUBLISHED" if purpose else "QUARANTINED"
    left = {name: value for name, value in item.items() if name not in WAITS}
    assert known == {**left, "status": status, "reason": "why", **kept}


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 60), (1, 120), (3, 480), (9, 3_600)])
def test_a_file_that_is_tried_again_waits_twice_as_long_each_time(cloud: Cloud, attempts: int, seconds: int) -> None:
    file = candidate(attempts=attempts, deaths=1)
    put(cloud, file, status="CLAIMED", batch_id="b2", attempts=attempts)
    before = datetime.now(UTC)
    cloud.ledger.try_again([file], "b2", 60, ["deaths"])
    known = now_of(cloud, file)
    assert (known["attempts"], known["deaths"], known["kills"]) == (attempts + 1, 2, 1)
    waits = datetime.fromisoformat(known["not_before"]) - before
    assert timedelta(seconds=seconds) <= waits < timedelta(seconds=seconds + 60)
    put(cloud, file, status="CLAIMED", batch_id="b2", attempts=attempts)
    cloud.ledger.try_again([file], "b2", 60, attempts=0)
    assert now_of(cloud, file)["attempts"] == attempts, "a person gave the batch up"


@pytest.mark.parametrize(
    ("marked", "before", "becomes"),
    [
        pytest.param(("PUBLISHED", "b2", {"b2"}), (), ("ROLLED_BACK", None), id="its rows are out of the table"),
        pytest.param(("PUBLISHED", "b2", {"b1"}), ("b1",), ("PUBLISHED", {"b1"}), id="those before it are there again"),
        pytest.param(("PUBLISHED", "b3", {"b2", "b3"}), ("b1",), ("PUBLISHED", {"b1"}), id="so with two batches of it"),
        pytest.param(("PUBLISHED", "b3", {"b3"}), (), None, id="it is another batch's by now"),
        pytest.param(("PENDING", "b2", {"b2"}), (), None, id="it waits to be read again"),
    ],
)
def test_a_rollback_marks_the_files_that_its_batch_published(
    cloud: Cloud,
    marked: tuple[str, str, set[str]],
    before: tuple[str, ...],
    becomes: tuple[str, set[str] | None] | None,
) -> None:
    file = candidate(published_in=before)
    status, batch_id, published_in = marked
    of_file: dict[str, Any] = {
        "status": status,
        "batch_id": batch_id,
        "published_in": published_in,
        "finished_at": "then",
    }
    cloud.ledger.table.put_item(Item={**file.item_key, **of_file})
    cloud.ledger.roll_back([file], "b2")
    item = cloud.ledger.table.get_item(Key=file.item_key)["Item"]
    if becomes is None:
        assert item == {**file.item_key, **of_file}
    else:
        assert (item["status"], item.get("published_in")) == becomes
        assert str(item["finished_at"]) > "2026"


@pytest.mark.parametrize(
    ("status", "batch_id", "claimed"),
    [
        ("PENDING", "another", True),
        ("CLAIMED", "b2", True),
        ("CLAIMED", "another", False),
        ("PUBLISHED", "b2", False),
        ("FAILED", "b2", False),
    ],
)
def test_a_file_is_claimed_by_one_batch_and_by_it_again(
    cloud: Cloud, status: str, batch_id: str, claimed: bool
) -> None:
    file = candidate()
    item = put(cloud, file, status=status, batch_id=batch_id, not_before="then")
    assert cloud.ledger.claim([file], "b2") == [claimed]
    known = now_of(cloud, file)
    if not claimed:
        assert known == item
    else:
        assert known.pop("claimed_at") > "2026"
        left = {name: value for name, value in item.items() if name not in ("pending_shard", "not_before")}
        assert known == {**left, "status": "CLAIMED", "batch_id": "b2"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"status": "PENDING"}),
        ({"request": "r1"}, {"status": "PENDING", "requests": {"r1"}}),
        ({"rejected": "why"}, {"status": "REJECTED", "reason": "why", "kept": True}),
        ({"ignored": "why"}, {"status": "IGNORED", "reason": "why"}),
    ],
)
def test_a_file_is_registered_once(cloud: Cloud, given: dict[str, str], expected: dict[str, Any]) -> None:
    file = candidate()
    assert cloud.ledger.register(file.landed, **given)
    known = now_of(cloud, file)
    waits = expected["status"] == "PENDING"
    assert ("pending_shard" in known, "finished_at" in known) == (waits, not waits)
    times = ("pending_shard", "finished_at", "registered_at")
    of_file = ("bucket", "key", "version", "size", "landed_at", "dataset", "format")
    landed = {name: getattr(file, name) for name in of_file}
    assert {name: value for name, value in known.items() if name not in times} == {
        **file.item_key,
        **landed,
        "attempts": 0,
        **expected,
    }
    assert [cloud.ledger.register(file.landed, rejected="again") for _ in range(2)] == [False, False]
    assert now_of(cloud, file) == known
