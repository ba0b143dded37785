"""Says everything that is wrong with a pydantic model's input at once: key, value, what is allowed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One thing wrong with the configuration."""

    key: str
    value: object
    allowed: str


class BrokenRulesError(ValueError):
    """What the rules between the fields refuse."""

    def __init__(self, violations: Iterable[Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(f"{v.key} = {v.value!r}: {v.allowed}" for v in self.violations))


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
        fields = [_field_violation(model, detail) for detail in error.errors()]
    refused = {violation.key for violation in fields}
    rest = {**stand_ins, **_without(raw, "", refused)}
    try:
        model.model_validate(rest, context=context)
    except ValidationError as error:
        fields += [v for v in _rule_violations(error) if not _touches(v, refused)]
    return fields, None


def _rule_violations(error: ValidationError) -> list[Violation]:
    for detail in error.errors():
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, BrokenRulesError):
            return list(cause.violations)
    return []


def _field_violation(model: type[BaseModel], detail: Mapping[str, Any]) -> Violation:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "missing":
        return Violation(key=key, value=None, allowed="a value: it has no default")
    if detail["type"] == "extra_forbidden":
        return Violation(key=key, value=detail["input"], allowed=f"one of {_known_keys(model, detail['loc'][:-1])}")
    message = str(detail["msg"]).removeprefix("Input should be ").removeprefix("String should ")
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


def _without(value: Any, prefix: str, refused: set[str]) -> Any:
    if isinstance(value, Mapping):
        places: Iterable[tuple[Any, Any]] = value.items()
        return {
            key: _without(child, f"{prefix}{key}.", refused) for key, child in places if f"{prefix}{key}" not in refused
        }
    if isinstance(value, list):
        return [
            _without(child, f"{prefix}{place}.", refused)
            for place, child in enumerate(value)
            # an element that lost a part of its own is no element any more
            if not any(key.startswith(f"{prefix}{place}") for key in refused)
        ]
    return value


def _touches(violation: Violation, refused: set[str]) -> bool:
    return any(violation.key.startswith(key) or key.startswith(violation.key) for key in refused)
