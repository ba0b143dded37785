"""Bad files: no crash, no lost record, nothing published wrongly. The oracle says what is right."""

import csv
import datetime as dt
import gzip
import random

import pyarrow as pa
import pytest
from record_engine import Limits, checks

from tests.robustness import bad_files as bad
from tests.robustness.compare import MakeBench, agree

AT = dt.datetime(2024, 3, 10, 2, 30, 0, 250_000)  # noqa: DTZ001  no such time in New York


def test_every_odd_value_has_the_same_fate_in_every_format(bench: MakeBench) -> None:
    files = {
        "all.csv": bad.as_csv(bad.every_value(100_000)),
        "quoted.csv": bad.as_csv(bad.every_value(200_000), end="\r\n", quoting=csv.QUOTE_ALL),
        "all.jsonl": bad.as_jsonl(random.Random(1), bad.every_value(300_000)),
        "all.parquet": bad.text_parquet(bad.every_value(400_000)),
    }
    agree(bench(), files)


def test_hundreds_of_scrambled_files_lose_no_record(bench: MakeBench) -> None:
    files = (
        bad.many("csv/", ".csv", 50, lambda seed: bad.scrambled(seed, bad.UNQUOTED_PIECES, bad.SHORT))
        | bad.many("lines/", ".jsonl", 60, lambda seed: bad.scrambled(seed, bad.JSON_PIECES, b""))
        | bad.many("lines-gz/", ".jsonl.gz", 10, lambda seed: gzip.compress(bad.scrambled(seed, bad.JSON_PIECES, b"")))
    )
    agree(bench(**bad.SMALL), files)


def test_quotes_in_any_place_lose_no_record(bench: MakeBench) -> None:
    files = (
        bad.many("cells/", ".csv", 60, bad.rows_of_cells)
        | bad.many("gz/", ".csv.gz", 20, lambda seed: gzip.compress(bad.rows_of_cells(seed)))
        | bad.many("scrambled/", ".csv", 60, lambda seed: bad.scrambled(seed, bad.CSV_PIECES, bad.SHORT))
    )
    agree(bench(**bad.SMALL), files)


@pytest.mark.parametrize("size", [1, 2, 5, 64])
def test_where_a_file_is_cut_into_blocks_makes_no_difference(bench: MakeBench, size: int) -> None:
    made = bench(**bad.SMALL, limits=Limits(block_bytes=size, read_bytes=size))
    files = (
        bad.many("cells/", ".csv", 30, bad.rows_of_cells)
        | bad.many("gz/", ".csv.gz", 5, lambda seed: gzip.compress(bad.rows_of_cells(seed)))
        | bad.many("csv/", ".csv", 30, lambda seed: bad.scrambled(seed, bad.CSV_PIECES, bad.SHORT))
        | bad.many("lines/", ".jsonl", 20, lambda seed: bad.scrambled(seed, bad.JSON_PIECES, b""))
    )
    headed = {name: content for name, content in bad.headed().items() if "nul" not in name}
    agree(made, files | headed)


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("most", [13, 14, 15, 30])
def test_a_record_has_so_many_bytes_and_no_more(bench: MakeBench, size: int, most: int) -> None:
    made = bench(**bad.SMALL, max_record_bytes=most, limits=Limits(block_bytes=size, read_bytes=size))
    files = (
        bad.many("cells/", ".csv", 30, bad.rows_of_cells)
        | bad.many("csv/", ".csv", 30, lambda seed: bad.scrambled(seed, bad.CSV_PIECES, bad.SHORT))
        | bad.many("lines/", ".jsonl", 20, lambda seed: bad.scrambled(seed, bad.JSON_PIECES, b""))
    )
    agree(made, files)


# Spark's workers are other processes, which the patch does not reach.
@pytest.mark.parametrize("carrier_within", ["engine"], indirect=True)
def test_values_are_the_same_if_they_are_cast_many_at_a_time(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MANY", 0)
    files = {
        "all.csv": bad.as_csv(bad.every_value(100_000)),
        "all.jsonl": bad.as_jsonl(random.Random(1), bad.every_value(300_000)),
        "all.parquet": bad.text_parquet(bad.every_value(400_000)),
    }
    for name, texts in bad.SOUP.items():
        # Each by itself, too: one that Arrow refuses has all of its column cast one by one.
        for number, text in enumerate(texts):
            row = dict.fromkeys(bad.NAMES, "") | {"id": str(number), "part": "p"} | {name: text}
            files[f"{name}/{number}.csv"] = bad.as_csv(iter([row]))
    agree(bench(), files)


def test_odd_records_of_every_format_compete_for_the_same_keys(bench: MakeBench) -> None:
    files = (
        bad.many("a/", ".csv", 8, lambda seed: bad.as_csv(bad.rows(seed, 40)))
        | bad.many("b/", ".CSV.gz", 6, lambda seed: bad.gzipped_in_members(bad.as_csv(bad.rows(seed, 40), end="\r\n")))
        | bad.many("c/", ".jsonl", 8, lambda seed: bad.as_jsonl(seed, bad.rows(seed, 40)))
        | bad.many("d/", ".parquet", 6, lambda seed: bad.text_parquet(bad.rows(seed, 40)))
    )
    agree(bench(), files)


@pytest.mark.parametrize("part", range(2))
def test_every_odd_header_is_read_or_its_file_is_quarantined_whole(bench: MakeBench, part: int) -> None:
    agree(bench(**bad.SMALL), dict(list(bad.headed().items())[part::2]))


def test_local_times_that_do_not_exist_or_exist_twice_and_another_delimiter(bench: MakeBench) -> None:
    records = [row | {"seen": text} for row, text in zip(bad.every_value(0), bad.TIMES, strict=False)]
    moment = pa.array([AT, None], pa.timestamp("ms"))
    naive = bad.parquet(("id", pa.array([1001, 1002])), ("part", pa.array(["p", "p"])), ("seen", moment))
    files = {"a.csv": bad.as_csv(iter(records), delimiter=";"), "b.parquet": naive}
    agree(bench(time_zone="America/New_York", delimiter=";"), files)


@pytest.mark.parametrize("delimiter", ["\t", "|", "é"])
@pytest.mark.parametrize("size", [1, 2, 10_000])
def test_any_delimiter_splits_and_the_comma_is_data(bench: MakeBench, delimiter: str, size: int) -> None:
    def swapped(seed: random.Random) -> bytes:
        return bad.rows_of_cells(seed).replace(b"\t", b" ").replace(b",", delimiter.encode()).replace(b"'", b",")

    made = bench(**bad.SMALL, delimiter=delimiter, limits=Limits(block_bytes=size, read_bytes=size))
    agree(made, bad.many("cells/", ".csv", 20, swapped))


def test_a_long_record_is_read_and_a_too_long_one_is_quarantined(bench: MakeBench) -> None:
    limit = 16 * 1024 * 1024
    row, line = b'%d,p,"%s"\n', b'{"id":%d,"part":"p","name":"%s"}\n'
    too_long, long = limit - len(row % (1, b"")) + 2, 3 * 1024**2
    files = {
        "long.csv": bad.SHORT + b"".join(row % (n, b"x" * size) for n, size in enumerate((2, too_long, long))),
        "long.jsonl": b"".join(line % (10 + n, b"x" * size) for n, size in enumerate((2, long, 4))),
    }
    agree(bench(**bad.SMALL), files)
