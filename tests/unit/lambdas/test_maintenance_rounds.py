"""The rounds of the function maintenance: which tables it sees to, what it does when one fails or its time is over."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pipeline_core.batches import Batches, DatasetState
from pipeline_core.contract import Contract
from pipeline_core.fields import DocumentError
from table_formats import IcebergTable, TablePlace
from table_formats.history import HistoryError
from table_formats.maintenance import Done

from lambdas.maintenance import handler
from lambdas.maintenance.request import MaintenanceRequest
from tests.unit.lambdas.conftest import ARTIFACTS, CURATED, DATABASE, Cloud, Context, contracts


def deploy(cloud: Cloud, *datasets: str) -> None:
    """Have the index name these datasets; any that the project has no contract for is another fleet."""
    index = {"datasets": datasets, "promises": []}
    cloud.s3.put_object(Bucket=ARTIFACTS, Key="contracts/index.json", Body=json.dumps(index))
    (fleet,) = (contract.document for contract in contracts() if contract.name == "fleet")
    for name in {*datasets} - {contract.name for contract in contracts()}:
        contract = json.dumps({**fleet, "dataset": name})
        cloud.s3.put_object(Bucket=ARTIFACTS, Key=f"contracts/{name}.json", Body=contract)


@pytest.fixture
def index(cloud: Cloud) -> None:
    deploy(cloud, "fleet")


class Rounds:
    """What the function has done with which tables, by what it was told."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.failing: set[str] = set()
        self.behind: set[str] = set()

    @property
    def datasets(self) -> list[str]:
        return [call["contract"].dataset for call in self.seen]

    def maintain(self, table: IcebergTable, contract: Contract, now: datetime, **told: Any) -> Done:
        self.seen.append({"place": table.place, "contract": contract, "now": now, **told})
        if contract.dataset in self.failing:
            raise RuntimeError("the catalog is down")
        return Done(dataset=contract.dataset, merged_files=7, left_files=int(contract.dataset in self.behind))


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> Rounds:
    rounds = Rounds()
    with_time(monkeypatch, 0)
    monkeypatch.setattr(handler, "maintain", rounds.maintain)
    return rounds


def with_time(monkeypatch: pytest.MonkeyPatch, milliseconds: int) -> None:
    """Let so much more be left than is needed."""
    there = Context().get_remaining_time_in_millis()
    monkeypatch.setattr(handler, "LEAST_MILLISECONDS", there - milliseconds)


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize(
    ("done", "behind"),
    [
        (Done(dataset="fleet"), []),
        (Done(dataset="fleet", merged_files=7), []),
        (Done(dataset="fleet", merged_files=7, left_files=1), ["fleet"]),
        (Done(dataset="fleet", yielded=("merged_files",)), ["fleet"]),
    ],
)
def test_a_table_that_is_not_done_with_is_behind(
    call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, done: Done, behind: list[str]
) -> None:
    with_time(monkeypatch, 0)
    monkeypatch.setattr(handler, "maintain", lambda *_, **__: done)
    answer = call("maintenance", {"action": "maintain"})
    assert answer["behind"] == behind
    assert list(answer["done"]) == ["fleet"]


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize(("milliseconds", "is_left"), [(1, True), (0, True), (-1, False)])
def test_nothing_is_begun_with_less_than_two_minutes_left(
    call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, milliseconds: int, is_left: bool
) -> None:
    asked: list[bool] = []

    def maintain(*_: object, is_time_left: Callable[[], bool], **__: object) -> Done:
        asked.append(is_time_left())
        with_time(monkeypatch, milliseconds)
        asked.append(is_time_left())
        return Done(dataset="fleet")

    with_time(monkeypatch, 0)
    monkeypatch.setattr(handler, "maintain", maintain)
    assert call("maintenance", {"action": "maintain"})["behind"] == []
    assert asked == [True, is_left]
    assert call("maintenance", {"action": "maintain"})["behind"] == ([] if is_left else ["fleet"])


def test_each_iceberg_table_has_its_turn_with_its_own_contract_and_place(
    cloud: Cloud, call: Callable[..., Any], rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(cloud, "fleet", "flights", "boats")
    publishing = DatasetState(published=0, counter=0, running=frozenset(), publishing="boats-7")
    idle = DatasetState(published=0, counter=0, running=frozenset(), publishing=None)
    monkeypatch.setattr(Batches, "state", lambda _, dataset: publishing if dataset == "boats" else idle)
    before = datetime.now(UTC)
    answer = call("maintenance", {"action": "maintain", "dry_run": True})
    assert {name: done["merged_files"] for name, done in answer["done"].items()} == {"fleet": 7, "boats": 7}
    assert {call["contract"].dataset: (call["place"], call["publishing"], call["dry_run"]) for call in rounds.seen} == {
        "fleet": (TablePlace(database=DATABASE, bucket=CURATED, dataset="fleet"), "", True),
        "boats": (TablePlace(database=DATABASE, bucket=CURATED, dataset="boats"), "boats-7", True),
    }
    for seen in rounds.seen:
        assert before <= seen["now"] <= datetime.now(UTC)


@pytest.mark.parametrize("dry_run", [True, False])
def test_one_table_that_is_asked_for_has_its_turn_alone(
    cloud: Cloud, call: Callable[..., Any], rounds: Rounds, dry_run: bool
) -> None:
    deploy(cloud, "fleet", "boats")
    assert list(call("maintenance", {"dataset": "boats", "dry_run": dry_run})["done"]) == ["boats"]
    assert [(seen["contract"].dataset, seen["dry_run"]) for seen in rounds.seen] == [("boats", dry_run)]


def test_a_table_that_fails_keeps_no_other_from_its_turn_and_is_named_in_the_end(
    cloud: Cloud, call: Callable[..., Any], rounds: Rounds, caplog: pytest.LogCaptureFixture
) -> None:
    deploy(cloud, "fleet", "boats", "cars", "carts")
    rounds.failing, rounds.behind = {"boats", "cars"}, {"carts"}
    with pytest.raises(RuntimeError) as caught:
        call("maintenance", {})
    assert sorted(rounds.datasets) == ["boats", "cars", "carts", "fleet"]
    failed = [name for name in rounds.datasets if name in rounds.failing]
    assert str(caught.value) == f"maintenance failed of {', '.join(failed)}; the log has each one's error"
    logged = [(record.message, vars(record).get("dataset")) for record in caplog.records]
    assert [name for message, name in logged if message == "maintenance failed"] == failed
    assert sorted(str(name) for message, name in logged if message == "maintained") == ["carts", "fleet"]
    done = {
        vars(record)["dataset"]: vars(record)["done"] for record in caplog.records if record.message == "maintained"
    }
    assert done["carts"]["left_files"] == 1
    (behind,) = [record for record in caplog.records if record.message == "maintenance is behind"]
    assert vars(behind)["datasets"] == ["carts"]


def test_another_table_is_the_first_each_day_and_none_is_left_out(
    cloud: Cloud, call: Callable[..., Any], rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(cloud, "boats", "fleet", "cars")
    days = [datetime(2026, 11, 26, 3, tzinfo=UTC) + timedelta(days=day) for day in range(4)]

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            assert tz is UTC
            return days[0]

    monkeypatch.setattr(handler, "datetime", Clock)
    orders = []
    while days:
        rounds.seen = []
        call("maintenance", {})
        orders.append(rounds.datasets)
        days.pop(0)
    first = ["boats", "fleet", "cars"].index(orders[0][0])
    turns = [["boats", "fleet", "cars"], ["fleet", "cars", "boats"], ["cars", "boats", "fleet"]]
    assert orders == [turns[(first + day) % 3] for day in range(4)]


@pytest.mark.parametrize(("asked", "reported"), [({}, [2.0]), ({"dataset": "boats"}, [])])
def test_how_many_tables_are_behind_is_measured_of_whole_rounds(
    cloud: Cloud, call: Callable[..., Any], rounds: Rounds, emitted: Any, asked: dict[str, Any], reported: list[float]
) -> None:
    deploy(cloud, "fleet", "boats", "cars")
    rounds.behind = {"boats", "cars"}
    emitted()
    assert sorted(call("maintenance", asked)["behind"]) == ["boats", *(["cars"] if not asked else [])]
    found = [(dimensions, value) for name, dimensions, value in emitted() if name == "TablesBehind"]
    assert found == [({"service": "maintenance"}, value) for value in reported]


def test_every_table_that_there_is_no_time_for_is_behind(
    cloud: Cloud, call: Callable[..., Any], rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(cloud, "fleet", "boats", "cars")
    with_time(monkeypatch, -1)
    assert sorted(call("maintenance", {})["behind"]) == ["boats", "cars", "fleet"]
    assert rounds.seen == []


def test_without_an_index_or_a_dataset_there_is_nothing_to_do(
    cloud: Cloud, call: Callable[..., Any], rounds: Rounds
) -> None:
    deploy(cloud)
    assert call("maintenance", {}) == {"done": {}, "behind": []}
    cloud.s3.delete_object(Bucket=ARTIFACTS, Key="contracts/index.json")
    with pytest.raises(
        RuntimeError, match=rf"^s3://{ARTIFACTS}/contracts/index.json is missing; deploy the stack again$"
    ):
        call("maintenance", {})
    cloud.s3.put_object(Bucket=ARTIFACTS, Key="contracts/index.json", Body="{")
    with pytest.raises(DocumentError, match=r"^contracts/index.json is no JSON: "):
        call("maintenance", {})
    assert rounds.seen == []


@pytest.mark.parametrize("action", ["maintain", "history", "rollback", "adopt"])
def test_a_dataset_without_a_contract_or_an_iceberg_table_is_named(
    call: Callable[..., Any], rounds: Rounds, action: str
) -> None:
    request = {"action": action, "batch_id": "x-1"}
    with pytest.raises(HistoryError, match=r"^no contract is deployed for 'boats'$"):
        call("maintenance", {**request, "dataset": "boats"})
    only = r"^flights: its table is of the format parquet; only Iceberg tables have this$"
    with pytest.raises(HistoryError, match=only):
        call("maintenance", {**request, "dataset": "flights"})
    assert rounds.seen == []


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ({"action": "drop"}, "action: 'drop'; allowed: maintain, history, rollback, adopt"),
        ({"action": "history"}, "action history: no dataset; name one"),
        ({"action": "adopt"}, "action adopt: no dataset; name one"),
        ({"action": "rollback", "batch_id": "fleet-1"}, "action rollback: no dataset; name one"),
        (
            {"action": "rollback", "dataset": "fleet"},
            "action rollback: no batch_id; name the batch after which the table was as it should be",
        ),
    ],
)
def test_a_request_that_lacks_what_its_action_needs_is_refused(event: dict[str, str], says: str) -> None:
    with pytest.raises(DocumentError) as caught:
        MaintenanceRequest.from_event(event)
    assert str(caught.value) == says


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"dataset": "fleet"},
        {"action": "history", "dataset": "fleet"},
        {"action": "adopt", "dataset": "fleet"},
        {"action": "rollback", "dataset": "fleet", "batch_id": "fleet-1"},
    ],
)
def test_a_request_that_has_what_its_action_needs_is_taken(event: dict[str, Any]) -> None:
    assert MaintenanceRequest.from_event(event) == MaintenanceRequest(**event)
