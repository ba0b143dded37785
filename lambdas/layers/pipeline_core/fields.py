"""Reads the fields of documents that come from elsewhere, with an error that names what does not fit.

A document is an event, a message, an item of the ledger or a JSON object that another function wrote. Fields that
nobody asks for are ignored, since AWS and later releases may add some. Standard library only.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from decimal import Decimal
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, get_args

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Parsed = TypeVar("Parsed", bound="DataclassInstance")

REQUIRED: Any = MISSING
"""The default of a field that has to be there."""


class DocumentError(ValueError):
    """A document lacks a field, or has a value of the wrong type in it. It is wrong however often it is read."""


class Fields:
    """The fields of one document. A field that is null counts as missing, as AWS writes both."""

    def __init__(self, document: object, name: str) -> None:
        """Take a document, called `name` in error messages.

        Raises:
            DocumentError: it is no JSON object.
        """
        self._name = name
        if not isinstance(document, Mapping):
            raise DocumentError(f"{name} is {_shown(document)}; expected an object")
        self._document = document

    @classmethod
    def from_json(cls, text: str | bytes, name: str) -> "Fields":
        """Take a document's JSON text.

        Raises:
            DocumentError: it is no JSON, or no object.
        """
        try:
            return cls(json.loads(text), name)
        except json.JSONDecodeError as error:
            raise DocumentError(f"{name} is no JSON: {error}") from error

    def __contains__(self, field: str) -> bool:
        return self._document.get(field) is not None

    def allow_only(self, fields: Iterable[str]) -> None:
        """Refuse a document whose meaning a field may change that this release does not know.

        Raises:
            DocumentError: it has other fields; names them.
        """
        known = tuple(fields)
        if unknown := sorted(set(map(str, self._document)) - set(known)):
            raise DocumentError(
                f"{self._name} has fields that this release does not know: {', '.join(unknown)}; "
                f"it knows: {', '.join(known)}"
            )

    def parse(self, kind: type[Parsed], **given: Any) -> Parsed:
        """Make a dataclass of the fields that have the names of its own, each by its type.

        One that is missing has the dataclass's default. `given` are values that are not read so.

            batch = Fields(event, "the request to publish").parse(PublishRequest)

        Raises:
            DocumentError: a field without a default is missing, or one is of another type.
        """
        for own in fields(kind):
            if own.name not in given:
                default = own.default if own.default_factory is MISSING else own.default_factory()
                there = own.name in self or default is MISSING
                given[own.name] = _READERS[_type(own.type)](self, own.name) if there else default
        return kind(**given)

    def parse_only(self, kind: type[Parsed], **given: Any) -> Parsed:
        """Make a dataclass as `parse` does, and refuse a document with other fields."""
        self.allow_only(own.name for own in fields(kind))
        return self.parse(kind, **given)

    def text(self, field: str, default: str = REQUIRED) -> str:
        """Return a text."""
        return str(self._value(field, default, str, "text"))

    def integer(self, field: str, default: int = REQUIRED) -> int:
        """Return a whole number; DynamoDB gives Decimals, and JSON may write it with a fraction of zero."""
        value = self._value(field, default, (int, float, Decimal), "a whole number")
        if not float(value).is_integer():
            raise self._misfit(field, value, "a whole number")
        return int(value)

    def number(self, field: str, default: float = REQUIRED) -> float:
        """Return a number."""
        return float(self._value(field, default, (int, float, Decimal), "a number"))

    def flag(self, field: str, default: bool = REQUIRED) -> bool:
        """Return true or false."""
        return bool(self._value(field, default, bool, "true or false"))

    def texts(self, field: str) -> tuple[str, ...]:
        """Return a list of texts, in its order, or a set of them, sorted; none if the field is missing."""
        value = self._value(field, (), (list, tuple, set, frozenset), "a list of texts")
        if not all(isinstance(item, str) for item in value):
            raise self._misfit(field, value, "a list of texts")
        return tuple(sorted(value) if isinstance(value, set | frozenset) else value)

    def items(self, field: str, default: Sequence[Any] = REQUIRED) -> tuple["Fields", ...]:
        """Return the fields of each object of a list."""
        values = self._value(field, default, (list, tuple), "a list")
        return tuple(Fields(value, f"{self._name}: {field}[{number}]") for number, value in enumerate(values))

    def counts(self, field: str) -> dict[str, int]:
        """Return an object of whole numbers; an empty one if the field is missing."""
        inner = Fields(self._value(field, {}, Mapping, "an object"), f"{self._name}: {field}")
        return {str(name): inner.integer(name) for name in inner._document}

    def words(self, field: str, default: Mapping[str, str] = REQUIRED) -> dict[str, str]:
        """Return an object of texts."""
        inner = Fields(self._value(field, default, Mapping, "an object"), f"{self._name}: {field}")
        return {str(name): inner.text(name) for name in inner._document}

    def values(self, field: str) -> tuple[Any, ...]:
        """Return a list of anything; an empty one if the field is missing."""
        return tuple(self._value(field, (), (list, tuple), "a list"))

    def fields(self, field: str) -> "Fields":
        """Return the fields of an object that is the value of a field."""
        return Fields(self._value(field, REQUIRED, Mapping, "an object"), f"{self._name}: {field}")

    def _value(self, field: str, default: Any, kinds: Any, expected: str) -> Any:
        value = self._document.get(field)
        if value is None:
            if default is REQUIRED:
                there = ", ".join(sorted(map(str, self._document))) or "none"
                raise DocumentError(f"{self._name} has no {field!r}; expected {expected}. It has the fields: {there}")
            return default
        # To Python, true is a number.
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            raise self._misfit(field, value, expected)
        return value

    def _misfit(self, field: str, value: object, expected: str) -> DocumentError:
        return DocumentError(f"{self._name}: {field!r} is {_shown(value)}; expected {expected}")


_READERS: Mapping[Any, Callable[[Fields, str], Any]] = {
    str: Fields.text,
    int: Fields.integer,
    float: Fields.number,
    bool: Fields.flag,
    tuple[str, ...]: Fields.texts,
    dict[str, str]: Fields.words,
    dict[str, int]: Fields.counts,
}


def _type(annotation: Any) -> Any:
    """What a value of a dataclass's field is, where it is not None."""
    if isinstance(annotation, UnionType):
        (annotation,) = (kind for kind in get_args(annotation) if kind is not NoneType)
    return annotation


def _shown(value: object) -> str:
    return f"{str(value)[:200]!r} ({type(value).__name__})"
