"""Values that are written as a contract says: formats of dates, separators, currencies, words, epochs."""

import datetime as dt
import json
import random
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from tests.robustness import bad_files as bad
from tests.robustness.compare import MakeBench, agree
from tests.robustness.oracle import judge

FORMATS = {
    "date": ["dd/MM/yyyy", "d.M.yy", "yyyyMMdd", "MMM d, yyyy", "EEEE d MMMM yyyy", "dd/MM/yyyy[ HH:mm[:ss]]",
             "epoch_days", "epoch_seconds"],
    "timestamp": ["dd.MM.yyyy HH:mm", "MM/dd/yyyy hh:mm a", "yyyy-MM-dd'T'HH:mm:ss.SSSX", "dd/MM/yyyy",
                  "yyyyMMddHHmmss",
                  "EEE, d MMM yyyy HH:mm:ss Z", "yyyy-MM-ddTHH:mm:ss'Z'", "d/M/yyyy H:m[:s[.SSSSSSSSS]] z",
                  "epoch_seconds",
                  "epoch_milliseconds", "epoch_microseconds"],
}  # fmt: skip
MOMENTS = [
    *["31/01/2024", "01/31/2024", "29/02/2023", "1/2/24", "31.01.2024", "1.2.24", "01.02.24", "20240131", "20240132"],
    *["Jan 31, 2024", "JAN 1, 2024", "Wednesday 31 January 2024", "Monday 31 January 2024", "31/01/2024 00:00"],
    *["31/01/2024 00:00:00", "31/01/2024 10:00", "31.01.2024 10:30", "31.01.2024 24:00", "01/31/2024 12:05 am"],
    *["01/31/2024 12:05 PM", "01/31/2024 13:05 PM", "01/31/2024 00:05 AM", "2024-01-31T10:00:00.123Z"],
    *["2024-01-31T10:00:00.123+01:00", "2024-01-31T10:00:00.123-1830", "2024-01-31T10:00:00.12Z", "20240131100000"],
    *["Wed, 31 Jan 2024 10:00:00 +0100", "Tue, 31 Jan 2024 10:00:00 +0100", "2024-01-31T10:00:00Z", "2024-01-31"],
    *["31/1/2024 1:2 UTC", "31/1/2024 1:2:3.123456000 GMT", "31/1/2024 1:2:3.123456789 Z", "31/1/2024 1:2 CET"],
    *["0", "19753", "1709200800", "1709164800", "1709200800.5", "1709200800123", "1709200800123456", "1.7092008E9"],
    *[
        "-62135596800",
        "-62135596801",
        "253402300799",
        "253402300800",
        "1e999",
        "1e9999",
        "0e999",
        "1e-7",
        "x",
        "+5",
        "-1",
    ],
    *["31/01/2024 ", "31/01/0000", "31/01/2024\n", "2024-01-31t10:00:00z", "٣1/01/2024", "10/03/2024 02:30"],
]
NUMBERS: list[dict[str, Any]] = [
    {"decimal_separator": ","},
    {"decimal_separator": ",", "thousands_separator": "."},
    {"thousands_separator": ","},
    {"thousands_separator": "'", "currency_signs": ["CHF", "C", "$"]},
    {"thousands_separator": " ", "decimal_separator": ",", "currency_signs": ["€", "kr."]},
    {"currency_signs": ["$", "US$"]},
]
AMOUNTS = [
    *["1,5", "1.5", "1.234,56", "1,234.56", "1,234", "1.234", "12,34", "1,23,456", "1234,5", "1'234", "1 234,5", "0,5"],
    *["$5", "$ 5", "-$5", "$-5", "-$-5", "5$", "5 $", "$5$", "5-", "US$ 1.25", "$US 5", "CHF 1'234.5", "-5 CHF", "C5"],
    *[
        "€ 1 234,5",
        "1 234,5 €",
        "5\u00a0€",
        "kr. 12,5",
        "12,5 kr.",
        "1e3",
        "1,5e3",
        "1,234e1",
        ".5",
        ",5",
        "5,",
        ",",
        ".",
    ],
    *["", "-", "$", "1..2", "1,,2", ",234", "1234,567", "007", "+5", "+$5", "+ 5", "5  €", "9999,99", "9.999.999,99"],
]
WORDS: list[dict[str, Any]] = [
    {"true_words": ["Yes", "y"], "false_words": ["no", "N"]},
    {"true_words": ["x"]},
    {"true_words": ["1"], "false_words": ["2"]},
]
TRUTHS = ["yes", "YES", "y", "no", "n", "true", "false", "1", "0", "2", "x", "X", "", "1.0", "on"]


def columns(kind: str, written: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return [
        {"name": "id", "type": "bigint", "required": True},
        {"name": "v", "type": kind, "written": written, **more},
    ]


def as_files(values: list[str]) -> dict[str, bytes]:
    lines = [f'{at},"{value}"' for at, value in enumerate(values)]
    records = [json.dumps({"id": 1_000 + at, "v": value}) for at, value in enumerate(values)]
    bare = [f'{{"id":{2_000 + at},"v":{value}}}' for at, value in enumerate(values) if value in bad.JSON_NUMBERS]
    plain = [*("1.5", "1234", "12.34", "-0.5", "1e3", "1709200800", "20240131", "true", "false", "1", "null")]
    bare += [f'{{"id":{3_000 + at},"v":{value}}}' for at, value in enumerate(plain)]
    texts = bad.parquet(("id", pa.array(range(4_000, 4_000 + len(values)))), ("v", pa.array(values)))
    return {
        "a.csv": "\n".join(["id,v", *lines]).encode(),
        "a.jsonl": "\n".join(records + bare).encode(),
        "texts.parquet": texts,
    }


TYPED: dict[str, Any] = {
    "int": pa.array([1, 1234, 20240131, 1709200800, None]),
    "double": pa.array([1.5, 1234.0, 12.34, -0.5, 1e300]),
    "decimal": pa.array([Decimal(text) for text in ("1.234", "1234", "0", "0.5", "1.5")], pa.decimal128(9, 3)),
    "date": pa.array([dt.date(2024, 1, 31)] * 5),
    "timestamp": pa.array([dt.datetime(2024, 1, 31)] * 4 + [dt.datetime(2024, 1, 31, 10)]),  # noqa: DTZ001  what Parquet has without a zone
    "boolean": pa.array([True, False, None, True, False]),
}  # fmt: skip


def typed_files() -> dict[str, bytes]:
    ids = {name: pa.array(range(5_000 + 10 * at, 5_005 + 10 * at)) for at, name in enumerate(TYPED)}
    return {f"{name}.parquet": bad.parquet(("id", ids[name]), ("v", TYPED[name])) for name in TYPED}


CASES = [
    *((kind, {"format": each}, MOMENTS) for kind, formats in FORMATS.items() for each in formats),
    *((kind, each, AMOUNTS) for each in NUMBERS for kind in ("decimal(9,3)", "int", "double")),
    *(("boolean", each, TRUTHS) for each in WORDS),
]


@pytest.mark.parametrize(("kind", "written", "values"), CASES, ids=[f"{kind} {said}" for kind, said, _ in CASES])
def test_values_are_read_as_they_are_written(
    bench: MakeBench, kind: str, written: dict[str, Any], values: list[str]
) -> None:
    made = bench(columns=columns(kind, written), primary_key=["id"], partition_by=[], time_zone="America/New_York")
    agree(made, as_files(values) | typed_files())


@pytest.mark.parametrize("written", [{"decimal_separator": ",", "thousands_separator": "."}])
def test_many_values_are_read_as_few_are(bench: MakeBench, written: dict[str, Any]) -> None:
    seed = random.Random(1)
    values = [f"{seed.randrange(1_000)}.{seed.randrange(1_000):03d},{seed.randrange(100):02d}" for _ in range(5_000)]
    made = bench(columns=columns("decimal(12,2)", written), primary_key=["id"], partition_by=[])
    agree(made, as_files(values))


def values_of(made: Any, text: str) -> list[Any]:
    outcome = judge({"a.csv": text.encode()}, made.contract)["a.csv"]
    return [record.values["v"] for record in outcome.curated]


def test_a_contract_writes_its_bounds_as_usual(bench: MakeBench) -> None:
    columns_ = columns("date", {"format": "dd/MM/yyyy"}, minimum="2024-01-31", enum=["2024-01-31", "2024-02-01"])
    made = bench(columns=columns_, primary_key=["id"], partition_by=[])
    text = "id,v\n1,30/01/2024\n2,31/01/2024\n3,01/02/2024\n4,02/02/2024\n"
    agree(made, {"a.csv": text.encode()})
    assert values_of(made, text) == [dt.date(2024, 1, 31), dt.date(2024, 2, 1)]


UNAMBIGUOUS = {
    "timestamp": ["2024-01-31 10:00:00+00", "2024-01-31T10:00:00+0000", "2024-01-31 10:00:00 UTC",
                  "2024-01-31 10:00:00.000000000 Z", "2024-01-31 11:00 +01"],
    "date": ["2024-01-31 00:00:00", "2024-01-31"],
    "decimal(9,3)": [".5", "5e-1", "0.5"],
}  # fmt: skip


@pytest.mark.parametrize("kind", UNAMBIGUOUS)
def test_what_is_unambiguous_is_taken_without_any_setting(bench: MakeBench, kind: str) -> None:
    made = bench(columns=[*columns(kind, {})[:1], {"name": "v", "type": kind}], primary_key=["id"], partition_by=[])
    text = "id,v\n" + "".join(f"{at},{value}\n" for at, value in enumerate(UNAMBIGUOUS[kind]))
    agree(made, {"a.csv": text.encode()})
    found = values_of(made, text)
    assert len(found) == len(UNAMBIGUOUS[kind])
    assert len(set(found)) == 1
