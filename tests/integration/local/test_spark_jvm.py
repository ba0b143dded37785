"""Scripts share a JVM one after the other, and none sees what another left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.glue import jvm as spark_jvm
from local.glue.jvm import ClassArchive, Jvm, JvmError, Jvms

# Says what it sees: its own setting, another script's, its mount's file, whether a view of another script is there.
LOOKS = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
seen = [spark.conf.get(f"spark.test.{name}", "-") for name in "ab"]
print(*seen, spark.read.text("s3://bucket/x.txt").first()[0], spark.catalog.tableExists("left"), sep="|")
spark.range(1).createTempView("left")
spark.conf.set("spark.test.a", "changed")
spark._jvm.System.err.println(f"by {seen}")
"""
# And fails, as where a worker has no memory left.
FAILS = f"""{LOOKS}
import os, signal
spark.range(100).rdd.foreach(lambda _: os.kill(os.getpid(), signal.SIGKILL))
"""


@pytest.fixture
def jvms(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Jvms]:
    """JVMs for as many runs as the test's parameter says."""
    # The repository's own archive, so that the JVM need not write one, after which it would end.
    cache = Path(__file__).parents[3] / ".local" / "cache"
    archive = ClassArchive(cache)
    archive._claimed = True
    yield (jvms := Jvms(tmp_path / "jvms", archive, request.param))
    for jvm in jvms._idle:
        jvm.close()


def run(jvms: Jvms, place: Path, script: str, name: str, *, ended: bool = True, code: int = 0) -> tuple[int, str]:
    """Run a script with a setting and a mount of its own; returns its JVM's process and what it printed."""
    bucket = place / name
    bucket.mkdir(parents=True)
    (bucket / "x.txt").write_text(f"file of {name}")
    mount = {"spark.hadoop.fs.viewfs.mounttable.bucket.linkFallback": bucket.as_uri()}
    with jvms.taken(mount | {f"spark.test.{name}": "set"}, place / f"{name}.log") as jvm:
        environment = os.environ | jvm.environment()
        done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        jvm.ended = ended
        return jvm.pid, done.stdout.strip()


@pytest.mark.parametrize("jvms", [2], indirect=True)
def test_a_script_finds_nothing_of_the_one_before_it(jvms: Jvms, tmp_path: Path) -> None:
    first, said = run(jvms, tmp_path, LOOKS, "a")
    assert said == "set|-|file of a|False"
    second, said = run(jvms, tmp_path, LOOKS, "b")
    assert said == "-|set|file of b|False"
    assert first == second, "they had one JVM"
    third, _ = run(jvms, tmp_path / "more", LOOKS, "a")
    assert third != second, "it was for two runs"
    assert ["by ['set', '-']" in (tmp_path / f"{name}.log").read_text() for name in "ab"] == [True, False]
    assert "by ['-', 'set']" in (tmp_path / "b.log").read_text()


@pytest.mark.parametrize("jvms", [9], indirect=True)
def test_a_script_finds_nothing_of_one_that_failed(jvms: Jvms, tmp_path: Path) -> None:
    first, _ = run(jvms, tmp_path, FAILS, "a", code=1)
    second, said = run(jvms, tmp_path, LOOKS, "b")
    assert (first, said) == (second, "-|set|file of b|False")


@pytest.mark.parametrize("jvms", [9], indirect=True)
def test_a_jvm_whose_script_was_killed_or_that_died_is_not_used_again(jvms: Jvms, tmp_path: Path) -> None:
    first, _ = run(jvms, tmp_path, LOOKS, "a", ended=False)
    second, _ = run(jvms, tmp_path, LOOKS, "b")
    assert first != second
    os.kill(second, signal.SIGKILL)
    third, said = run(jvms, tmp_path / "more", LOOKS, "a")
    assert (third != second, said) == (True, "set|-|file of a|False")


@pytest.mark.parametrize("jvms", [1], indirect=True)
def test_a_later_emulator_in_the_same_directory_leaves_what_an_earlier_one_left(jvms: Jvms, tmp_path: Path) -> None:
    left = tmp_path / "jvms" / "jvm-1" / "conf"
    left.mkdir(parents=True)
    assert run(jvms, tmp_path, LOOKS, "a")[1] == "set|-|file of a|False"
    assert left.exists()


def test_a_jvm_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(spark_jvm.SETTINGS, "spark.driver.memory", "lots")
    with pytest.raises(JvmError, match=r"did not start: (.|\n)*lots"):
        Jvm(tmp_path / "jvm", "", runs=1)


def test_the_first_jvm_writes_the_class_archive_and_later_ones_use_it(tmp_path: Path) -> None:
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
