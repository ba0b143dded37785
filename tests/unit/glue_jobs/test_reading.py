"""How the files of a batch are shared out to Spark's tasks, and that each is read, once."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from pipeline_core import known_good
from pipeline_core.manifest import ManifestFile
from pyspark.sql import SparkSession

from glue_jobs import reading
from glue_jobs.reading import OPENING_BYTES, TASK_BYTES, in_tasks, read_batch

MiB = 1024 * 1024


def file(size: int, uri: str = "") -> ManifestFile:
    return ManifestFile(key="k", version="v", uri=uri, size=size, format="csv", landed_at="")


def shared(*sizes: int) -> list[list[int]]:
    return in_tasks([file(size) for size in sizes])


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
    ("tasks", "message"), [([[0]], r"were not read: \['file:.*/b.csv'\]"), ([[0, 1], [1]], "file 1 .* was read twice")]
)
def test_a_file_that_no_task_reads_or_two_do_fails_the_run(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tasks: Sequence[Sequence[int]], message: str
) -> None:
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path in paths:
        path.write_bytes(known_good.CONTENT)
    monkeypatch.setattr(reading, "in_tasks", lambda _: tasks)
    with pytest.raises(RuntimeError, match=message):
        read_batch(spark, [file(1, path.as_uri()) for path in paths], known_good.CONTRACT)
