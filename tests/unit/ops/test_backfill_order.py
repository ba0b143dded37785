"""A backfill of several datasets: in order, each to its end, nothing twice, and nothing after a failure."""

import json
import re
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from pipeline_core.pauses import Pause, Pauses

from lambdas.ingestion import handler as ingestion
from ops import turns
from ops.exit_codes import RefusedError
from ops.target import TargetError
from tests.unit.lambdas.conftest import ARTIFACTS, Cloud
from tests.unit.lambdas.test_batches import decide
from tests.unit.ops.conftest import Operator
from tests.unit.ops.test_ops import failure, publish

Call = Callable[..., Any]


class World:
    """What goes on while the command waits: messages are delivered, and batches come to their end."""

    def __init__(self, cloud: Cloud, operator: Operator, call: Call) -> None:
        self.cloud, self.operator, self.call = cloud, operator, call
        self.read: list[str] = []
        self.seconds = 0.0
        self.interrupted_after: int | None = None
        self.loses_messages = False
        self.fate: dict[str, Callable[[str], None]] = {}

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        if self.interrupted_after is not None and len(self.read) >= self.interrupted_after:
            raise KeyboardInterrupt
        if self.loses_messages:
            sqs = boto3.client("sqs")
            sqs.purge_queue(QueueUrl=self.operator._queue_url)
            self.loses_messages = False
        self.operator.deliver()
        for dataset in ("airlines", "flights"):
            for batch_id in self.call("etl_trigger", {"dataset": dataset})["batches"]:
                self.read += [file.key for file in self.cloud.manifest(dataset, batch_id).files]
                self.fate.get(dataset, self.publish)(batch_id)

    def publish(self, batch_id: str) -> None:
        dataset = batch_id.split("-")[0]
        self.cloud.stage(self.cloud.manifest(dataset, batch_id))
        decide(self.call, batch_id, self.cloud.batches.state(dataset).published)

    def refuse(self, batch_id: str) -> None:
        dataset = batch_id.split("-")[0]
        self.cloud.stage(self.cloud.manifest(dataset, batch_id), curated=0, quarantined=10)
        decide(self.call, batch_id, self.cloud.batches.state(dataset).published)

    def fail(self, batch_id: str) -> None:
        dataset = batch_id.split("-")[0]
        error = {"Error": "DocumentError", "Cause": "a test"}
        self.call("error_handler", {"dataset": dataset, "batch_id": batch_id, "error": error})

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def world(cloud: Cloud, operator: Operator, call: Call, monkeypatch: pytest.MonkeyPatch) -> World:
    found = World(cloud, operator, call)
    monkeypatch.setattr(turns, "time", found)
    return found


def land(cloud: Cloud, *keys: str) -> None:
    for key in keys:
        cloud.land(key, b"x\n1\n")


FOUR = ("flights/a.csv", "flights/b.csv", "airlines/a.csv", "airlines/b.csv")


def test_the_next_dataset_is_begun_when_the_one_before_has_come_to_its_end(world: World, operator: Operator) -> None:
    land(world.cloud, *FOUR)
    answer = operator.run("backfill", "flights", "airlines", "--yes")
    assert answer.exit_code == 0, answer.output
    assert [key.split("/")[0] for key in world.read] == ["flights", "flights", "airlines", "airlines"]
    assert "flights: PUBLISHED 2" in answer.output
    assert "airlines: PUBLISHED 2" in answer.output


def test_the_order_is_the_one_that_was_given(world: World, operator: Operator) -> None:
    land(world.cloud, *FOUR)
    operator.run("backfill", "airlines", "flights", "--yes")
    assert [key.split("/")[0] for key in world.read] == ["airlines", "airlines", "flights", "flights"]


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("again", [False, True])
def test_interrupted_and_called_again_it_reads_every_file_once(
    world: World, operator: Operator, call: Call, after: int, again: bool
) -> None:
    if again:
        publish(world.cloud, call, "flights/a.csv")
        publish(world.cloud, call, "airlines/a.csv")
        land(world.cloud, "flights/b.csv", "airlines/b.csv")
    else:
        land(world.cloud, *FOUR)
    world.interrupted_after = after
    options = ["--again"] if again else []
    first = operator.run("backfill", "flights", "airlines", *options, "--yes")
    assert first.exit_code != 0
    world.interrupted_after = None
    if again:
        (request,) = re.findall(r"--request ([0-9a-f]{32})", first.output)
        options += ["--request", request]
    second = operator.run("backfill", "flights", "airlines", *options, "--yes")
    assert second.exit_code == 0, second.output
    assert sorted(world.read) == sorted(FOUR), "each once"
    assert [key.split("/")[0] for key in world.read] == ["flights", "flights", "airlines", "airlines"]
    third = operator.run("backfill", "flights", "airlines", *options, "--yes")
    assert third.exit_code == 0
    assert len(world.read) == 4, "nothing is done twice"


def test_a_replay_in_between_is_not_undone_by_going_on(world: World, operator: Operator) -> None:
    land(world.cloud, "flights/a.csv")
    world.fate["flights"] = world.fail
    first = operator.run("backfill", "flights", "airlines", "--again", "--yes")
    (request,) = set(re.findall(r"--request ([0-9a-f]{32})", f"{first.output} {failure(first)}"))
    world.fate.clear()
    assert operator.run("replay", "flights", "--yes").exit_code == 0
    world.sleep(0)
    assert world.read == ["flights/a.csv"] * 2
    answer = operator.run("backfill", "flights", "airlines", "--again", "--request", request, "--yes")
    assert answer.exit_code == 0, answer.output
    assert len(world.read) == 2, "it was read for that request, and then again by the replay"


def test_a_failure_stops_before_the_next_dataset_says_what_to_do_and_holds_until_it_is_done(
    world: World, operator: Operator
) -> None:
    land(world.cloud, *FOUR)
    world.fate["flights"] = world.fail
    for _ in range(2):
        told = str(failure(operator.run("backfill", "flights", "airlines", "--yes")))
        assert told.startswith("flights: 2 files FAILED")
        assert "airlines was not begun" in told
        assert "data-pipeline replay flights" in told
        assert told.endswith("data-pipeline backfill flights airlines")
    assert not [key for key in world.read if key.startswith("airlines/")]
    world.fate.clear()
    operator.run("replay", "flights", "--yes")
    world.sleep(0)
    assert operator.run("backfill", "flights", "airlines", "--yes").exit_code == 0
    assert [key for key in world.read if key.startswith("airlines/")] == ["airlines/a.csv", "airlines/b.csv"]


@pytest.mark.parametrize("fate", ["fail", "refuse"])
def test_a_replacement_that_fails_stops_it_though_its_files_are_published_as_before(
    world: World, operator: Operator, call: Call, fate: str
) -> None:
    publish(world.cloud, call, "flights/a.csv")
    land(world.cloud, "airlines/a.csv")
    world.fate["flights"] = getattr(world, fate)
    told = str(failure(operator.run("backfill", "flights", "airlines", "--again", "--yes")))
    assert re.match(r"flights: batch flights-\S+-000002 published nothing; its files keep the rows", told)
    assert re.search(r"go on with: data-pipeline backfill airlines --again --request [0-9a-f]{32}$", told)
    assert "airlines/a.csv" not in world.read


def test_files_that_are_refused_stop_it_once_and_a_person_may_go_on(
    world: World, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(world.cloud, "flights/a.csv", "airlines/a.csv", "airlines/empty.csv")
    world.cloud.land("airlines/none.csv", b"")
    told = failure(operator.run("backfill", "airlines", "flights", "--yes"))
    assert isinstance(told, RefusedError)
    assert "airlines: 1 file refused as a whole, such as airlines/none.csv. flights was not begun." in str(told)
    assert not [key for key in world.read if key.startswith("flights/")]
    assert operator.run("backfill", "airlines", "flights", "--yes").exit_code == 0
    assert world.read[-1] == "flights/a.csv"


def test_a_paused_dataset_stops_it_with_what_to_do(world: World, operator: Operator) -> None:
    land(world.cloud, *FOUR)
    pause = Pause(dataset="flights", paused_at="2026-11-27T09:00:00+00:00", by="user/a", reason="why")
    Pauses(world.cloud.ledger).begin(pause)
    told = failure(operator.run("backfill", "flights", "airlines", "--yes"))
    assert isinstance(told, TargetError)
    assert "flights is paused since" in str(told)
    assert "data-pipeline resume flights" in str(told)
    assert world.read == []


@pytest.mark.parametrize(("timeout", "ends"), [(9, False), (600, True)])
def test_it_waits_as_long_as_it_is_told(world: World, operator: Operator, timeout: int, ends: bool) -> None:
    land(world.cloud, *FOUR)
    if not ends:
        world.fate["flights"] = lambda batch_id: None
    answered = operator.run("backfill", "flights", "--wait", "--yes", "--timeout", str(timeout))
    if ends:
        assert answered.exit_code == 0, answered.output
    else:
        assert f"did not come to an end in {timeout} s; they go on by themselves" in str(failure(answered))


def test_a_message_that_was_lost_is_sent_again(world: World, operator: Operator) -> None:
    land(world.cloud, *FOUR)
    world.loses_messages = True
    assert operator.run("backfill", "flights", "airlines", "--yes").exit_code == 0
    assert sorted(world.read) == sorted(FOUR)
    assert world.seconds >= turns.UNHEARD_SECONDS


def test_a_known_file_that_its_contract_does_not_take_any_more_is_not_waited_for_for_ever(
    world: World, operator: Operator, call: Call
) -> None:
    publish(world.cloud, call, "airlines/a.csv")
    world.cloud.move("airlines", "elsewhere/")
    ingestion._parts.cache_clear()
    # The index still says that the folder is the dataset's: its contract is newer.
    key = "contracts/index.json"
    index = json.loads(world.cloud.s3.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read())
    index["places"]["airlines/"] = "airlines"
    world.cloud.s3.put_object(Bucket=ARTIFACTS, Key=key, Body=json.dumps(index))
    told = failure(operator.run("backfill", "airlines", "flights", "--again", "--yes"))
    assert "airlines: 1 file refused as a whole, such as airlines/a.csv" in str(told)
    assert turns.UNHEARD_SECONDS * 2 <= world.seconds < turns.UNHEARD_SECONDS * 3


def test_json_has_each_dataset_with_what_it_came_to_also_where_it_stops(world: World, operator: Operator) -> None:
    land(world.cloud, *FOUR)
    world.fate["airlines"] = world.fail
    result = operator.run("backfill", "flights", "airlines", "--yes", "--json")
    # Functions that run in this process write their metrics there, too.
    document = json.loads(result.stdout[result.stdout.index("{\n") :])
    assert [(each["dataset"], each["ended"]) for each in document["datasets"]] == [
        ("flights", {"PUBLISHED": 2}),
        ("airlines", {"FAILED": 2}),
    ]
    assert result.exit_code != 0


def test_a_dry_run_shows_every_dataset_and_asks_for_nothing(world: World, operator: Operator) -> None:
    land(world.cloud, *FOUR)
    answer = operator.run("backfill", "flights", "airlines", "--dry-run")
    assert "files of flights" in answer.output
    assert "files of airlines" in answer.output
    assert operator.deliver() == 0
    document = json.loads(operator.run("backfill", "flights", "airlines", "--dry-run", "--json").stdout)
    assert [len(each["actions"]["new"]["files"]) for each in document["datasets"]] == [2, 2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["flights", "flights"], "flights: there more than once"),
        (["flights", "gates"], "no contract is deployed for 'gates'"),
        (["flights", "airlines", "--request", "0" * 32], "--request goes with --again"),
        (["flights", "airlines", "--again", "--request", "x"], "it has 32 digits"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_done(
    world: World, operator: Operator, arguments: list[str], said: str
) -> None:
    land(world.cloud, *FOUR)
    assert said in str(failure(operator.run("backfill", *arguments, "--yes")))
    assert operator.deliver() == 0
