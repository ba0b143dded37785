"""The function maintenance says which tables it left behind, and begins nothing when its time is nearly over."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from table_formats.maintenance import Done

from lambdas.maintenance import handler
from tests.unit.lambdas.conftest import ARTIFACTS, Cloud, Context


@pytest.fixture
def index(cloud: Cloud) -> None:
    document = {"datasets": ["fleet"], "promises": []}
    cloud.s3.put_object(Bucket=ARTIFACTS, Key="contracts/index.json", Body=json.dumps(document))


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
