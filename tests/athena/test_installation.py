"""A Trino server starts with the classes that were archived for it, and without them."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from local.athena.trino import client
from local.athena.trino.installation import Installation, install
from local.athena.trino.process import Process
from local.emulator import CACHE

pytestmark = pytest.mark.athena
NOWHERE = ("http://127.0.0.1:9", "us-east-1", "none")


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """The one that there is, with a copy of its archive."""
    found = install(CACHE)
    return replace(found, archive=Path(shutil.copy(found.archive, tmp_path)))


def loaded(installation: Installation, folder: Path) -> tuple[int, int]:
    """How many classes a server has from an archive and from elsewhere, when it has answered a query."""
    log, list_ = folder / "trino.log", folder / "classes"
    options = [*installation.options, f"-Xlog:class+load=info:file={list_}"]
    server = Process(installation.java, options, installation.class_path, log, NOWHERE)
    try:
        assert client.ask(server.url, "SELECT 1 + 1", database="none").rows == [["2"]]
    finally:
        server.stop(5)
    lines = [line for line in list_.read_text().splitlines() if " source: " in line and "Lambda" not in line]
    archived = sum("shared objects file (top)" in line for line in lines)
    return archived, len(lines) - archived


def test_it_is_installed_once(installation: Installation) -> None:
    again = install(CACHE)
    assert (again.java, again.class_path) == (installation.java, installation.class_path)
    assert f"-XX:SharedArchiveFile={installation.archive}" in installation.options


def test_most_classes_come_from_the_archive(installation: Installation, tmp_path: Path) -> None:
    archived, others = loaded(installation, tmp_path)
    assert archived > 10_000 > others


@pytest.mark.parametrize("content", [None, b"no archive"])
def test_without_an_archive_that_can_be_read_it_starts_all_the_same(
    installation: Installation, content: bytes | None, tmp_path: Path
) -> None:
    if content is None:
        installation.archive.unlink()
    else:
        installation.archive.write_bytes(content)
    archived, others = loaded(installation, tmp_path)
    assert archived == 0
    assert others > 10_000
