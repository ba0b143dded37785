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


READERS: list[tuple[str, str, Any, Any]] = [
    ("text", "text", "x", 1),
    ("integer", "a whole number", 3, "3"),
    ("number", "a number", 1.5, "1.5"),
    ("flag", "true or false", True, 1),
    ("words", "an object", {"a": "b"}, ["a"]),
]


@pytest.mark.parametrize(("reader", "expected", "value", "wrong"), READERS)
def test_each_reader_says_what_it_expects_and_has_a_default(reader: str, expected: str, value: Any, wrong: Any) -> None:
    def read(document: dict[str, Any], *default: Any) -> Any:
        return getattr(Fields(document, "the parcel"), reader)("n", *default)

    assert read({"n": value}) == value
    assert read({}, value) == value
    assert read({"n": None}, value) == value
    with pytest.raises(DocumentError) as missing:
        read({"b": 1, "a": None})
    assert str(missing.value) == f"the parcel has no 'n'; expected {expected}. It has the fields: a, b"
    with pytest.raises(DocumentError, match=r"It has the fields: none$"):
        read({})
    with pytest.raises(DocumentError) as misfit:
        read({"n": wrong})
    assert str(misfit.value) == f"the parcel: 'n' is {str(wrong)!r} ({type(wrong).__name__}); expected {expected}"


@pytest.mark.parametrize("wrong", [1.5, Decimal("0.1")])
def test_a_number_with_a_fraction_is_no_whole_number(wrong: Any) -> None:
    assert Fields({"n": Decimal("3.0")}, "the parcel").integer("n") == 3
    with pytest.raises(DocumentError) as misfit:
        Fields({"n": wrong}, "the parcel").integer("n")
    what = f"{str(wrong)!r} ({type(wrong).__name__})"
    assert str(misfit.value) == f"the parcel: 'n' is {what}; expected a whole number"


def test_lists_and_counts_are_empty_where_they_are_missing_and_say_what_is_wrong_in_them() -> None:
    none = Fields({}, "the parcel")
    assert (none.texts("n"), none.counts("n"), none.values("n")) == ((), {}, ())
    assert Fields({"n": {"b", "a"}}, "the parcel").texts("n") == ("a", "b")
    with pytest.raises(DocumentError, match=r"^the parcel: 'n' is '\[1\]' \(list\); expected a list of texts$"):
        Fields({"n": [1]}, "the parcel").texts("n")
    with pytest.raises(DocumentError, match=r"^the parcel: n: 'a' is 'x' \(str\); expected a whole number$"):
        Fields({"n": {"a": "x"}}, "the parcel").counts("n")
    with pytest.raises(DocumentError, match=r"^the parcel: 'n' is '1' \(int\); expected an object$"):
        Fields({"n": 1}, "the parcel").counts("n")
    with pytest.raises(DocumentError, match=r"^the parcel is '\[\]' \(list\); expected an object$"):
        Fields([], "the parcel")


@pytest.mark.parametrize(("length", "shown"), [(199, 199), (200, 200), (201, 200)])
def test_of_a_long_value_two_hundred_characters_are_shown(length: int, shown: int) -> None:
    with pytest.raises(DocumentError, match=rf"is '{'x' * shown}' \(str\)"):
        Fields({"n": "x" * length}, "the parcel").integer("n")
