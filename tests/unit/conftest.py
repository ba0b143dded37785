"""Of every unit test: AWS is in this process, so that nobody has to wait before a call is made again."""

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest come first, so that all processes of the tests end at about the same time."""
    items.sort(key=lambda item: item.path.stem != "test_iceberg_kills")


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))


@pytest.fixture
def in_place_of_sleep(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[float], Any]], None]:
    """Have the test's own thread call a function in place of `time.sleep`.

    Threads that an emulated service of an earlier test left behind sleep on as before, and do not call the function.
    """
    own, original = threading.get_ident(), time.sleep

    def replace(function: Callable[[float], Any]) -> None:
        def sleep(seconds: float) -> None:
            (function if threading.get_ident() == own else original)(seconds)

        monkeypatch.setattr(time, "sleep", sleep)

    return replace
