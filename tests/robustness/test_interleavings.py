"""Whatever happens in whatever order, and wherever a function dies: the table is that of a run in order."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from moto import mock_aws
from pipeline_core import storage

from tests.robustness.toy_pipeline import Toy, Wire, Workflow

COUNTER = itertools.count()
CLIENT = boto3.client
KEYS = [f"{part}{number}" for part in "ab" for number in range(4)]
SETTINGS = settings(
    derandomize=True,
    deadline=None,
    database=None,
    # A failing list is long already; shrinking it takes minutes.
    phases=(Phase.explicit, Phase.generate),
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

numbers = st.integers(0, 5)
landing = st.tuples(st.just("land"), st.sampled_from("xyz"), st.lists(st.sampled_from(KEYS), min_size=1, max_size=4))
plain = st.one_of(
    landing,
    st.tuples(st.just("deliver"), numbers),
    st.tuples(st.just("tick")),
    st.tuples(st.just("late_tick")),
    st.tuples(st.just("advance"), numbers),
    st.tuples(st.just("advance"), numbers),
)
crash = st.tuples(st.just("crash"), st.integers(1, 60), plain)
overtaken = st.tuples(st.just("overtaken"), st.integers(1, 60), plain, plain)
aborted = st.one_of(
    st.tuples(st.just("abort"), numbers), st.tuples(st.just("aborted within"), st.integers(1, 60), numbers)
)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    with mock_aws():
        storage.s3_client.cache_clear()
        wire = Wire()
        wire.attach()
        monkeypatch.setattr(boto3, "client", CLIENT)
        yield wire
    storage.s3_client.cache_clear()


class Play:
    """Does what a list of operations says to a pipeline."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        with wire.quiet():
            self.toy = toy = Toy(next(COUNTER), wire)
        boto3.client = lambda name, **kw: toy if name == "lambda" else CLIENT(name, **kw)  # type: ignore[assignment]

    def step(self, operation: tuple[Any, ...]) -> Callable[[], Any]:
        name, *arguments = operation
        toy = self.toy
        if name == "advance":
            return lambda: self.advance(arguments[0])
        step: Callable[..., Any] = getattr(toy, name)
        return lambda: step(*arguments)

    def advance(self, number: int) -> None:
        workflow = self.toy.workflow(number)
        if workflow is not None:
            self.toy.advance(workflow)

    def abort(self, workflow: Workflow | None) -> None:
        """The execution is stopped; EventBridge calls the error handler."""
        if workflow is not None:
            workflow.state, workflow.aborted = "recover", True
            self.toy.end(workflow)
            workflow.state = "recover"
            self.toy.advance(workflow)

    def abort_within(self, workflow: Workflow, at: int) -> None:
        """The execution is stopped in the middle of a step; the function that does the step goes on to its end."""
        stopped: list[str] = []

        def stop() -> None:
            self.abort(workflow)
            stopped.append(workflow.state)

        self.wire.run(lambda: self.toy.advance(workflow), at, stop)
        if stopped:
            workflow.state = "ended"

    def do(self, operation: tuple[Any, ...]) -> None:
        match operation:
            case ("crash", at, inner):
                self.wire.run(self.step(inner), at, None)
            case ("overtaken", at, inner, other):
                self.wire.run(self.step(inner), at, self.step(other))
            case ("abort", number):
                self.abort(self.toy.workflow(number))
            case ("aborted within", at, number):
                workflow = self.toy.workflow(number)
                if workflow is not None:
                    self.abort_within(workflow, at)
            case _:
                self.step(operation)()

    def all(self, operations: list[tuple[Any, ...]]) -> None:
        for operation in operations:
            self.do(operation)
        with self.wire.quiet():
            self.toy.finish()
            problems = self.toy.problems()
        assert not problems, problems


@SETTINGS
@given(st.lists(st.one_of(plain, plain, crash, overtaken), min_size=5, max_size=30))
def test_crashes_repetitions_and_overtaking_change_nothing(wire: Wire, operations: list[tuple[Any, ...]]) -> None:
    Play(wire).all(operations)


@SETTINGS
@given(st.lists(st.one_of(plain, plain, crash, overtaken, aborted), min_size=5, max_size=30))
def test_aborted_executions_change_nothing(wire: Wire, operations: list[tuple[Any, ...]]) -> None:
    Play(wire).all(operations)
