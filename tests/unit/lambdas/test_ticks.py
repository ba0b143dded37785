"""A tick is never missing, whoever dies and whenever; a burst is one batch; what waited is claimed at a batch's end."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from pipeline_core.ledger import Ledger
from pipeline_core.ticks import Ticks

from lambdas.ingestion import handler as ingestion
from tests.unit.lambdas.conftest import TABLE, Cloud
from tests.unit.lambdas.test_batches import decide, land, one_batch
from tests.unit.lambdas.test_recovery import fail, spark_dies

Call = Callable[..., Any]
WINDOW = 10


class Killed(BaseException):
    """The function is gone: nothing of it catches this."""


class Queue:
    """The queue of ticks, by a clock of the test: what was sent, when it is delivered, and what was not deleted."""

    def __init__(self) -> None:
        self.now, self.sent = 1_000_000.0, list[dict[str, Any]]()
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None

    def send_message(self, QueueUrl: str, MessageBody: str, DelaySeconds: int) -> None:  # noqa: N803  boto3's names
        assert 0 <= DelaySeconds <= 900, "SQS takes no more"
        self.before()
        self.sent.append({"body": MessageBody, "at": self.now + DelaySeconds, "deliveries": 0})
        self.after()

    def visible(self) -> list[dict[str, Any]]:
        return [message for message in self.sent if message["at"] <= self.now]

    def event(self, message: dict[str, Any]) -> dict[str, Any]:
        """The function's event of a message, as AWS builds it."""
        message["deliveries"] += 1
        attributes = {"ApproximateReceiveCount": str(message["deliveries"])}
        return {"Records": [{"messageId": "m", "body": message["body"], "attributes": attributes}]}


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch, call: Call) -> Queue:
    """The functions' queue and their clock; `call` comes first, and with it the rest of AWS."""
    queue, others = Queue(), boto3.client
    monkeypatch.setattr(boto3, "client", lambda name, **kw: queue if name == "sqs" else others(name, **kw))
    monkeypatch.setattr(Ticks, "_now", lambda _: int(1_000 * queue.now))
    return queue


def deliver(queue: Queue, call: Call) -> list[list[str]]:
    """Deliver what is visible, once each and in order; returns the batches that each message started."""
    found = []
    for message in queue.visible():
        found.append(call("etl_trigger", queue.event(message))["batches"])
        queue.sent.remove(message)
    return found


def members(cloud: Cloud, dataset: str, batch_id: str) -> list[str]:
    return [file.key for file in cloud.manifest(dataset, batch_id).files]


def test_a_burst_sends_one_tick_and_is_one_batch(cloud: Cloud, call: Call, queue: Queue) -> None:
    for second in (0, 4, 5.5):
        queue.now += second
        land(cloud, call, f"airlines/{second}.csv")
    (message,) = queue.sent
    assert message["at"] == 1_000_000 + WINDOW + 1, "the window, and a second for the index to follow"
    queue.now = message["at"] - 1 / 1_000
    assert deliver(queue, call) == [], "not before"
    queue.now = message["at"]
    ((batch_id,),) = deliver(queue, call)
    assert members(cloud, "airlines", batch_id) == ["airlines/0.csv", "airlines/4.csv", "airlines/5.5.csv"]


@pytest.mark.parametrize(("after", "ticks"), [(9.999, 1), (10, 2), (10.001, 2)])
def test_a_file_after_the_window_has_a_tick_of_its_own(
    cloud: Cloud, call: Call, queue: Queue, after: float, ticks: int
) -> None:
    land(cloud, call, "airlines/a.csv")
    queue.now += after
    land(cloud, call, "airlines/b.csv")
    assert len(queue.sent) == ticks


def test_each_dataset_has_a_window_of_its_own(cloud: Cloud, call: Call, queue: Queue) -> None:
    land(cloud, call, "airlines/a.csv", "flights/a.csv", "airlines/b.csv")
    assert [json.loads(message["body"])["dataset"] for message in queue.sent] == ["airlines", "flights"]


def test_what_nobody_wants_sends_no_tick(cloud: Cloud, call: Call, queue: Queue) -> None:
    land(cloud, call, "airlines/_SUCCESS", "nobody/a.csv")
    call("ingestion", {"Records": [cloud.land("airlines/a.csv", b"%PDF-1.7 no table")]})
    assert queue.sent == []


def test_a_file_that_is_asked_for_again_sends_a_tick_even_if_ingestion_died_before(
    cloud: Cloud, call: Call, queue: Queue
) -> None:
    record = cloud.land("airlines/a.csv", b"carrier,name\n")
    call("ingestion", {"Records": [record]})
    queue.now += 100
    ((batch_id,),) = deliver(queue, call)
    cloud.stage(cloud.manifest("airlines", batch_id))
    decide(call, batch_id)
    queue.now += 100
    assert deliver(queue, call) == [[]]
    call("ingestion", {"Records": [record]})
    assert queue.sent == [], "a published file waits for nothing"
    asked = {**json.loads(record["body"]), "replay": {"what": "again", "id": "r"}}
    again = {**record, "body": json.dumps(asked)}
    queue.before = killed
    with pytest.raises(Killed):
        call("ingestion", {"Records": [again]})
    queue.before = lambda: None
    call("ingestion", {"Records": [again]})
    assert len(queue.sent) == 1


def killed() -> None:
    raise Killed


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_ingestion_that_dies_beside_its_tick_sends_one_when_its_message_comes_again(
    cloud: Cloud, call: Call, queue: Queue, moment: str
) -> None:
    record = cloud.land("airlines/a.csv", b"carrier,name\n")
    setattr(queue, moment, killed)
    with pytest.raises(Killed):
        call("ingestion", {"Records": [record]})
    setattr(queue, moment, lambda: None)
    queue.now += 400
    call("ingestion", {"Records": [record]})
    assert [message["at"] - queue.now for message in queue.sent][-1] == WINDOW + 1
    queue.now += 100
    assert sum(len(batches) for batches in deliver(queue, call)) == 1


def test_racing_ingestions_send_several_ticks_that_are_one_batch(
    cloud: Cloud, call: Call, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where several batches may run, the second tick could take what the first has not claimed yet.
    monkeypatch.setenv("MAX_CONCURRENT_BATCHES", "5")
    other = cloud.land("airlines/b.csv", b"carrier,name\n")

    def overtaken() -> None:
        queue.before = lambda: None
        call("ingestion", {"Records": [other]})

    queue.before = overtaken
    land(cloud, call, "airlines/a.csv")
    assert len(queue.sent) == 2
    queue.now += 100
    first, second = queue.visible()
    started = call("etl_trigger", queue.event(first))["batches"]
    # Claimed, but the index is late: it still shows both.
    assert not Ticks(ledger=Ledger(TABLE)).take("airlines", json.loads(second["body"])["due_at_ms"])
    assert call("etl_trigger", queue.event(second))["batches"] == []
    assert len(started) == 1
    assert members(cloud, "airlines", started[0]) == ["airlines/a.csv", "airlines/b.csv"]


def test_a_tick_that_is_delivered_again_is_carried_out_though_another_one_began_meanwhile(
    cloud: Cloud, call: Call, queue: Queue
) -> None:
    land(cloud, call, "airlines/a.csv")
    queue.now += 100
    (message,) = queue.sent
    due = json.loads(message["body"])["due_at_ms"]
    # It was begun, and the function died at once.
    queue.event(message)
    assert Ticks(ledger=Ledger(TABLE)).take("airlines", due)
    assert deliver(queue, call)[0] != []


@pytest.mark.parametrize(("apart", "carried_out"), [(-1, True), (499, True), (500, False), (501, False)])
def test_a_tick_is_superfluous_when_another_one_began_half_a_second_after_it_was_due(
    cloud: Cloud, queue: Queue, apart: int, carried_out: bool
) -> None:
    ticks, due = Ticks(ledger=Ledger(TABLE)), int(1_000 * queue.now)
    queue.now += apart / 1_000
    assert ticks.take("airlines", due - 10**6)
    queue.now += 5
    assert ticks.take("airlines", due) is carried_out


def test_a_tick_of_a_dataset_whose_contract_is_gone_is_no_error(cloud: Cloud, call: Call, queue: Queue) -> None:
    land(cloud, call, "airlines/a.csv")
    cloud.s3.put_object(Bucket="artifacts-b", Key="contracts/index.json", Body=json.dumps({"datasets": ["flights"]}))
    queue.now += 100
    assert deliver(queue, call) == [[]]


@pytest.mark.parametrize("end", ["PUBLISHED", "QUARANTINED", "FAILED", "SPLIT"])
def test_what_landed_while_a_batch_ran_is_claimed_when_it_ends(
    cloud: Cloud, call: Call, queue: Queue, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_FILES_PER_BATCH", "10")
    batch_id, manifest = one_batch(cloud, call, "airlines/a.csv", "airlines/b.csv")
    land(cloud, call, "airlines/c.csv")
    queue.now += 100
    assert [batch for batches in deliver(queue, call) for batch in batches] == [], "the dataset is full"
    if end == "PUBLISHED":
        cloud.stage(manifest)
        assert decide(call, batch_id)["verdict"] == end
    elif end == "QUARANTINED":
        cloud.stage(manifest, curated=1, quarantined=1)
        assert decide(call, batch_id)["verdict"] == end
    elif end == "FAILED":
        assert fail(call, batch_id, Error="KeyError", Cause="x") == end
    else:
        assert spark_dies(cloud, call, batch_id) == end
    assert any(message["at"] == queue.now + 1 for message in queue.sent), "at once"
    queue.now += 1
    started = [batch for batches in deliver(queue, call) for batch in batches]
    assert len(started) == 1


def test_a_file_that_is_given_back_is_tried_when_it_may_be_and_not_on_schedule(
    cloud: Cloud, call: Call, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRY_SECONDS", "300")
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    queue.now += 100
    deliver(queue, call)
    assert fail(call, batch_id, Error="States.Timeout", Cause="slow") == "RELEASED"
    delays = sorted(message["at"] - queue.now for message in queue.sent)
    assert delays == [1, 301], "other files wait for the batch's end, these for longer"


def test_a_wait_that_is_longer_than_sqs_allows_is_left_to_the_schedule(cloud: Cloud, queue: Queue) -> None:
    ticks = Ticks(ledger=Ledger(TABLE))
    for seconds in (899, 900):
        ticks.send_later("airlines", seconds)
    assert [message["at"] - queue.now for message in queue.sent] == [900]
    (sent,) = [json.loads(message["body"]) for message in queue.sent]
    assert sent == {"dataset": "airlines", "due_at_ms": int(1_000 * (queue.now + 899))}


def test_the_end_of_a_batch_cuts_no_burst_in_two(cloud: Cloud, call: Call, queue: Queue) -> None:
    batch_id, manifest = one_batch(cloud, call, "airlines/a.csv")
    queue.now += 100
    deliver(queue, call)
    land(cloud, call, "airlines/b.csv")
    cloud.stage(manifest)
    decide(call, batch_id)
    queue.now += 5
    assert deliver(queue, call) == []
    land(cloud, call, "airlines/c.csv")
    queue.now += 6
    ((second,),) = deliver(queue, call)
    assert members(cloud, "airlines", second) == ["airlines/b.csv", "airlines/c.csv"]


@pytest.mark.parametrize("function", ["processing", "error_handler"])
def test_a_function_that_dies_after_it_concluded_a_batch_sends_its_tick_when_it_is_called_again(
    cloud: Cloud, call: Call, queue: Queue, function: str
) -> None:
    batch_id, manifest = one_batch(cloud, call, "airlines/a.csv")
    cloud.stage(manifest)
    queue.now += 100
    deliver(queue, call)

    def end() -> Any:
        if function == "processing":
            return decide(call, batch_id)
        return fail(call, batch_id, Error="KeyError", Cause="x")

    queue.before = killed
    with pytest.raises(Killed):
        end()
    assert cloud.batches.state("airlines").running == frozenset()
    queue.before = lambda: None
    end()
    assert len(queue.sent) == 1


class Bursts(RuleBasedStateMachine):
    """Events, ticks, deaths and time in any order, against the ledger of moto; each file has to be claimed in time.

    The index of pending files is late by up to half a second, and ingestion's message comes again when it died.
    """

    cloud: Cloud
    queue: Queue
    number = 0

    @initialize()
    def begin(self) -> None:
        Bursts.number += 1
        self.dataset = f"toy-{Bursts.number}"
        self.queue.sent.clear()
        self.ticks = Ticks(ledger=self.cloud.ledger, queue_url="ticks")
        self.pending: dict[int, float] = {}
        self.redelivered: dict[int, float] = {}
        self.overdue: dict[int, float] = {}
        self.files = 0

    def arm(self, file: int, dies: str) -> None:
        """What ingestion does when the file is in the ledger, and where it dies."""
        self.pending.setdefault(file, self.queue.now)
        self.redelivered.pop(file, None)
        if dies == "first":
            self.redelivered[file] = self.queue.now + 5
            return
        setattr(self.queue, dies or "unused", killed)
        try:
            self.ticks.arm(self.dataset, WINDOW)
        except Killed:
            self.redelivered[file] = self.queue.now + 5
        finally:
            self.queue.before = self.queue.after = lambda: None

    @rule(dies=st.sampled_from(["", "", "", "first", "before", "after"]))
    def lands(self, dies: str) -> None:
        self.files += 1
        self.arm(self.files, dies)

    @rule(milliseconds=st.sampled_from([1, 400, 600, 2_000, 9_000, 11_000]))
    def time_passes(self, milliseconds: int) -> None:
        self.queue.now = round(self.queue.now + milliseconds / 1_000, 3)
        for file, at in list(self.redelivered.items()):
            if at <= self.queue.now:
                self.arm(file, "")
        for message in self.queue.visible():
            self.carry_out(message, dies=False)

    @rule(milliseconds=st.sampled_from([2_000, 11_000]))
    def time_passes_and_the_trigger_dies(self, milliseconds: int) -> None:
        self.queue.now = round(self.queue.now + milliseconds / 1_000, 3)
        for place, message in enumerate(self.queue.visible()):
            self.carry_out(message, dies=place == 0)

    def carry_out(self, message: dict[str, Any], *, dies: bool) -> None:
        again, message["deliveries"] = message["deliveries"] > 0, message["deliveries"] + 1
        wanted = self.ticks.take(self.dataset, json.loads(message["body"])["due_at_ms"]) or again
        if dies:
            message["at"] = self.queue.now + 20
            return
        if wanted:
            self.pending = {file: at for file, at in self.pending.items() if at > self.queue.now - 0.5}
        self.queue.sent.remove(message)

    @invariant()
    def every_file_has_a_tick_ahead_or_an_event_that_comes_again(self) -> None:
        if not hasattr(self, "pending"):
            return
        for file, at in self.pending.items():
            sure = [m for m in self.queue.sent if m["at"] >= at + 0.5]
            assert sure or file in self.redelivered, f"file {file} of {at} waits for nothing: {self.queue.sent}"


def test_no_tick_is_lost_whoever_dies_and_whenever(cloud: Cloud, queue: Queue) -> None:
    Bursts.cloud, Bursts.queue = cloud, queue
    run_state_machine_as_test(
        Bursts,
        settings=settings(
            max_examples=60,
            stateful_step_count=25,
            derandomize=True,
            deadline=None,
            database=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_window_is_read_from_the_functions_environment(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINDOW_SECONDS", "77")
    assert ingestion._parts()[0].window_seconds == 77
