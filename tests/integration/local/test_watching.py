"""What is watched is taken when it is whole, once, and each time that it changes."""

import os
from pathlib import Path

import pytest

from local.watching import Changes, LandingFolder, marks


def write(path: Path, text: str, changed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, ns=(changed, changed))


@pytest.fixture
def folder(tmp_path: Path) -> LandingFolder:
    return LandingFolder(tmp_path / "land", tmp_path / "landed.json")


def names(folder: LandingFolder) -> list[str]:
    return sorted(path.as_posix() for path in folder.complete())


def test_a_file_is_complete_when_two_looks_see_the_same(folder: LandingFolder) -> None:
    file = folder.folder / "orders" / "2026" / "a.csv"
    write(file, "half", 1)
    assert names(folder) == []
    write(file, "whole", 1)
    assert names(folder) == [], "its size is another one"
    write(file, "other", 2)
    assert names(folder) == [], "its time is another one"
    assert names(folder) == ["orders/2026/a.csv"]
    assert names(folder) == ["orders/2026/a.csv"], "until it has landed"
    folder.landed(Path("orders/2026/a.csv"))
    assert names(folder) == []


def test_a_file_lands_again_when_it_was_changed_and_not_because_of_a_restart(
    folder: LandingFolder, tmp_path: Path
) -> None:
    file = folder.folder / "orders" / "a.csv"
    write(file, "1", 1)
    assert [names(folder), names(folder)] == [[], ["orders/a.csv"]]
    folder.landed(Path("orders/a.csv"))
    later = LandingFolder(folder.folder, tmp_path / "landed.json")
    assert [names(later), names(later)] == [[], []]
    write(file, "1", 2)
    assert [names(later), names(later)] == [[], ["orders/a.csv"]]


def test_a_change_while_it_was_landed_is_another_version(folder: LandingFolder) -> None:
    file = folder.folder / "a.csv"
    write(file, "1", 1)
    assert [names(folder), names(folder)] == [[], ["a.csv"]]
    write(file, "2", 2)
    folder.landed(Path("a.csv"))
    assert [names(folder), names(folder)] == [[], ["a.csv"]]


def test_hidden_files_and_what_is_gone_are_nobodys(folder: LandingFolder) -> None:
    write(folder.folder / "orders" / ".a.csv.part", "1", 1)
    write(folder.folder / ".trash" / "b.csv", "1", 1)
    write(folder.folder / "c.csv", "1", 1)
    names(folder)
    (folder.folder / "c.csv").unlink()
    assert names(folder) == []


def test_files_and_folders_have_marks_and_compiled_code_has_none(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b.py", "12", 7)
    write(tmp_path / "a" / "__pycache__" / "b.pyc", "12", 7)
    write(tmp_path / "c.yaml", "", 8)
    found = marks([tmp_path / "a", tmp_path / "c.yaml"])
    assert found == {str(tmp_path / "a" / "b.py"): (2, 7), str(tmp_path / "c.yaml"): (0, 8)}


def test_changes_are_told_once_when_nobody_writes_any_more(tmp_path: Path) -> None:
    contract = tmp_path / "contracts" / "a.odcs.yaml"
    write(contract, "1", 1)
    write(tmp_path / "other" / "x", "1", 1)
    changes = Changes(tmp_path)
    assert changes.changed() == []
    write(contract, "22", 2)
    assert changes.changed() == []
    write(contract, "333", 3)
    assert changes.changed() == []
    assert changes.changed() == ["contracts/a.odcs.yaml"]
    assert changes.changed() == []
    write(tmp_path / "other" / "x", "2", 2)
    assert [changes.changed(), changes.changed()] == [[], []], "it is not watched"
    contract.unlink()
    write(tmp_path / "lambdas" / "query" / "handler.py", "1", 1)
    assert changes.changed() == []
    assert changes.changed() == ["contracts/a.odcs.yaml", "lambdas/query/handler.py"]


def test_a_file_that_is_written_and_undone_is_no_change(tmp_path: Path) -> None:
    contract = tmp_path / "contracts" / "a.odcs.yaml"
    write(contract, "1", 1)
    changes = Changes(tmp_path)
    write(contract, "22", 2)
    changes.changed()
    write(contract, "1", 1)
    assert [changes.changed(), changes.changed()] == [[], []]
