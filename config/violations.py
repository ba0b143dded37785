"""Says everything that is wrong with a pydantic model's input at once: key, value, what is allowed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

Model = TypeVar("Model", bound=BaseModel)
Path = tuple[str, ...]
"""The parts of a key."""
SECRET = "[secret]"
"""What stands in the place of a value that nobody should see."""


SHAPES = {
    "model_type": "keys with their values, each on a line of its own below it",
    "dict_type": "keys with their values, each on a line of its own below it",
    "tuple_type": "a list, each value on a line of its own behind a dash",
}
"""What pydantic would call by the name of a class."""


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One thing wrong with the configuration."""

    key: str
    value: object
    allowed: str
    # Values of other settings, for the places {} in `allowed`: whoever shows it decides whether they may be seen.
    about: tuple[object, ...] = ()

    def rule(self, *, secret: bool = False) -> str:
        """Say what is allowed; if a setting is secret, without the values of others."""
        shown = [SECRET if secret else str(value) for value in self.about]
        return self.allowed.format(*shown) if shown else self.allowed


@dataclass(frozen=True)
class Means:
    """Beside a type's pattern or limits in `Annotated`: what is allowed, in words, which messages then say instead."""

    words: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let the type check as it does, and say it in these words."""
        return core_schema.custom_error_schema(
            handler(source), custom_error_type="not_meant", custom_error_message=self.words
        )


class BrokenRulesError(ValueError):
    """What the rules between the fields refuse."""

    def __init__(self, violations: Iterable[Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(f"{v.key} = {v.value!r}: {v.rule()}" for v in self.violations))


def printable(text: str) -> str:
    """Escape what a terminal would obey instead of showing it."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def check(
    model: type[Model], raw: Mapping[str, Any], stand_ins: Mapping[str, Any], context: Mapping[str, Any]
) -> tuple[list[Violation], Model | None]:
    """Check the fields, then the rules between those that are right, so that one run shows everything.

    `stand_ins` take the place of required fields that are wrong or missing, so that the rest can be checked.
    A model says what its rules refuse by raising BrokenRulesError in a validator; it finds `context` there.
    """
    try:
        return [], model.model_validate(raw, context=context)
    except ValidationError as error:
        broken = _rule_violations(error)
        if broken:
            return broken, None
        refused = {_path(detail) for detail in error.errors()}
        # A list whose elements are wrong is said to be too short, as well.
        wrong = [d for d in error.errors() if not any(_begins(o, _path(d)) for o in refused - {_path(d)})]
        fields = [_field_violation(model, detail) for detail in wrong]
    return [*fields, *_between(model, raw, stand_ins, context, refused)], None


def _between(
    model: type[Model],
    raw: Mapping[str, Any],
    stand_ins: Mapping[str, Any],
    context: Mapping[str, Any],
    refused: set[Path],
) -> list[Violation]:
    """Find what the rules refuse of the rest, when what is wrong by itself is taken out of it."""
    out = set(refused)
    while True:
        kept: dict[Path, list[int]] = {}
        rest = {**stand_ins, **_without(raw, (), out, kept)}
        try:
            model.model_validate(rest, context=context)
        except ValidationError as error:
            found = [replace(violation, key=_original(violation.key, kept)) for violation in _rule_violations(error)]
            if found:
                return [violation for violation in found if not _touches(violation.key, refused)]
            # A section that lacks what it cannot do without goes, too.
            more = {path[:-1] if path in out else path for path in map(_path, error.errors())}
            if () in more or more <= out:
                return []
            out |= more
        else:
            return []


def _rule_violations(error: ValidationError) -> list[Violation]:
    for detail in error.errors():
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, BrokenRulesError):
            return list(cause.violations)
    return []


def _field_violation(model: type[BaseModel], detail: Mapping[str, Any]) -> Violation:
    key = ".".join(_path(detail))
    if detail["type"] == "missing":
        return Violation(key=key, value=None, allowed="a value: it has no default")
    if detail["type"] == "extra_forbidden":
        return Violation(key=key, value=detail["input"], allowed=f"one of {_known_keys(model, detail['loc'][:-1])}")
    message = SHAPES.get(detail["type"]) or str(detail["msg"])
    message = message.removeprefix("Input should be ").removeprefix("String should ")
    return Violation(key=key, value=detail["input"], allowed=message)


def _known_keys(model: type[BaseModel], section: tuple[str | int, ...]) -> str:
    for part in section:
        if isinstance(part, str):
            model = _model_in(model.model_fields[part].annotation)
    return ", ".join(sorted(model.model_fields))


def _model_in(annotation: Any) -> type[BaseModel]:
    """Find the model in an annotation: itself, or what a sequence or an optional of it holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(_model_in(inner) for inner in get_args(annotation) if inner is not ... and inner is not type(None))


def _without(value: Any, path: Path, out: set[Path], kept: dict[Path, list[int]]) -> Any:
    """Take out what is at the paths `out`; `kept` learns the places that the elements of each list had."""
    if isinstance(value, Mapping):
        return {
            key: _without(child, (*path, str(key)), out, kept)
            for key, child in value.items()
            if (*path, str(key)) not in out
        }
    if isinstance(value, list):
        # An element that lost a part of its own is no element any more.
        kept[path] = [
            place for place in range(len(value)) if not any(_begins(other, (*path, str(place))) for other in out)
        ]
        return [_without(value[place], (*path, str(place)), out, kept) for place in kept[path]]
    return value


def _original(key: str, kept: Mapping[Path, Sequence[int]]) -> str:
    """Name the elements of lists by the places that they have in the file."""
    path: Path = ()
    for part in key.split("."):
        places = kept.get(path)
        path = (*path, part if places is None else str(places[int(part)]))
    return ".".join(path)


def _touches(key: str, refused: set[Path]) -> bool:
    """Whether something that is refused already is at the key, around it or in it."""
    path = _parts(key)
    return any(_begins(path, other) or _begins(other, path) for other in (_parts(".".join(one)) for one in refused))


def _parts(key: str) -> Path:
    """Take a key apart; one of a tag with a dot in it becomes longer, on both sides of a comparison."""
    return tuple(key.split("."))


def _begins(path: Path, with_: Path) -> bool:
    return path[: len(with_)] == with_


def _path(detail: Any) -> Path:
    """Where an error is; pydantic marks one of a key itself with a last part."""
    return tuple(str(part) for part in detail["loc"] if part != "[key]")
