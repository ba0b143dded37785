"""Spark runs side by side within bounds, starts faster the second time, and failures are told in one line."""

import os
import threading
import time
from pathlib import Path

import pytest

from local.spark_process import ClassArchive, Slots, SparkRun, spark_defaults


def run(directory: Path) -> SparkRun:
    return SparkRun(directory, directory / "x.py", {}, [], frozenset(), {}, ClassArchive(directory / "cache"))


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("WARN x\nTraceback (most recent call last):\n  File x\nValueError: no\nmore text\n", "ValueError: no"),
        ("26/11/23 ERROR SparkContext: no space\n", "26/11/23 ERROR SparkContext: no space"),
        ("", ""),
    ],
)
def test_the_error_of_a_run_is_the_line_that_says_why(tmp_path: Path, log: str, line: str) -> None:
    (tmp_path / "stderr.log").write_text(log)
    assert run(tmp_path).last_error() == line


def test_every_bucket_is_mounted(tmp_path: Path) -> None:
    text = spark_defaults(tmp_path / "s3", ["raw", "curated"], tmp_path, "-Dx=y")
    assert f"spark.hadoop.fs.viewfs.mounttable.raw.linkFallback file://{tmp_path}/s3/raw\n" in text
    assert "mounttable.curated." in text
    assert "spark.driver.extraJavaOptions -Dx=y\n" in text


def test_the_first_run_writes_the_class_archive_and_later_runs_use_it(tmp_path: Path) -> None:
    archive = ClassArchive(tmp_path)
    kind, _, part = archive.option().partition("=")
    assert kind == "-XX:ArchiveClassesAtExit"
    assert archive.option() == "", "two processes must not write one archive"
    Path(part).write_text("classes")
    assert archive.option() == "", "it may still be being written"
    os.utime(part, (time.time() - 60, time.time() - 60))
    kind, _, whole = archive.option().partition("=")
    assert kind == "-XX:SharedArchiveFile"
    assert Path(whole).read_text() == "classes"
    assert ClassArchive(tmp_path).option() == f"-XX:SharedArchiveFile={whole}"


def test_what_an_interrupted_java_left_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "spark-3.5.6-x.1.part").write_text("half")
    assert ClassArchive(tmp_path).option().startswith("-XX:ArchiveClassesAtExit")
    assert list(tmp_path.iterdir()) == []


def test_the_run_with_most_to_read_goes_first_of_those_that_wait() -> None:
    slots = Slots(1)
    order: list[str] = []
    release = threading.Event()

    def work(name: str, size: int) -> None:
        with slots.taken(size, lambda: False):
            order.append(name)
            release.wait(5)

    threads = []
    for name, size in (("first", 1), ("small", 5), ("large", 50)):
        threads.append(threading.Thread(target=work, args=(name, size)))
        threads[-1].start()
        time.sleep(0.05)
    assert order == ["first"], "only one slot"
    release.set()
    for thread in threads:
        thread.join(5)
    assert order == ["first", "large", "small"]


def test_a_run_that_is_given_up_while_it_waits_takes_no_slot() -> None:
    slots = Slots(1)
    with slots.taken(1, lambda: False):
        with slots.taken(1, lambda: True):
            pass
        waiting = threading.Thread(target=lambda: slots.taken(1, lambda: False).__enter__())
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive(), "the slot of the outer run is still taken"
    waiting.join(5)
    assert not waiting.is_alive()
