"""An emulator whose inside changed is refused at start, by name."""

import re
from types import ModuleType

import pytest

from local.patches import monkeypatch


@pytest.fixture
def ministack() -> ModuleType:
    module = ModuleType("ministack.services.glue")

    def start(data: object) -> object:
        return data

    module.__dict__.update(start=start, TABLE={})
    return module


def test_a_function_that_is_gone_is_named_with_the_release_the_adapters_know(ministack: ModuleType) -> None:
    with pytest.raises(
        monkeypatch.PatchedNameMissingError, match=re.escape("ministack.services.glue.stop is gone")
    ) as caught:
        monkeypatch.replace(ministack, "stop", "data", print)
    assert monkeypatch.WRITTEN_FOR in str(caught.value)


def test_a_function_with_other_parameters_is_not_replaced(ministack: ModuleType) -> None:
    original = ministack.start
    with pytest.raises(monkeypatch.PatchedNameMissingError, match=r"takes \(data\), not \(data, context\)"):
        monkeypatch.replace(ministack, "start", "data, context", print)
    assert ministack.start is original


def test_a_function_that_fits_is_replaced_and_handed_back(ministack: ModuleType) -> None:
    original = ministack.start
    assert monkeypatch.replace(ministack, "start", "data", print) is original
    assert ministack.start is print


def test_a_table_of_another_kind_is_refused(ministack: ModuleType) -> None:
    assert monkeypatch.value(ministack, "TABLE", dict) == {}
    with pytest.raises(monkeypatch.PatchedNameMissingError, match="is a dict, not a list"):
        monkeypatch.value(ministack, "TABLE", list)
    with pytest.raises(monkeypatch.PatchedNameMissingError, match="OTHER is gone"):
        monkeypatch.value(ministack, "OTHER", dict)
