"""Parquet as nobody should deliver it. The oracle says what is right."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from tests.robustness import bad_files as bad
from tests.robustness.compare import MakeBench, agree

DAY = dt.date(2024, 2, 29)
AT = dt.datetime(2024, 3, 10, 2, 30, 0, 250_000)  # noqa: DTZ001  no such time in New York
# The ends of the calendar; Parquet says whether they have a zone.
FIRST, LAST = dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)  # noqa: DTZ001  a zone would go beyond them


def three(*values: Any, kind: Any = None) -> "pa.Array[Any]":
    array: pa.Array[Any] = pa.array(values, kind)
    return array


PARQUET = {
    "small": ("legs", three(1, -2, None, kind=pa.int8())),
    "unsigned": ("id", three(1, 2, 2**64 - 1, kind=pa.uint64())),
    "whole-floats": ("id", three(1.0, 2.5, None)),
    "float32": ("weight", three(1.5, float("nan"), float("-inf"), kind=pa.float32())),
    "doubles": ("weight", three(-0.0, 5e-324, 1.7976931348623157e308)),
    "float-prices": ("price", three(0.1, 1234.5, 0.125, kind=pa.float32())),
    "double-prices": ("price", three(0.29, 1e-5, 9999.99)),
    "great-doubles": ("big", three(12345678.5, 1.7e15, 1e28)),
    "small-doubles": ("big", three(0.0005, 1e-10, 1.5e-10)),
    "great-whole-doubles": ("id", three(1.7e15, 2.0**53, 9.3e18)),
    "booleans": ("tame", three(True, False, None)),
    "booleans-as-ints": ("legs", three(True, False, None)),
    "ints-as-booleans": ("tame", three(0, 1, 2)),
    "dates": ("born", three(DAY, None, dt.date(1, 1, 1))),
    "dates-as-text": ("born", three("2024-02-29", "2023-02-29", " 2024-02-29 ")),
    "dates-for-times": ("seen", three(DAY, None, DAY)),
    "times-for-dates": ("born", three(AT, None, AT, kind=pa.timestamp("us"))),
    "naive": ("seen", three(AT, None, LAST, kind=pa.timestamp("us"))),
    "zoned": ("seen", three(AT, None, FIRST, kind=pa.timestamp("us", "UTC"))),
    "zoned-elsewhere": ("seen", three(AT, None, AT, kind=pa.timestamp("ms", "Asia/Tokyo"))),
    "decimals": ("price", three(Decimal("1.50"), Decimal("-0.01"), Decimal("12345.00"), kind=pa.decimal128(9, 2))),
    "finer-decimals": ("price", three(Decimal("1.50000"), Decimal("1.23400"), None, kind=pa.decimal128(12, 5))),
    "wide-decimals": ("big", three(Decimal(10**27), Decimal(10**28), None, kind=pa.decimal128(38, 0))),
    "dictionary": ("name", three("ab", "ab", "").dictionary_encode()),
    "large-text": ("name", three("a,b", 'a"b\n', "\ud7ff\x00".replace("\x00", "\x01"), kind=pa.large_string())),
    "nothing": ("name", pa.nulls(3)),
    "list": ("name", three(["a"], [], None)),
    "struct": ("name", three({"a": 1}, None, {"a": 2})),
    "map": ("name", three([("a", 1)], None, [], kind=pa.map_(pa.string(), pa.int64()))),
    "bytes": ("name", three(b"ab", b"\xff", None)),
    "extra": ("colour", three("red", None, "")),
    "blank-twice": ("name ", three("ab", None, "")),
    "odd-name": ("a.b c;d", three("ab", None, "")),
}


def odd_parquet() -> dict[str, bytes]:
    files = {}
    for number, (name, (column, values)) in enumerate(PARQUET.items()):
        columns = {"id": three(*range(10 * number, 10 * number + 3)), "part": three("p", "q", "p"), column: values}
        if name == "blank-twice":
            columns["name"] = values
        files[f"{name}.parquet"] = bad.parquet(*columns.items(), row_group_size=2)
    good = files["small.parquet"]
    return files | {
        "no-rows.parquet": bad.parquet(("id", pa.array([], pa.int64())), ("part", pa.array([], pa.string()))),
        "no-rows-wrong.parquet": bad.parquet(("colour", pa.array([], pa.string()))),
        "no-key.parquet": bad.parquet(("part", three("p", "q", "p"))),
        "truncated.parquet": good[:-20],
        "without-head.parquet": good[-20:],
        "text.parquet": b"id,part\n1,p\n",
        "two-magic-words.parquet": b"PAR1\x00\x00\x00\x00PAR1",
        "footer-too-long.parquet": b"PAR1" + b"x" * 50 + b"\xff\xff\xff\x7fPAR1",
    }


@pytest.mark.parametrize("part", range(2))
def test_parquet_with_other_types_columns_and_wounds(bench: MakeBench, part: int) -> None:
    agree(bench(), dict(list(odd_parquet().items())[part::2]))
