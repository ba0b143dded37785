"""Spark runs side by side within bounds, and failures are told in one line."""

import threading
import time
from pathlib import Path

import pytest

from local.glue.process import Slots, SparkRun


def run(directory: Path) -> SparkRun:
    return SparkRun(directory, directory / "x.py", {}, [directory / "a.zip"], frozenset(["raw", "curated"]), {"A": "1"})


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


def test_every_bucket_is_mounted_and_workers_see_what_the_script_sees(tmp_path: Path) -> None:
    settings = run(tmp_path).settings()
    for bucket in ("raw", "curated"):
        assert settings[f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback"] == f"file://{tmp_path}/s3/{bucket}"
    assert settings["spark.executorEnv.PYTHONPATH"] == f"{tmp_path}/a.zip"
    assert settings["spark.executorEnv.A"] == "1"


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
