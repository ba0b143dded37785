"""Inputs on which the job and docs/semantics.md once parted: one smallest input each."""

import datetime as dt
import gzip
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from tests.robustness import bad_files as bad
from tests.robustness.compare import MakeBench, agree

ROWS = gzip.compress(bad.SHORT + b"".join(b"%d,p,ab\n" % n for n in range(3_000)), mtime=0)
PAGES = bad.parquet(("id", pa.array(range(2_000))), ("part", pa.array(["p"] * 2_000)))
WIDE = {"columns": bad.ZOO["columns"]}

CRASHED = {
    "a lone CR in the header, as in a file of CR line ends": {"a.csv": b"id,part\r1,p\r"},
    "a header with a name of more than 131,072 characters": {"a.csv": b"x" * 131_073 + b"\n1,p\n"},
    "an ending .GZ in capitals: section 1.2 says any case": {"a.csv.GZ": ROWS},
    "a gzip file that ends too early": {"a.csv.gz": ROWS[:-100]},
    "a gzip file with a wrong checksum": {"a.csv.gz": ROWS[:-8] + b"1234" + ROWS[-4:]},
    "bytes after the end of a gzip file": {"a.csv.gz": ROWS + b"garbage"},
    "Parquet timestamps in nanoseconds, as pandas writes them": {"ns": ("seen", pa.array([1], pa.timestamp("ns")))},
    "a Parquet time of day": {"time": ("name", pa.array([dt.time(1, 2)]))},
    "a Parquet half float": {"half": ("weight", pa.array([1.5], pa.float16()))},
    "a Parquet decimal of more than 38 digits": {"long": ("price", pa.array([Decimal("1.5")], pa.decimal256(50, 2)))},
    "a Parquet decimal of 38 digits": {"long": ("price", pa.array([Decimal("1.5")], pa.decimal128(38, 2)))},
    "a Parquet column twice": {"twice": ("id", pa.array([2]))},
    "a Parquet column twice, in other case": {"twice": ("ID", pa.array([2]))},
    "a Parquet column with a backtick": {"tick": ("a`b", pa.array([2]))},
    "a Parquet column that is named as one of the job's own": {"own": ("_file", pa.array([2]))},
    "a Parquet column that is named as Spark's own": {"own": ("_metadata", pa.array([2]))},
    "Parquet without columns": {"a.parquet": bad.parquet()},
    "Parquet whose footer is noise": {"a.parquet": b"PAR1" + b"x" * 50 + b"\x20\x00\x00\x00PAR1"},
}


@pytest.mark.parametrize("files", [pytest.param(files, id=name) for name, files in CRASHED.items()])
def test_no_file_crashes_the_job(bench: MakeBench, files: dict[str, Any]) -> None:
    made = {
        name if isinstance(content, bytes) else f"{name}.parquet": content
        if isinstance(content, bytes)
        else bad.parquet(("id", pa.array([1])), ("part", pa.array(["p"])), content)
        for name, content in files.items()
    }
    small = all(isinstance(content, bytes) for content in files.values())
    agree(bench(**(bad.SMALL if small else WIDE)), made)


NOISE = PAGES[:300] + b"\xff" * 200 + PAGES[500:]


def test_parquet_whose_pages_are_noise_is_unreadable_beside_good_files_in_one_run(bench: MakeBench) -> None:
    agree(bench(**bad.SMALL), {"a.parquet": NOISE, "b.csv": bad.SHORT + b"1,p,ab\n", "c.parquet": PAGES})


LOST = {
    "ENCODING a record that is not UTF-8, in a file with a line break inside quotes, is published with U+FFFD": (
        {"a.csv": bad.SHORT + b'1,p,"a\nb"\n2,p,caf\xe9\n'}
    ),
    "BLANK LINES inside quotes are dropped": {"a.csv": bad.SHORT + b'1,p,"a\n\nb"\n'},
    "SURROGATE a lone one in JSON is published as U+FFFD": {"a.jsonl": b'{"id":1,"part":"p","name":"\\ud83d ab"}'},
    "U+FFFF ends a CSV record: what follows it in the value is lost": {
        "a.csv": bad.SHORT + "1,p,ab\uffffcd\n".encode()
    },
    "U+FFFF in a CSV record makes the next record malformed_row": {
        "a.csv": bad.SHORT + "1,\uffff,ab\n2,p,ab\n3,p,ab\n".encode()
    },
    "HOLE of a Parquet file without its middle no row is read, and nothing is said": (
        {"a.parquet": PAGES[:100] + PAGES[-800:]}
    ),
}
WRONG = {
    "LINE BREAK at the end of a quoted number is taken for a blank": {"a.csv": bad.SHORT + b'"1\n",p,ab\n'},
    "LAST CR of a file without LF is removed": {"a.csv": bad.SHORT + b"1,p,ab\r"},
    "BOM at the start of a later JSON line is removed": {"a.jsonl": b'\n\xef\xbb\xbf{"id":1,"part":"p"}'},
    "BOM at the start of a later CSV line is removed": {"a.csv": bad.SHORT + b"\xef\xbb\xbf1,p,ab\n2,p,cd\n"},
    "SECOND BOM of a file is removed": {"a.csv": b"\xef\xbb\xbf\xef\xbb\xbf" + bad.SHORT + b"1,p,ab\n"},
    "NAN in JSON is text, though no JSON": {"a.jsonl": b'{"id":1,"part":"p","name":NaN}'},
    "ORDER of JSON reasons is the record's": {"a.jsonl": b'{"id":1,"part":"p","name":[1],"x":1}'},
    "AFTER QUOTES text after a closing quote is taken, with the quotes": {"a.csv": bad.SHORT + b'1,p,"ab"c\n'},
    "OPEN HEADER a header whose quotes do not close is read": {"a.csv": b'id,part,"name\n1,p,ab\n'},
    "NBSP around a column's name is removed": {"a.csv": "\u00a0id,part,name\n1,p,ab\n".encode()},
}


@pytest.mark.parametrize("files", [pytest.param(files, id=name) for name, files in (LOST | WRONG).items()])
def test_job_and_document_agree(bench: MakeBench, files: dict[str, bytes]) -> None:
    agree(bench(**bad.SMALL), files)


def test_a_partition_value_does_not_end_with_a_line_break(bench: MakeBench) -> None:
    agree(bench(**bad.SMALL), {"a.csv": bad.SHORT + b'1,"p\n",ab\n'})


def seen(text: str) -> bytes:
    return b"id,part,seen\n1,p,%s\n" % text.encode()


ZEROS = pa.array([Decimal(0)], pa.decimal128(18, 8))
TYPED: dict[str, tuple[dict[str, bytes], dict[str, Any]]] = {
    "NO SECONDS an offset after HH:MM is refused": ({"a.csv": seen("2024-02-29T10:00+01:00")}, {}),
    "NO SECONDS Z after HH:MM is refused": ({"a.csv": seen("2024-02-29T10:00Z")}, {}),
    "FAR OFFSET of more than 18 hours is refused": ({"a.csv": seen("2024-02-29T10:00:00+18:01")}, {}),
    "EMPTY TEXT is null though it is no null token": ({"a.csv": bad.SHORT + b"1,p,\n"}, {"null_tokens": ["NA"]}),
    "DECIMAL ZERO of more than six places in Parquet is refused": (
        {"a.parquet": bad.parquet(("id", pa.array([1])), ("part", pa.array(["p"])), ("price", ZEROS))},
        {},
    ),
    "LARGE FLOAT of ten million in Parquet is no integer, though 2.0 is": (
        {"a.parquet": bad.parquet(("id", pa.array([1e7])), ("part", pa.array(["p"])))},
        {},
    ),
}


@pytest.mark.parametrize(("files", "changes"), [pytest.param(*case, id=name) for name, case in TYPED.items()])
def test_job_and_document_agree_on_values(bench: MakeBench, files: dict[str, bytes], changes: dict[str, Any]) -> None:
    agree(bench(**changes), files)
