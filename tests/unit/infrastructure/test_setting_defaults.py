"""A default belongs to a field: naming one setting in a stack file changes that one, and no other."""

import functools
import types
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, StringConstraints
from pydantic.fields import FieldInfo

from config.load import ConfigError, parse
from config.model import PipelineConfig
from tests.unit.infrastructure.cloud import STACKS, pipeline, stack_config

Path = tuple[str, ...]

# A setting that is refused unless another one is set, too.
BESIDE: dict[str, dict[str, Any]] = {
    "storage.raw_locked_days": {"storage": {"allow_destroy": False}},
    "security.vpc": {"glue": {"timeout_minutes": 60}},
    "lineage.api_key_parameter": {"lineage": {"url": "https://lineage.example.com"}},
    # Elsewhere it has to be a secret.
    "monitoring.slack_webhooks": {"environment": "local"},
}
SUBSCRIPTION = {"protocol": "email", "endpoint": "on-call@example.com"}
ZONES = ["eu-central-1a", "eu-central-1b"]
# What no strategy can be made of from its type.
WHOLE: dict[str, st.SearchStrategy[Any]] = {
    "datasets.demonstration": st.lists(st.from_regex(r"[a-z][a-z0-9_]{3}", fullmatch=True)),
    "monitoring.alarm_subscriptions": st.just([SUBSCRIPTION]),
    "monitoring.slack_webhooks": st.just({"data-alerts": "https://hooks.slack.com/services/T0/B0/x"}),
    "monitoring.notification_subscriptions": st.just([SUBSCRIPTION]),
    "security.vpc": st.just({"availability_zones": ZONES}),
    "tags": st.dictionaries(st.from_regex(r"x-[a-z]{1,9}", fullmatch=True), st.from_regex(r"[a-z]*", fullmatch=True)),
}


def settings_of(model: type[BaseModel], path: Path = ()) -> Iterator[tuple[Path, FieldInfo]]:
    """Every setting that can be named in a stack file, section by section."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings_of(field.annotation, (*path, name))
        elif (*path, name) != ("environment",):
            yield (*path, name), field


def sections(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield f"{model.__name__}.{name}", field
            yield from sections(field.annotation)


SETTINGS = dict(settings_of(PipelineConfig))


def nested(path: Path, value: Any) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    return dict(value)


def looked_up(tree: dict[str, Any], path: Path) -> Any:
    return functools.reduce(lambda found, key: found[key], path, tree)


def joined(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    both = {key: joined(left[key], right[key]) for key in left.keys() & right.keys()}
    return {**left, **right, **both}


def leaves(tree: dict[str, Any], path: Path = ()) -> dict[Path, Any]:
    found: dict[Path, Any] = {}
    for key, value in tree.items():
        inner = isinstance(value, dict) and (*path, key) not in SETTINGS
        found |= leaves(value, (*path, key)) if inner else {(*path, key): value}
    return found


def accepted(annotation: Any, metadata: list[Any]) -> st.SearchStrategy[Any]:
    """Values of a type, within its limits."""
    if get_origin(annotation) in (types.UnionType, Union):
        parts = [st.none() if part is type(None) else accepted(part, metadata) for part in get_args(annotation)]
        return st.one_of(*parts)
    if hasattr(annotation, "__metadata__"):
        inner, *more = get_args(annotation)
        for one in more:
            metadata = [*metadata, *(one.metadata if isinstance(one, FieldInfo) else [one])]
        return accepted(inner, metadata)
    if get_origin(annotation) is Literal:
        return st.sampled_from(get_args(annotation))
    if annotation is bool:
        return st.booleans()
    if annotation is int:
        least = next(one.ge for one in metadata if isinstance(one, annotated_types.Ge))
        most = next(one.le for one in metadata if isinstance(one, annotated_types.Le))
        return st.integers(int(str(least)), int(str(most)))
    if annotation is str:
        (pattern,) = (one.pattern for one in metadata if isinstance(one, StringConstraints) and one.pattern)
        return st.from_regex(pattern, fullmatch=True)
    if annotation is IPv4Network:
        return st.sampled_from(["10.8.0.0/20", "10.9.0.0/16"])
    raise AssertionError(f"say in WHOLE what a setting of type {annotation} may be")


@pytest.mark.parametrize("path", SETTINGS, ids=".".join)
# Rules between settings refuse much of what a type alone would take.
@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much])
@given(data=st.data())
def test_naming_one_setting_changes_that_one_and_no_other(path: Path, data: st.DataObject) -> None:
    key = ".".join(path)
    field = SETTINGS[path]
    base = {"environment": "dev", **BESIDE.get(key, {})}
    before = leaves(parse(base, "").model_dump())
    value = data.draw(WHOLE[key] if key in WHOLE else accepted(field.annotation, field.metadata))
    try:
        after = leaves(parse(joined(base, nested(path, value)), "").model_dump())
    except ConfigError:
        # A rule between settings refuses it; what is refused changes nothing.
        assume(False)
    changed = {".".join(one) for one in before if before[one] != after[one]}
    assert changed <= {key}, f"{key} = {value!r} changed other settings, too"
    assert before.keys() == after.keys()
    if not isinstance(value, dict | list):
        assert after[path] == value, "and it is what the file says"


@pytest.mark.parametrize(("section", "field"), list(sections(PipelineConfig)), ids=lambda one: str(one)[:60])
def test_a_section_that_is_not_named_has_the_defaults_of_its_fields(section: str, field: FieldInfo) -> None:
    kind = field.annotation
    assert isinstance(kind, type)
    assert field.get_default(call_default_factory=True) == kind(), (
        f"{section} has defaults in an instance: they vanish when a stack file names one of its fields"
    )


@pytest.mark.parametrize("stack", STACKS)
def test_the_functions_of_every_stack_have_the_time_and_memory_that_they_need(stack: str) -> None:
    said = stack_config(stack)["data-pipeline:settings"].get("functions", {})
    assert not any({"timeout_seconds", "memory_mb"} & set(one) for one in said.values() if isinstance(one, dict))
    found = {
        one.inputs["environment"]["variables"]["POWERTOOLS_SERVICE_NAME"]: (
            one.inputs["timeout"],
            one.inputs["memorySize"],
        )
        for one in pipeline(stack).of("lambda.Function")
    }
    assert found == {
        "ingestion": (60, 512),
        "etl_trigger": (300, 512),
        "stage": (900, 3008),
        "processing": (900, 1024),
        "query": (300, 512),
        "notification": (60, 512),
        "error_handler": (120, 512),
        "freshness": (60, 512),
        "maintenance": (900, 3008),
        # A laptop does without.
        **({} if stack == "local" else {"lineage": (60, 512)}),
    }
