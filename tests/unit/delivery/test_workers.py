"""How many processes run the tests."""

import os

import pytest

from tests.workers import GIGABYTES, automatic


@pytest.mark.parametrize(
    ("cores", "more", "gigabytes", "expected"),
    [
        (2, 0, 24, 2),
        (2, 1, 24, 3),
        (8, 0, 8 * GIGABYTES, 8),
        (8, 0, 8 * GIGABYTES - 1, 7),
        (2, 1, 3 * GIGABYTES, 3),
        (2, 1, 3 * GIGABYTES - 1, 2),
        (8, 0, 1, 1),
        (None, 0, 24, 1),
    ],
)
def test_as_many_as_there_are_cores_and_memory_for(
    cores: int | None, more: int, gigabytes: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_XDIST_AUTO_NUM_WORKERS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": gigabytes * 1024**3 // 4096}.__getitem__)
    assert automatic(more) == expected


def test_the_environment_says_another_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "3")
    assert automatic() is None
