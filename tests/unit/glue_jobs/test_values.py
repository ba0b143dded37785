"""What a value is taken for: exact bounds, allowed values, the text of Parquet's types, files without a line."""

import datetime as dt
import gzip
import io
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.compiler.column_values import as_written, is_value
from tests.lake import Lake

MakeLake = Callable[..., Lake]
ID = {"name": "id", "type": "int", "required": True}


def lake_with(lake_of: MakeLake, **columns: Any) -> Lake:
    """A table of a key and the given columns."""
    others = [{"name": name, **column} for name, column in columns.items()]
    return lake_of(columns=[ID, *others], primary_key=["id"], partition_by=[])


def fates(lake: Lake, values: list[tuple[str, str]]) -> list[str]:
    """What became of records that have one value each, in the column of that name: `curated`, or the reasons."""
    names = [column.name for column in lake.contract.columns[1:]]
    lines = [
        [str(number), *(text if name == column else "" for name in names)]
        for number, (column, text) in enumerate(values)
    ]
    lake.stage({"a.csv": "\n".join(",".join(line) for line in [["id", *names], *lines]).encode()})
    refused = {line: ",".join(reasons) for _, line, _, reasons in lake.quarantine()}
    return [refused.get(line, "curated") for line in range(2, 2 + len(values))]


def parquet(**columns: "pa.Array[Any]") -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


# By column: its type, its bound, the last value within and the first beyond.
BOUNDS = {
    "cents": ("decimal(20,2)", {"maximum": "12345678901234567.89"}, "12345678901234567.89", "12345678901234567.90"),
    "fine": ("decimal(38,20)", {"minimum": "0.1"}, "0.10000000000000000000", "0.09999999999999999999"),
    "wide": ("decimal(38,0)", {"maximum": "9" * 37}, "9" * 37, "1" + "0" * 37),
    "most": ("bigint", {"maximum": "9007199254740993"}, "9007199254740993", "9007199254740994"),
    "least": ("bigint", {"minimum": "-9223372036854775807"}, "-9223372036854775807", "-9223372036854775808"),
    "ratio": ("double", {"maximum": "0.1"}, "1e-1", "0.10000000000000002"),
}


def test_a_bound_is_kept_to_the_last_digit(lake_of: MakeLake) -> None:
    lake = lake_with(lake_of, **{name: {"type": kind, **bound} for name, (kind, bound, _, _) in BOUNDS.items()})
    within = [(name, value) for name, (_, _, value, _) in BOUNDS.items()]
    beyond = [(name, value) for name, (_, _, _, value) in BOUNDS.items()]
    expected = [f"{code}:{name}" for name, (_, bound, _, _) in BOUNDS.items() for code in bound]
    assert fates(lake, within + beyond) == ["curated"] * len(within) + expected


# By type: the allowed values, other ways to write them, and what is not among them.
ALLOWED = {
    "boolean": (["true"], ["true", "TRUE", "1"], ["false", "0"]),
    "int": (["1", "-2"], ["1", "+1", "01", "1.0", "-2"], ["2", "0"]),
    "double": (["0.5"], ["0.5", ".5", "5e-1"], ["0.05"]),
    "decimal(5,2)": (["0.50", "1"], ["0.5", "1.00"], ["0.51"]),
    "date": (["2024-02-29"], ["2024-02-29"], ["2024-03-01"]),
    "string": (["1", "a"], ["1", "a"], ["1.0", "A"]),
}


def test_an_allowed_value_may_be_written_in_any_way(lake_of: MakeLake) -> None:
    names = {kind: f"c{number}" for number, kind in enumerate(ALLOWED)}
    lake = lake_with(
        lake_of, **{names[kind]: {"type": kind, "enum": allowed} for kind, (allowed, _, _) in ALLOWED.items()}
    )
    same = [(names[kind], text) for kind, (_, texts, _) in ALLOWED.items() for text in texts]
    other = [(names[kind], text) for kind, (_, _, texts) in ALLOWED.items() for text in texts]
    assert fates(lake, same + other) == ["curated"] * len(same) + [f"enum:{name}" for name, _ in other]


WRITTEN = [
    *(
        "0",
        "-1",
        "+7",
        "1.0",
        "1.5",
        ".5",
        "5.",
        "1e3",
        "1e-3",
        "1e300",
        "1e400",
        "0.001",
        "99999999.99",
        "100000000.00",
    ),
    *("2147483648", "9223372036854775807", "-9223372036854775809", "9" * 38, "1_0", "NaN", "Infinity", "", "x"),
    *("true", "FALSE", "yes", "2024-02-29", "2023-02-29", "0000-01-01", "2024-1-1", "20240101", "9999-12-31"),
    *("2024-02-29 10:00", "2024-02-29T10:00:00.123456Z", "2024-02-29 10:00+18:00", "2024-02-29 10:00+18:30"),
    *("2024-02-29 25:00", "2024-02-29 10", "2024-02-29T10:00:00.1234567", "2024-02-29 10:00+0100"),
    *(
        "2024-02-29 10:00 UTC",
        "2024-02-29 10:00 Z",
        "2024-02-29 10:00+01",
        "2024-02-29 10:00 -1800",
        "2024-02-29 10:00+1801",
    ),
    *("2024-02-29 10:00:00.123456000", "2024-02-29 10:00:00.123456001", "2024-02-29 10:00+0160", "2024-02-29 10:00CET"),
]
TYPES = ["int", "bigint", "double", "decimal(10,2)", "decimal(38,0)", "boolean", "date", "timestamp"]


@pytest.mark.parametrize("kind", TYPES)
def test_what_a_contract_takes_for_a_value_is_one_for_the_job(lake_of: MakeLake, kind: str) -> None:
    # One that is none for the job would be compared with nothing, and the check would be gone without a word.
    texts = {text: as_written(text, kind) for text in WRITTEN}
    lake = lake_with(lake_of, value={"type": kind, "required": True})
    found = fates(lake, [("value", text or "") for text in texts.values()])
    assert dict(zip(WRITTEN, (fate == "curated" for fate in found), strict=True)) == {
        text: is_value(written or "", kind) for text, written in texts.items()
    }


def test_a_float_of_parquet_is_read_as_a_person_would_write_it(lake_of: MakeLake) -> None:
    columns: dict[str, tuple[str, list[float], pa.DataType]] = {
        "cents": ("decimal(10,2)", [12345678.5, 0.29, 99999999.99], pa.float64()),
        "singles": ("decimal(10,2)", [0.1, 1234.5, -0.25], pa.float32()),
        "fine": ("decimal(38,10)", [1e-10, 0.0005, 1.7e15], pa.float64()),
        "whole": ("bigint", [-0.0, 1.7e15, 2.0**53], pa.float64()),
        "ratio": ("double", [5e-324, 1e-38, 1e300], pa.float64()),
        "text": ("string", [0.00025, 1e7, 1e22], pa.float64()),
    }
    lake = lake_with(lake_of, **{name: {"type": kind} for name, (kind, _, _) in columns.items()})
    arrays = {name: pa.array(values, kind) for name, (_, values, kind) in columns.items()}
    report = lake.stage({"a.parquet": parquet(id=pa.array([1, 2, 3]), **arrays)})
    assert report.counts.rows_curated == 3
    _, *read = zip(*lake.rows(report, "id", *columns), strict=True)
    assert read == [
        (Decimal("12345678.50"), Decimal("0.29"), Decimal("99999999.99")),
        (Decimal("0.1"), Decimal("1234.5"), Decimal("-0.25")),
        (Decimal("1E-10"), Decimal("0.0005"), Decimal(1_700_000_000_000_000)),
        (0, 1_700_000_000_000_000, 2**53),
        (5e-324, 1e-38, 1e300),
        ("0.00025", "10000000.0", "10000000000000000000000.0"),
    ]


def test_old_timestamps_of_96_bits_are_read_as_they_are(lake_of: MakeLake) -> None:
    lake = lake_with(lake_of, value={"type": "timestamp"})
    moments = [dt.datetime(1800, 1, 1, tzinfo=dt.UTC), dt.datetime(1500, 2, 28, 12, 30, 0, 1, tzinfo=dt.UTC)]
    buffer = io.BytesIO()
    table = pa.table({"id": pa.array([1, 2]), "value": pa.array(moments, pa.timestamp("us", "UTC"))})
    pq.write_table(table, buffer, use_deprecated_int96_timestamps=True)
    report = lake.stage({"a.parquet": buffer.getvalue()})
    assert report.counts.rows_curated == 2
    assert lake.rows(report, "id", "value") == [(1, moments[0]), (2, moments[1])]


def test_a_quarantined_row_of_parquet_is_kept_whole(lake_of: MakeLake) -> None:
    moments: dict[str, tuple[list[Any], pa.DataType, str | None]] = {
        "micros_utc": ([1_123_456], pa.timestamp("us", "UTC"), "1970-01-01T00:00:01.123456Z"),
        "micros": ([1_123_456], pa.timestamp("us"), "1970-01-01T00:00:01.123456"),
        "nanos_utc": ([1_123_456_789], pa.timestamp("ns", "UTC"), "1970-01-01T00:00:01.123456789Z"),
        "nanos": ([1_123_456_789], pa.timestamp("ns"), "1970-01-01T00:00:01.123456789"),
        "day": ([dt.date(1500, 2, 28)], pa.date32(), "1500-02-28"),
        "nothing": ([None], pa.timestamp("ns"), None),
    }
    lake = lake_with(lake_of, **{name: {"type": "boolean"} for name in moments})
    arrays = {name: pa.array(values, kind) for name, (values, kind, _) in moments.items()}
    lake.stage({"a.parquet": parquet(id=pa.array([1]), **arrays)})
    [(_, _, record, reasons)] = lake.quarantine()
    assert reasons == sorted(f"type:{name}" for name in moments if name != "nothing")
    assert json.loads(record) == {"id": 1} | {name: kept for name, (_, _, kept) in moments.items()}


def test_a_file_without_a_line_has_no_records(lake: Lake) -> None:
    report = lake.stage(
        {
            "bom.csv": b"\xef\xbb\xbf",
            "bom.jsonl": b"\xef\xbb\xbf",
            "nothing.csv.gz": gzip.compress(b""),
            "nothing.jsonl.gz": gzip.compress(b""),
            "bom.jsonl.gz": gzip.compress(b"\xef\xbb\xbf"),
            "good.csv": b"id,day\n1,2024-02-29\n",
        }
    )
    assert (report.counts.rows_read, report.counts.rows_curated) == (1, 1)
    problems = {file.key: file.problem for file in report.files}
    no_header = "missing_column:id, missing_column:day"
    assert problems == dict.fromkeys(problems) | {"bom.csv": no_header, "nothing.csv.gz": no_header}
