"""Parquet files: what their footers and pages say, and what a value of theirs is written as."""

import datetime as dt
import json
import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from record_engine import limits, parquet_records

from tests.lake import Lake
from tests.robustness.bad_files import parquet

DAY = dt.date(2024, 2, 29)
BASE: tuple[tuple[str, Any], ...] = (("id", pa.array([1, 2, 3])), ("day", pa.array([DAY] * 3)))


def text(*raws: bytes) -> Any:
    """Texts that need not be any."""
    array: Any = pa.array(raws, pa.binary())
    return array.view(pa.string())


def test_text_that_is_not_utf_8_or_has_a_nul_is_quarantined_with_its_reason(lake: Lake) -> None:
    names = text(b"caf\xe9", b"caf\xc3\xa9", b"a\0b")
    for options in ({}, {"use_dictionary": False}, {"compression": "brotli"}):
        report = lake.stage({"a.parquet": parquet(*BASE, ("name", names), **options)})
        assert lake.rows(report, "id", "name") == [(2, "café")]
        rows = [(line, json.loads(raw)["name"], reasons) for _, line, raw, reasons in lake.quarantine()]
        assert rows == [(1, "caf\xe9", ["encoding"]), (3, "a\0b", ["nul_character"])]


def test_of_a_row_with_both_that_it_is_not_utf_8_is_the_reason(lake_of: Callable[..., Lake]) -> None:
    kinds = {"id": "int", "a": "string", "b": "string"}
    columns = [{"name": name, "type": kind, "required": name == "id"} for name, kind in kinds.items()]
    lake = lake_of(columns=columns, primary_key=["id"], partition_by=[])
    content = parquet(("id", pa.array([1, 2])), ("a", text(b"\0", b"\xff")), ("b", text(b"\xff", b"\0")))
    assert lake.stage({"a.parquet": content}).reasons == {"encoding": 2}


def problem(lake: Lake, content: bytes) -> str:
    [file] = lake.stage({"a.parquet": content}).files
    return (file.problem or "").partition(": ")[0]


def int96(moment: dt.datetime) -> bytes:
    """A moment as Parquet's old timestamps have it: the nanoseconds of its day, and the number of its Julian day."""
    days, time = divmod(moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.timedelta(days=1))
    return struct.pack("<qi", time // dt.timedelta(microseconds=1) * 1_000, days + 2_440_588)


def test_an_old_timestamp_of_96_bits_may_lie_beyond_what_nanoseconds_reach(lake: Lake) -> None:
    moments = [dt.datetime(1500, 2, 28, 12, 30, 0, 1, tzinfo=dt.UTC), dt.datetime(2400, 1, 1, tzinfo=dt.UTC), None]
    # pyarrow 22 writes other ones for these: others are written, and replaced.
    written = [dt.datetime(2001, 1, 1, tzinfo=dt.UTC), dt.datetime(2002, 1, 1, tzinfo=dt.UTC), None]
    values = pa.array(written, pa.timestamp("us", "UTC"))
    options = {"compression": "none", "write_statistics": False}
    content = parquet(*BASE, ("at", values), use_deprecated_int96_timestamps=True, **options)
    for before, after in zip(written, moments, strict=True):
        if before and after:
            assert content.count(int96(before)) == 1
            content = content.replace(int96(before), int96(after))
    assert [at for _, at in lake.rows(lake.stage({"a.parquet": content}), "id", "at")] == moments


def test_the_footer_says_what_is_not_supported_and_no_record_is_read(lake: Lake) -> None:
    for values in (
        pa.array([dt.time(1)] * 3),
        pa.array(np.array([1.5] * 3, np.float16)),
        pa.array([Decimal("1.5")] * 3, pa.decimal256(50, 2)),
    ):
        report = lake.stage({"a.parquet": parquet(*BASE, ("price", values))})
        assert [(file.problem, file.rows_read) for file in report.files] == [("unsupported_type:price", 0)]


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "brotli", "lz4", "zstd"])
def test_every_codec_is_read(lake: Lake, codec: str) -> None:
    assert lake.stage({"a.parquet": parquet(*BASE, compression=codec)}).counts.rows_curated == 3


ENCODINGS = [
    ("weight", "BYTE_STREAM_SPLIT"),
    ("id", "DELTA_BINARY_PACKED"),
    ("name", "DELTA_BYTE_ARRAY"),
    ("name", "DELTA_LENGTH_BYTE_ARRAY"),
]


@pytest.mark.parametrize(("name", "encoding"), ENCODINGS)
def test_every_encoding_is_read(lake: Lake, name: str, encoding: str) -> None:
    columns = (*BASE, ("weight", pa.array([1.5, 2.5, None])), ("name", pa.array(["a", "ab", None])))
    content = parquet(*columns, use_dictionary=False, column_encoding={name: encoding})
    report = lake.stage({"a.parquet": content})
    assert lake.rows(report, "id", "weight", "name") == [(1, 1.5, "a"), (2, 2.5, "ab"), (3, None, None)]


def test_a_million_rows_in_a_few_kilobytes_are_read(lake_of: Callable[..., Lake]) -> None:
    lake = lake_of(
        columns=[{"name": "id", "type": "int", "required": True}, {"name": "name", "type": "string"}],
        primary_key=["id"],
        partition_by=[],
    )
    count = 300_000
    columns = (
        ("id", pa.array(range(count), pa.int32())),
        ("name", pa.array(["https://example.com/a/long/text"] * count)),
    )
    content = parquet(
        *columns, compression="zstd", use_dictionary=["name"], column_encoding={"id": "DELTA_BINARY_PACKED"}
    )
    assert count > 50 * len(content), "as many rows for each byte as an honest encoding gives"
    assert lake.stage({"a.parquet": content}).counts.rows_curated == count


@pytest.mark.parametrize(("cells", "is_bomb"), [(2_999, True), (3_000, False), (3_001, False)])
def test_so_many_values_are_a_bomb_and_no_fewer(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, cells: int, is_bomb: bool
) -> None:
    content = parquet(("id", pa.nulls(1_500, pa.int32())), ("day", pa.nulls(1_500, pa.date32())))
    monkeypatch.setattr(limits, "MAX_EXPANSION", 0)
    monkeypatch.setattr(limits, "MAX_PARQUET_CELLS", cells)
    assert problem(lake, content) == ("parquet_bomb" if is_bomb else "")


@pytest.mark.parametrize(("most", "is_bomb"), [(99_999, True), (100_000, False)])
def test_a_dictionary_counts_as_often_as_its_texts_are_there(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, most: int, is_bomb: bool
) -> None:
    names = pa.array(["x" * 1_000] * 100)
    content = parquet(("id", pa.array(range(100))), ("day", pa.array([DAY] * 100)), ("name", names))
    monkeypatch.setattr(limits, "MAX_EXPANSION", 0)
    monkeypatch.setattr(limits, "MAX_PARQUET_BYTES", most)
    assert problem(lake, content) == ("parquet_bomb" if is_bomb else "")


def test_a_large_file_may_have_what_a_large_file_usually_has(monkeypatch: pytest.MonkeyPatch) -> None:
    few, gigabyte = {"columns": 10, "unpacked": 0}, 10**9
    assert limits.is_parquet_bomb(rows=2**30, size=1_000, **few)
    assert not limits.is_parquet_bomb(rows=2**30, size=gigabyte, **few)
    assert not limits.is_parquet_bomb(rows=20 * gigabyte, size=gigabyte, **few)
    assert limits.is_parquet_bomb(rows=20 * gigabyte + 1, size=gigabyte, **few)


def test_long_texts_are_worked_on_a_few_rows_at_a_time(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_records, "PIECE_BYTES", 2_500)
    names = pa.array(["x" * 1_000] * 20)
    content = parquet(("id", pa.array(range(1, 21))), ("day", pa.array([DAY] * 20)), ("name", names))
    report = lake.stage({"a.parquet": content})
    assert (report.counts.rows_read, report.reasons) == (20, {"max_length:name": 20})
    assert [line for _, line, _, _ in lake.quarantine()] == list(range(1, 21))


def test_noise_anywhere_in_a_file_is_unreadable_or_read_and_never_an_exception(lake: Lake) -> None:
    content = parquet(*BASE, ("name", pa.array(["some text", "more", None])), ("weight", pa.array([1.5, None, 3.0])))
    for at in range(4, len(content) - 8, 23):
        wounded = content[:at] + bytes(byte ^ 0x5A for byte in content[at : at + 9]) + content[at + 9 :]
        report = lake.stage({"a.parquet": wounded, "good.parquet": parquet(*BASE)})
        assert (
            report.counts.rows_read
            == report.counts.rows_curated + report.counts.rows_quarantined + report.counts.rows_duplicate
        ), at
        assert report.files[1].rows_read == 3, "its neighbour is read in the same run"


@pytest.mark.parametrize("found", [2, 4])
def test_a_footer_with_another_number_of_rows_is_unreadable(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, found: int
) -> None:
    rows = pa.record_batch([pa.array(range(found)), pa.array([DAY] * found)], names=["id", "day"])
    monkeypatch.setattr(parquet_records.ParquetRecords, "_row_batches", lambda _: iter([rows]))
    report = lake.stage({"a.parquet": parquet(*BASE)})
    assert [file.problem for file in report.files] == [f"unreadable: 3 rows by its footer, {found} found"]
    assert report.counts.rows_read == 0


VALUES: dict[str, tuple[Any, list[str]]] = {
    "micros": (pa.array([1_123_456], pa.timestamp("us", "UTC")), ["1970-01-01T00:00:01.123456Z"]),
    "nanos": (pa.array([1_123_456_789], pa.timestamp("ns")), ["1970-01-01T00:00:01.123456789"]),
    "seconds": (pa.array([-1], pa.timestamp("s")), ["1969-12-31T23:59:59.000000"]),
    "float32": (pa.array([0.1], pa.float32()), ["0.1"]),
    "small": (pa.array([1e-10]), ["0.0000000001"]),
    "minus-zero": (pa.array([-0.0]), ["-0.0"]),
    "decimal": (pa.array([Decimal("1E-8")], pa.decimal128(18, 8)), ["0.00000001"]),
    "day": (pa.array([dt.date(1500, 2, 28)]), ["1500-02-28"]),
    "beyond": (pa.array([2**62], pa.timestamp("us")), [f"{2**62 * 1000} nanoseconds from 1970-01-01"]),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_written_as_a_person_would(lake_of: Callable[..., Lake], name: str) -> None:
    columns = [{"name": "id", "type": "int", "required": True}, {"name": "value", "type": "string"}]
    lake = lake_of(columns=columns, primary_key=["id"], partition_by=[])
    values, expected = VALUES[name]
    report = lake.stage({"a.parquet": parquet(("id", pa.array([1])), ("value", values))})
    assert [row[0] for row in lake.rows(report, "value")] == expected
