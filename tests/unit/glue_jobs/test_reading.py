"""How the files of a batch are shared out to Spark's tasks, and that each is read, once."""

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pipeline_core import known_good
from pipeline_core.contract import Contract
from pipeline_core.manifest import ManifestFile
from pyspark.sql import SparkSession

from glue_jobs import reading
from glue_jobs.reading import OPENING_BYTES, TASK_BYTES, Piece, in_tasks, read_batch

MiB = 1024 * 1024
CONTRACT: dict[str, Any] = {
    "dataset": "large",
    "version": "1.0.0",
    "columns": [{"name": "id", "type": "int", "required": True}],
    "primary_key": ["id"],
    "partition_by": [],
    "quality": [],
    "formats": ["csv"],
    "null_tokens": [""],
    "delimiter": ",",
    "time_zone": "UTC",
    "max_file_bytes": 10**9,
    "frequency_hours": None,
}


def file(size: int, uri: str = "", key: str = "k.csv", kind: str = "csv") -> ManifestFile:
    return ManifestFile(key=key, version="v", uri=uri, size=size, format=kind, landed_at="")


def shared(*sizes: int) -> list[list[int]]:
    tasks = in_tasks([Piece(position, size) for position, size in enumerate(sizes)])
    return [[piece.position for piece in task] for task in tasks]


def test_no_file_has_no_task() -> None:
    assert shared() == []


def test_the_largest_files_come_first_each_in_a_task_of_its_own() -> None:
    assert shared(90 * MiB, 900 * MiB, 61 * MiB) == [[1], [0], [2]]


def test_small_files_share_a_task_up_to_its_bound_and_no_further() -> None:
    half = TASK_BYTES // 2 - OPENING_BYTES
    assert shared(half, half) == [[0, 1]]
    assert shared(half + 1, half) == [[0], [1]]


def test_tiny_files_are_not_all_read_one_after_the_other() -> None:
    tasks = shared(*[1] * 100)
    assert max(map(len, tasks)) == (TASK_BYTES // (OPENING_BYTES + 1))
    assert sorted(position for task in tasks for position in task) == list(range(100))


@pytest.mark.parametrize(
    ("tasks", "message"), [([[0]], r"b.csv: 0 of 1'\]"), ([[0, 1], [1]], r"twice: \['file:.*/b.csv: 2 of 1'\]")]
)
def test_a_file_that_no_task_reads_or_two_do_fails_the_run(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tasks: Sequence[Sequence[int]], message: str
) -> None:
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path in paths:
        path.write_bytes(known_good.CONTENT)
    monkeypatch.setattr(reading, "in_tasks", lambda _: [[Piece(at, 1) for at in task] for task in tasks])
    with pytest.raises(RuntimeError, match=message):
        read_batch(spark, [file(1, path.as_uri()) for path in paths], known_good.CONTRACT)


LINE_ENDS = {"plain": "\n", "Windows": "\r\n"}
LARGE = {
    **{name: ("csv", end.join(["id", *map(str, range(500)), "no number", ""])) for name, end in LINE_ENDS.items()},
    "no last line end": ("csv", "id\n" + "\n".join(map(str, range(500)))),
    "quoted": ("csv", "id\n" + '"1"\n' + "\n".join(map(str, range(500)))),
    "wrong header": ("csv", "no\n" + "\n".join(map(str, range(500)))),
    "JSON": ("jsonl", "".join(f'{{"id": {number}}}\n' for number in range(300))),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_file_is_read_in_pieces_to_the_same_records(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    kind, text = LARGE[name]
    path = tmp_path / f"large.{kind}"
    path.write_bytes(text.encode())
    contract = Contract.from_document({**CONTRACT, "formats": ["csv", "jsonl"]})
    large = file(path.stat().st_size, path.as_uri(), path.name, kind)

    def found() -> tuple[list[Any], dict[int, int], dict[int, str], int]:
        batch = read_batch(spark, [large], contract)
        rows = sorted(map(str, batch.records.collect()))
        wanted = reading.pieces(spark, [large], contract, reading.Storage(None))
        return rows, batch.rows, batch.problems, len(wanted)

    *whole, one = found()
    monkeypatch.setattr(reading, "TASK_BYTES", 600)
    *cut, several = found()
    assert cut == whole
    assert (one, several > 2) == (1, name != "quoted")


WHOLE: dict[str, tuple[bytes, dict[str, Any]]] = {
    "packed, whatever its name says": (gzip.compress(b"id\n", mtime=0), {}),
    "Parquet, whatever its name says": (b"PAR1", {}),
    "UTF-16 by its mark": (b"\xff\xfe", {}),
    "another encoding": (b"id\n", {"encoding": "cp1252"}),
    "any line end": (b"id\n", {"line_ends": "any"}),
    "escapes": (b"id\n", {"escape": "\\"}),
    "escapes and no quotes": (b"id\n", {"escape": "\\", "quote": ""}),
    "lines to skip": (b"id\n", {"skip_lines": 1}),
    "comments": (b"id\n", {"comment": "#"}),
}
CUT: dict[str, tuple[bytes, dict[str, Any]]] = {
    "plain": (b"id\n", {}),
    "no header": (b"1\n", {"header": False}),
    "a quote where there are none": (b'id\n"\n', {"quote": ""}),
    "blanks kept": (b"id\n", {"trim": False}),
    "JSON of a contract of escapes": (b'{"id":1}\n', {"escape": "\\"}),
}


@pytest.mark.parametrize(("size", "several"), [(599, False), (600, False), (601, True)])
@pytest.mark.parametrize("name", WHOLE | CUT)
def test_only_a_file_that_is_larger_than_a_task_and_whose_lines_are_records_is_cut(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, size: int, several: bool
) -> None:
    beginning, dialect = (WHOLE | CUT)[name]
    contract = Contract.from_document({**CONTRACT, "formats": ["csv", "jsonl", "parquet"], "dialect": dialect})
    monkeypatch.setattr(reading, "TASK_BYTES", 600)
    (tmp_path / "file").write_bytes((beginning + b"1\n" * size)[:size])
    large = file(size, (tmp_path / "file").as_uri(), "k.csv", "csv")
    wanted = reading.pieces(spark, [large], contract, reading.Storage(None))
    assert (wanted[0].span is not None) == (several and name in CUT)
