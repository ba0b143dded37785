"""What a text is taken for, one by one and many at a time."""

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_core.contract import Contract
from record_engine import checks
from record_engine.values import array_of, cast_to, certain_cast

from contracts.compiler.column_values import as_written, is_value
from tests.lake import ORDERS
from tests.robustness.bad_files import DATES, NUMBERS, TIMES
from tests.robustness.oracle.casts import cast_to as cast_by_the_text

KINDS = ("int", "bigint", "double", "decimal(6,2)", "decimal(38,10)", "decimal(4,4)", "boolean", "date", "timestamp")
ZONES = ("UTC", "America/New_York", "Europe/Paris")

numbers = st.from_regex(r"[+-]?[0-9]{0,22}(\.[0-9]{0,12})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
times = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)).flatmap(  # noqa: DTZ001  local, by definition
    lambda moment: st.sampled_from(
        [
            moment.isoformat(),
            moment.isoformat(" ", "seconds"),
            moment.isoformat(timespec="minutes") + "Z",
            moment.isoformat() + "+05:30",
            moment.isoformat() + "-18:01",
            moment.date().isoformat(),
            f"{moment.date()}T00:00:00.000",
            f"{moment.date()} 24:00",
        ]
    )
)
texts = st.one_of(
    numbers, times, st.sampled_from([*NUMBERS, *DATES, *TIMES]), st.text("0123456789-+.:TZ e\n٣", max_size=12)
)


@settings(max_examples=1_500, deadline=None, derandomize=True)
@given(text=texts, kind=st.sampled_from(KINDS), zone=st.sampled_from(ZONES))
def test_a_text_is_the_value_that_the_document_says(text: str, kind: str, zone: str) -> None:
    trimmed = text.strip(" \t")
    assert repr(cast_to(kind, zone)(trimmed)) == repr(cast_by_the_text(trimmed, kind, zone))


@settings(max_examples=1_500, deadline=None, derandomize=True)
@given(
    sample=st.lists(texts, min_size=1, max_size=4),
    kind=st.sampled_from([*KINDS, "string"]),
    zone=st.sampled_from(ZONES),
)
def test_what_is_cast_many_at_a_time_is_the_same(sample: list[str], kind: str, zone: str) -> None:
    many = certain_cast(kind, zone)
    if many is None:
        return
    values, good = many(pa.array(sample, pa.string()))
    cast = cast_to(kind, zone)
    for place, text in enumerate(sample):
        if good[place].as_py():
            assert values[place : place + 1] == array_of([cast(text.strip(" \t"))], kind), text


PLAIN = {
    "int": ["1", "-999999999", "007"],
    "bigint": ["999999999999999999"],
    "double": ["0.1", "-1e-5", "17"],
    "decimal(6,2)": ["1.5", "-9999.99", "3"],
    "date": ["2024-02-29"],
    "timestamp": ["2024-02-29T10:00:00.123456", "2024-02-29 10:00:00"],
    "string": ["ab"],
}


@pytest.mark.parametrize("kind", PLAIN)
def test_plain_values_are_cast_many_at_a_time(kind: str) -> None:
    many = certain_cast(kind, "UTC")
    assert many is not None
    assert all(many(pa.array(PLAIN[kind], pa.string()))[1].to_pylist()), "else the fast way is none"


def test_a_day_that_does_not_exist_leaves_the_others_to_be_cast_one_by_one() -> None:
    many = certain_cast("date", "UTC")
    assert many is not None
    assert many(pa.array(["2024-02-29", "2023-02-29"], pa.string()))[1].to_pylist() == [False, False]


MIDNIGHTS = ["2024-01-31", "2024-01-31T00:00", "2024-01-31 00:00:00", "2024-01-31T00:00:00.000000000"]
NONE = [
    "2024-01-31T00:00:01",
    "2024-01-31T00:00:00.001",
    "2024-01-31T00:00:00Z",
    "2024-01-31 00:00+00:00",
    "2024-01-31T",
]


def test_midnight_without_an_offset_is_a_date_and_no_other_time_is() -> None:
    cast = cast_to("date", "UTC")
    assert [cast(text) for text in MIDNIGHTS] == [dt.date(2024, 1, 31)] * len(MIDNIGHTS)
    assert [cast(text) for text in NONE] == [None] * len(NONE)


WRITTEN: list[Any] = [*NUMBERS, *DATES, "true", "FALSE", "2024-02-29 10:00", "2024-02-29 10:00+18:00", "x", ""]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("date", "timestamp")])
def test_what_a_contract_takes_for_a_value_is_one_for_the_engine(kind: str) -> None:
    cast = cast_to(kind, "UTC")
    written = [text for text in (as_written(value, kind) for value in WRITTEN) if text is not None]
    assert [cast(text) is not None for text in written] == [is_value(text, kind) for text in written]


# What the contract's page says of patterns: Python's re, ASCII, found anywhere.
PATTERNS = [
    (r"^\d+$", ["12"], ["٣", "1a"]),
    (r"^\w+$", ["cafe_1"], ["café"]),
    (r"^\s+$", [], ["\u00a0"]),
    (r"^(?u:\w)+$", ["café", "кот"], ["a b"]),
    ("(?i)^cafe$", ["CAFE"], ["CAFÉ"]),
    ("b", ["abc"], ["ac"]),
    (r"^ab\Z", ["ab"], ["abc"]),
    ("^a.b$", ["a\rb", "a\u2028b"], ["a\nb"]),
]


@pytest.mark.parametrize(("pattern", "found", "other"), PATTERNS)
@pytest.mark.parametrize("many", [0, 10**6])
def test_a_pattern_is_one_of_pythons_for_ascii(
    monkeypatch: pytest.MonkeyPatch, many: int, pattern: str, found: list[str], other: list[str]
) -> None:
    monkeypatch.setattr(checks, "MANY", many)
    columns = [{"name": "s", "type": "string", "required": True, "pattern": pattern}]
    contract = Contract.from_document({**ORDERS, "columns": columns, "primary_key": ["s"], "partition_by": []})
    texts = pa.array([*found, *other], pa.string()).dictionary_encode()
    checked = checks.Checker(contract).check({"s": checks.Texts(texts.indices, texts.dictionary)}, len(texts))
    assert checked.reasons == {len(found) + place: ["pattern:s"] for place in range(len(other))}
