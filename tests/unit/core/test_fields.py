"""A dataclass is made of a document's fields by their names and types."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from pipeline_core.fields import DocumentError, Fields


@dataclass(frozen=True, kw_only=True)
class Parcel:
    name: str
    pieces: int = 1
    kilograms: float | None = None
    is_fragile: bool = False
    marks: tuple[str, ...] = ("none",)
    words: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


FULL: dict[str, Any] = {
    "name": "a",
    "pieces": Decimal(2),
    "kilograms": 0.5,
    "is_fragile": True,
    "marks": ["x", "y"],
    "words": {"to": "b"},
    "counts": {"n": 3},
}


def test_every_field_is_read_by_its_type() -> None:
    assert Fields(FULL, "the parcel").parse(Parcel) == Parcel(
        name="a", pieces=2, kilograms=0.5, is_fragile=True, marks=("x", "y"), words={"to": "b"}, counts={"n": 3}
    )


@pytest.mark.parametrize("document", [{"name": "a"}, dict.fromkeys(FULL) | {"name": "a"}])
def test_a_field_that_is_missing_or_null_has_the_default(document: dict[str, Any]) -> None:
    assert Fields(document, "the parcel").parse(Parcel) == Parcel(name="a")


def test_a_field_without_a_default_has_to_be_there() -> None:
    with pytest.raises(DocumentError, match="the parcel has no 'name'; expected text"):
        Fields({"pieces": 1}, "the parcel").parse(Parcel)


@pytest.mark.parametrize("name", FULL)
def test_a_value_of_another_type_is_named(name: str) -> None:
    with pytest.raises(DocumentError, match=f"the parcel: '{name}' is "):
        Fields(FULL | {name: object()}, "the parcel").parse(Parcel)


def test_what_is_given_is_not_read() -> None:
    assert Fields({"name": "a", "pieces": "many"}, "the parcel").parse(Parcel, pieces=5) == Parcel(name="a", pieces=5)


def test_only_a_strict_reading_refuses_other_fields() -> None:
    document = Fields({"name": "a", "colour": "red"}, "the parcel")
    assert document.parse(Parcel) == Parcel(name="a")
    with pytest.raises(DocumentError, match="does not know: colour; it knows: name, pieces"):
        document.parse_only(Parcel)
