"""CSV as everybody else reads it: where three of Python's csv, pandas, DuckDB and Spark agree, so does the engine."""

import csv
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.lake import Lake

HEADER = "a,b,c\n"
NAMES = ["a", "b", "c"]
CELLS = [
    *["1", "x y", "", "ab", '5" pipe', 'a"b"c', "it's", "\\", 'a\\"', "é😀", "a;b", "#1", "NA", "null", "-"],
    *[
        '"a"',
        '"a,b"',
        '"a""b"',
        '""""',
        '""',
        '"a\nb"',
        '"\n\n"',
        '"a\n""\n,b"',
        '"a\r\nb"',
        '"it\'s"',
        '"\\"',
        '"5"""',
    ],
]

Rows = list[tuple[str, ...]]
Read = Callable[[Path], Rows]


def with_csv(path: Path) -> Rows:
    with path.open(newline="", encoding="utf-8") as file:
        return [tuple(row) for row in list(csv.reader(file))[1:] if row]


def with_pandas(path: Path) -> Rows:
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    return [tuple(row) for row in frame.itertuples(index=False)]


def with_duckdb(path: Path) -> Rows:
    query = "SELECT * FROM read_csv(?, header=true, auto_detect=false, delim=',', quote='\"', escape='\"', columns=?)"
    found = duckdb.execute(query, [str(path), dict.fromkeys(NAMES, "VARCHAR")]).fetchall()
    return [tuple(value or "" for value in row) for row in found]


READERS: dict[str, Read] = {"csv": with_csv, "pandas": with_pandas, "duckdb": with_duckdb}


def made(seed: random.Random) -> str:
    """A file in which every record has three values, quoted where they need it, or as nobody should."""
    end = seed.choice(["\n", "\n", "\r\n"])
    lines = [",".join(seed.choices(CELLS, k=3)) for _ in range(seed.randrange(1, 30))]
    lines = [line for line in lines if line != ",,"]
    return (HEADER + "".join(line + "\n" for line in lines)).replace("\r\n", "\n").replace("\n", end)


def opinions(path: Path) -> Rows | None:
    """What all these readers agree on; None where one does not, or refuses the file."""
    found = []
    for read in READERS.values():
        try:
            found.append(read(path))
        except (csv.Error, pd.errors.ParserError, duckdb.Error):
            return None
    return found[0] if all(rows == found[0] for rows in found) else None


@pytest.fixture
def texts(lake_of: Callable[..., Lake]) -> Lake:
    """A table that takes every row of three texts, once."""
    columns = [{"name": "line", "type": "int"}, *({"name": name, "type": "string"} for name in NAMES)]
    return lake_of(columns=columns[1:], primary_key=["a", "b", "c"], partition_by=[], null_tokens=["\0"])


def test_where_the_others_agree_the_engine_does_too(texts: Lake, tmp_path: Path) -> None:
    agreed = 0
    for number in range(300):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(made(random.Random(f"others {number}")).encode())
        expected = opinions(path)
        if expected is None:
            continue
        agreed += 1
        report = texts.stage({"a.csv": path.read_bytes()})
        assert report.counts.rows_read == len(expected), path.read_bytes()
        assert report.counts.rows_quarantined == 0, path.read_bytes()
        # The engine takes blanks off, and rows that are there twice.
        wanted = {tuple(value.strip(" \t") for value in row) for row in expected}
        assert Counter(texts.rows(report, *NAMES)) == Counter(wanted), path.read_bytes()
    assert agreed > 200, "or else this says little"


def test_an_inch_mark_and_a_long_value_cost_no_row(texts: Lake, tmp_path: Path) -> None:
    rows = [f'{number},x,{"5"}" pipe\n' if number % 400 == 1 else f"{number},x,y\n" for number in range(1_000)]
    long = '"' + "a line\n" * 10_000 + '"'
    text = HEADER + "".join(rows[:500]) + f"long,x,{long}\n" + "".join(rows[500:])
    path = tmp_path / "a.csv"
    path.write_text(text)
    report = texts.stage({"a.csv": path.read_bytes()})
    assert report.counts.rows_read == report.counts.rows_curated == 1_001
    assert {name: len(read(path)) for name, read in READERS.items()} == dict.fromkeys(READERS, 1_001)


def test_a_quote_that_never_closes_costs_its_line_and_the_rows_around_it_are_kept(texts: Lake) -> None:
    rows = [f"{number},x,y\n" for number in range(3_000)]
    report = texts.stage({"a.csv": (HEADER + "".join(rows[:1_500]) + '"open,x,y\n' + "".join(rows[1_500:])).encode()})
    assert (report.counts.rows_read, report.counts.rows_curated, report.reasons) == (3_001, 3_000, {"malformed_row": 1})
    assert [(line, raw) for _, line, raw, _ in texts.quarantine()] == [(1_502, '"open,x,y')]
