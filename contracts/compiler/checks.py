"""Says what a contract asks for that the pipeline cannot do, by field, with what is allowed."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from zoneinfo import available_timezones

from open_data_contract_standard.model import CustomProperty, OpenDataContractStandard, ServiceLevelAgreementProperty

from contracts.compiler import dialect, table_settings

VERSION = re.compile(r"v?[0-9]{1,9}(\.[0-9]{1,9}){0,2}")

FORMATS = ("csv", "jsonl", "parquet")
MAX_FILE_BYTES = 5 * 1024**3
"""Default size limit of a landed file: 5 GiB, of which one Glue worker can still unpack and hold a gzip."""

TIME_ZONE = r"UTC|[A-Za-z]+(/[A-Za-z0-9_+-]+)+"
"""Time zones that Java knows by the same names; abbreviations such as EST are not among them."""

UNEXPECTED = ("refuse", "ignore")
"""What becomes of a file with columns that its contract does not have."""


def _is_time_zone(name: Any) -> bool:
    if not isinstance(name, str):
        return False
    # A machine without a time zone database knows no names; Spark has its own.
    known = available_timezones() or {name}
    return name in known and re.fullmatch(TIME_ZONE, name) is not None


def _are_formats(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(item in FORMATS for item in value)


_OWN: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "nullTokens": (dialect.is_null_tokens, dialect.NULL_TOKENS),
    "formats": (_are_formats, f"a list of {', '.join(FORMATS)} is needed"),
    "maxFileBytes": (lambda value: dialect.is_whole(value, 1, MAX_FILE_BYTES), f"allowed: 1 to {MAX_FILE_BYTES}"),
    "timeZone": (_is_time_zone, "it is not an IANA time zone, for example America/New_York"),
    "crawler": (dialect.is_truth, dialect.TRUTH),
    "writeMode": (
        lambda value: value in table_settings.WRITE_MODES,
        f"allowed: {', '.join(table_settings.WRITE_MODES)}",
    ),
    "unexpectedColumns": (lambda value: value in UNEXPECTED, f"allowed: {', '.join(UNEXPECTED)}"),
    "ignoredColumns": (
        dialect.is_null_tokens,
        "a list of names is needed, in which * means any text, for example ['_airbyte_*', '']",
    ),
    **{name: (setting.allows, setting.allowed) for name, setting in table_settings.SETTINGS.items()},
    **{name: (setting.allows, setting.allowed) for name, setting in dialect.SETTINGS.items()},
    **{name: (setting.allows, setting.allowed) for name, setting in dialect.VALUE_SETTINGS.items()},
}
CUSTOM_PROPERTIES = {name: allowed for name, (_, allowed) in _OWN.items()}
"""What a contract may say beyond the standard, and what is allowed there."""

LEAST_FREQUENT_HOURS = 7 * 24
"""What CloudWatch can watch in one alarm, whose periods reach back a week at most."""

HOUR = 3_600.0
LONG_UNITS = {**dict.fromkeys(("d", "day", "days"), 24 * HOUR), **dict.fromkeys(("h", "hour", "hours"), HOUR)}
SHORT_UNITS = {
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 0.001),
}
"""Units of what a contract promises, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A property of `slaProperties` that an alarm watches; `most` is seconds."""

    name: str
    units: Mapping[str, float]
    most: float
    allowed: str


FREQUENCY = Promise(
    name="frequency",
    units=LONG_UNITS,
    most=LEAST_FREQUENT_HOURS * HOUR,
    allowed=f"allowed are up to {LEAST_FREQUENT_HOURS // 24} days, which is as far as an alarm looks back; leave it "
    "out where batches come less often",
)
LATENCY = Promise(
    name="latency",
    units={**LONG_UNITS, **SHORT_UNITS},
    most=30 * 24 * HOUR,
    allowed="allowed are up to 30 days; leave it out where nothing is promised",
)
"""From the landing of a file to its rows being published."""

LEAST_LATENCY_SECONDS = 1
"""Less is promised of an interface that answers, not of files, and is not watched."""


def contract_problems(contract: OpenDataContractStandard) -> Iterator[str]:
    """Say every reason why a contract as a whole cannot be kept, as `field: what is wrong and what is allowed`."""
    if contract.kind != "DataContract":
        yield f"kind: {contract.kind!r}; allowed: DataContract"
    if not re.fullmatch(r"v3(\.[0-9]+){1,2}", contract.apiVersion or ""):
        yield f"apiVersion: {contract.apiVersion!r} is not supported; use v3.x, for example v3.1.0"
    if not VERSION.fullmatch(contract.version or ""):
        yield f"version: {contract.version!r} is not MAJOR.MINOR.PATCH, for example 1.0.0"
    if not contract.schema_:
        yield "schema: no table; a contract describes one or more"
    yield from custom_problems("customProperties", contract.customProperties or [])
    yield from _sla_problems(contract)


def full_version(version: str) -> str:
    """A version with all its three numbers: people write 1, 1.0 and v1.0.0, too."""
    return ".".join([*version.removeprefix("v").split("."), "0", "0"][:3])


def custom_problems(place: str, custom: Sequence[CustomProperty]) -> Iterator[str]:
    """Say what is wrong with the custom properties of a contract or of a table; those of other programs are theirs."""
    for item in custom:
        where, name = f"{place} ({item.property})", item.property or ""
        if name not in CUSTOM_PROPERTIES:
            if meant := misspelt(name):
                yield f"{where}: unknown; {meant} is meant? The pipeline's own are {', '.join(CUSTOM_PROPERTIES)}"
        elif not _OWN[name][0](item.value):
            yield f"{where}: {item.value!r}; {CUSTOM_PROPERTIES[name]}"
    for name, times in Counter(item.property or "" for item in custom).items():
        if times > 1 and name in CUSTOM_PROPERTIES:
            yield f"{place} ({name}): there {times} times; write it once"


def misspelt(name: str) -> str | None:
    """The custom property of the pipeline that a name is a slip of; None if it is some other program's."""
    plain = re.sub("[^a-z]", "", name.lower())
    known = {own.lower(): own for own in CUSTOM_PROPERTIES}
    found = get_close_matches(plain, known, n=1, cutoff=0.85)
    return known[found[0]] if found and len(plain) > 6 else None


def settings_of(custom: Sequence[CustomProperty]) -> dict[str, Any]:
    """The pipeline's own settings among custom properties."""
    return {item.property or "": item.value for item in custom if item.property in CUSTOM_PROPERTIES}


def _sla_problems(contract: OpenDataContractStandard) -> Iterator[str]:
    for promise in (FREQUENCY, LATENCY):
        made = [(index, sla) for index, sla in enumerate(contract.slaProperties or []) if sla.property == promise.name]
        for index, sla in made:
            for problem in _promise_problems(promise, sla):
                yield f"slaProperties.{index}: {problem}"
        for index, _ in made[1:]:
            yield f"slaProperties.{index}: a second {promise.name}; a dataset has one"


def promised(contract: OpenDataContractStandard, promise: Promise) -> float | None:
    """The seconds that a contract promises; None: it does not."""
    found = next((sla for sla in contract.slaProperties or [] if sla.property == promise.name), None)
    return None if found is None else float(found.value or 0) * promise.units[found.unit or ""]


def _promise_problems(promise: Promise, sla: ServiceLevelAgreementProperty) -> Iterator[str]:
    seconds = promise.units.get(sla.unit or "")
    if seconds is None or isinstance(sla.value, bool) or not isinstance(sla.value, int | float):
        yield f"{sla.value!r} {sla.unit!r}; a number of {', '.join(promise.units)}"
    elif not 0 < sla.value * seconds <= promise.most:
        yield f"{sla.value} {sla.unit}; {promise.allowed}"
