"""Whatever happens in whatever order, and wherever a function dies: the table is that of a run in order."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from moto import mock_aws
from pipeline_core import clients
from pipeline_core.batches import Batches

from tests.robustness.toy_pipeline import DATASET, Toy, Workflow
from tests.robustness.wire import Recovering, Wire

COUNTER = itertools.count()
CLIENT = boto3.client
KEYS = ["a0", "a1", "a2", "b0"]
SETTINGS = settings(
    derandomize=True,
    deadline=None,
    database=None,
    # A failing list is long already; shrinking it takes minutes.
    phases=(Phase.explicit, Phase.generate),
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

Operation = tuple[Any, ...]


def only(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Operation]:
    return st.tuples(st.just(name), *arguments)


def weighted(*choices: tuple[int, st.SearchStrategy[Operation]]) -> st.SearchStrategy[Operation]:
    """One of the strategies, each as often as its weight says."""
    return st.sampled_from([choice for weight, choice in choices for _ in range(weight)]).flatmap(lambda chosen: chosen)


numbers, moments = st.integers(0, 3), st.integers(1, 70)
contents = st.lists(st.sampled_from(KEYS), min_size=1, max_size=4)
arrive = only("arrive", contents)
advance, tick, late = only("advance", numbers), only("tick"), only("late_tick")
plain = weighted(
    (3, arrive),
    (1, only("put", contents)),
    (1, only("deliver", numbers)),
    (3, tick),
    (1, late),
    (9, advance),
)
working = weighted((1, tick), (1, late), (3, advance))
crash = only("crash", moments, weighted((1, only("deliver", numbers)), (5, working)))
overtaken = only("overtaken", moments, working, weighted((1, arrive), (1, only("deliver", numbers)), (4, working)))
aborted = weighted(
    (1, only("abort", numbers)),
    (2, only("aborted_within", moments, numbers)),
    (2, only("raced", moments, moments, numbers)),
)

person = weighted((2, only("pause")), (2, only("resume")), (2, only("cancel", numbers)), (1, only("mark", numbers)))
incident = weighted(
    (4, person),
    (2, only("crash", moments, person)),
    (2, only("overtaken", moments, weighted((2, tick), (1, late), (3, advance)), person)),
    (1, only("overtaken", moments, person, working)),
)


def scripts(*further: tuple[int, st.SearchStrategy[Operation]]) -> st.SearchStrategy[list[Operation]]:
    """Files arrive and a batch is begun; then anything."""
    begun = st.lists(arrive, min_size=2, max_size=4)
    then = st.lists(weighted((6, plain), (2, crash), (2, overtaken), *further), min_size=15, max_size=35)
    return st.tuples(begun, then).map(lambda parts: [*parts[0], ("tick",), ("tick",), *parts[1]])


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    with mock_aws():
        wire = Wire()
        wire.attach()
        monkeypatch.setattr(boto3, "client", CLIENT)
        yield wire


class Play:
    """Does what a list of operations says to a pipeline."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        with wire.quiet():
            self.toy = toy = Toy(next(COUNTER), wire)
        # As the fixture's monkeypatch restores: the toy plays Lambda.
        clients.forget()
        boto3.client = lambda name, **kw: toy if name == "lambda" else CLIENT(name, **kw)  # type: ignore[assignment]

    def step(self, operation: Operation) -> Callable[[], Any]:
        name, *arguments = operation
        owner = self if hasattr(self, name) else self.toy
        step: Callable[..., Any] = getattr(owner, name)
        return lambda: step(*arguments)

    def put(self, keys: list[str]) -> None:
        """A producer puts an object that was not there before; its event is late."""
        self.toy.land(f"file-{len(self.toy.landed)}", keys)

    def arrive(self, keys: list[str]) -> None:
        self.put(keys)
        self.toy.deliver(len(self.toy.landed) - 1)

    def advance(self, number: int) -> None:
        workflow = self.toy.workflow(number)
        if workflow is not None:
            self.toy.advance(workflow)

    def abort(self, number: int) -> None:
        """An execution is stopped; EventBridge calls the error handler."""
        workflow = self.toy.workflow(number)
        if workflow is not None:
            self.recover(workflow)

    def recover(self, workflow: Workflow) -> None:
        self.toy.end(workflow)
        workflow.state, workflow.aborted = "recover", True
        self.toy.advance(workflow)

    def cancel(self, number: int) -> None:
        """A person cancels a batch; its execution is stopped, and EventBridge calls the error handler."""
        workflow = self.toy.workflow(number)
        if workflow is None:
            return
        batches = Batches(self.toy.ledger)
        batch = batches.get(DATASET, workflow.batch_id)
        if batch is not None and batches.cancel(batch):
            self.recover(workflow)

    def mark(self, number: int) -> None:
        """The command dies when it has marked the batch: its execution goes on."""
        workflow = self.toy.workflow(number)
        batches = Batches(self.toy.ledger)
        batch = batches.get(DATASET, workflow.batch_id) if workflow else None
        if batch is not None:
            batches.cancel(batch)

    def aborted_within(self, at: int, number: int) -> None:
        """It is stopped in the middle of a step; the function that does the step goes on to its end."""
        self._stop_within(at, number, lambda workflow: self.recover(workflow))

    def raced(self, at: int, pause: int, number: int) -> None:
        """The same, and the error handler is the slower: at a call of its own it waits for that function's end."""
        found: list[Recovering] = []

        def begin(workflow: Workflow) -> None:
            found.append(Recovering(self.wire, lambda: self.recover(workflow), pause))
            found[0].begin()

        try:
            self._stop_within(at, number, begin)
        finally:
            for thread in found:
                thread.end()

    def _stop_within(self, at: int, number: int, stop: Callable[[Workflow], None]) -> None:
        workflow = self.toy.workflow(number)
        if workflow is None:
            return
        stopped: list[bool] = []

        def act() -> None:
            stopped.append(True)
            stop(workflow)

        self.wire.run(lambda: self.toy.advance(workflow), at, act)
        if stopped:
            workflow.state = "ended"

    def do(self, operation: Operation) -> None:
        match operation:
            case ("crash", at, inner):
                self.wire.run(self.step(inner), at, None)
            case ("overtaken", at, inner, other):
                self.wire.run(self.step(inner), at, self.step(other))
            case _:
                self.step(operation)()

    def all(self, operations: list[Operation]) -> None:
        for operation in operations:
            self.do(operation)
        with self.wire.quiet():
            self.toy.finish()
            problems = self.toy.problems()
        assert not problems, problems


@SETTINGS
@given(scripts())
def test_crashes_repetitions_and_overtaking_change_nothing(wire: Wire, script: list[Operation]) -> None:
    Play(wire).all(script)


@SETTINGS
@given(scripts((3, aborted)))
def test_aborted_executions_change_nothing(wire: Wire, script: list[Operation]) -> None:
    Play(wire).all(script)


@SETTINGS
@given(scripts((3, incident)))
def test_pauses_and_cancelled_batches_lose_nothing_and_double_nothing(wire: Wire, script: list[Operation]) -> None:
    Play(wire).all(script)


def test_no_batch_is_opened_while_it_is_paused_wherever_the_tick_was(wire: Wire) -> None:
    opened = set()
    for at in (3, 7, 11, 15, 19, 23, 30):
        play = Play(wire)
        play.do(("arrive", ["a0"]))
        play.do(("overtaken", at, ("tick",), ("pause",)))
        running = play.toy.ledger_state().running
        opened.add(len(running))
        for operation in (("arrive", ["b0"]), ("tick",), ("late_tick",)):
            play.do(operation)
        assert play.toy.ledger_state().running == running
        play.all([])
    assert opened == {0, 1}, "the pause came before a batch was opened, and after"


def test_a_claimed_version_is_read_though_it_is_overwritten_before_the_job_runs(wire: Wire) -> None:
    play = Play(wire)
    play.toy.land("same", ["a0", "a1"])
    play.all([("deliver", 0), ("tick",), ("land", "same", ["b0"])])


def test_a_batch_that_was_given_back_does_not_begin_to_publish(wire: Wire) -> None:
    # At the fourth moment processing has read the batch, which is stopped and recovered then.
    play = Play(wire)
    play.all([("arrive", ["a0", "a1"]), ("tick",), ("advance", 0), ("advance", 0), ("aborted_within", 4, 0)])
