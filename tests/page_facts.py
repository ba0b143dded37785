"""Facts of a made-up deployment, of which every text can be anything: what the page's tests show."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline_core.report import FATES

from ops.page.facts import Facts

AT = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)

SPECIAL: dict[str, Any] = {
    # What the page decides by: any text would do, but it would be another page.
    "runs[0].status": "PUBLISHED",
    "alarms[0].state": "ALARM",
    "runs[0].rows": dict.fromkeys(FATES, 3),
    "runs[0].created_at": AT - timedelta(minutes=7),
    "datasets[0].contract.table_format": "iceberg",
    "datasets[0].contract.frequency_hours": 24.0,
    "datasets[0].published_at": AT - timedelta(days=3),
    "datasets[0].watched_since": AT - timedelta(days=5),
    "datasets[0].contract.quality[0].unit": "rows",
}


def facts(payload: str = "", **changes: Any) -> Facts:
    """Facts with one of everything. Each text is where it stands (`runs[0].error`), and then the payload."""
    made: Facts = _made(Facts, "", payload)
    (run,) = made.runs
    (example,) = run.examples
    # An example is shown with the reasons of its batch.
    run = dataclasses.replace(run, examples=(dataclasses.replace(example, reasons=tuple(run.reasons)),))
    return dataclasses.replace(made, **{"runs": (run,), **changes})


def texts(facts: Facts) -> dict[str, str]:
    """The texts of facts, by where they stand."""
    return dict(_texts(facts, ""))


def many(base: Facts, datasets: int) -> Facts:
    """The facts, but of so many datasets."""
    (dataset,) = base.datasets
    names = [f"dataset_{number:03d}" for number in range(datasets)]
    return dataclasses.replace(base, datasets=tuple(dataclasses.replace(dataset, name=name) for name in names))


def _made(kind: Any, path: str, payload: str) -> Any:
    if path in SPECIAL:
        return SPECIAL[path]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return _made(next(one for one in arguments if one is not types.NoneType), path, payload)
    if origin is tuple:
        return (_made(arguments[0], f"{path}[0]", payload),)
    if origin is not None and issubclass(origin, Mapping):
        return {f"{path}{payload}": 3}
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(  # type: ignore[operator]
            **{
                field.name: _made(hints[field.name], f"{path}.{field.name}".lstrip("."), payload)
                for field in dataclasses.fields(kind)
            }
        )
    simple: dict[Any, Any] = {str: f"{path}{payload}", int: 3, float: 3.0, bool: True, datetime: AT, Any: 3}
    return simple[kind]


def _texts(value: Any, path: str) -> typing.Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from _texts(item, f"{path}[{number}]")
    elif isinstance(value, Mapping):
        for name in value:
            yield path, name
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _texts(getattr(value, field.name), f"{path}.{field.name}".lstrip("."))
