"""What `maintain` and `adopt` say of what the function maintenance has answered."""

from typing import Any

import pytest

from ops import tables
from tests.unit.ops.conftest import Operator

NOTHING: dict[str, Any] = {
    "merges": [],
    "yielded": [],
    **dict.fromkeys(("merged_files", "rows_deleted", "snapshots_expired", "orphans_found", "orphans_deleted"), 0),
}
MERGE = {"partition": {}, "files": 2, "rows": 9, "bytes": 100}


def said(operator: Operator, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], *command: str) -> list[str]:
    monkeypatch.setattr(tables, "_target", lambda *_: None)
    monkeypatch.setattr(tables, "ask", lambda *_: answer)
    return operator.run(*command).stdout.splitlines()


def test_a_dry_run_says_when_there_is_nothing_to_do(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"done": {"flights": NOTHING}}
    assert said(operator, monkeypatch, answer, "maintain", "flights", "--dry-run") == [
        "There is nothing to merge, to expire or to delete.",
        "Dry run: nothing was done.",
    ]


@pytest.mark.parametrize("more", [{"orphans_found": 1}, {"rows_deleted": 1}, {"merges": [MERGE]}])
def test_a_dry_run_that_would_do_something_does_not_say_so(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    answer = {"done": {"flights": NOTHING | more}}
    lines = said(operator, monkeypatch, answer, "maintain", "flights", "--dry-run")
    assert lines[-1] == "Dry run: nothing was done."
    assert not [line for line in lines if "nothing to" in line]


@pytest.mark.parametrize(
    ("files", "rows", "text"), [(1, 1, "1 file and 1 row;"), (2, 1_200, "2 files and 1,200 rows;")]
)
def test_an_adopted_table_is_counted(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, files: int, rows: int, text: str
) -> None:
    [line] = said(operator, monkeypatch, {"files": files, "rows": rows}, "adopt", "flights", "--yes")
    assert line == f"flights is an Iceberg table of {text} each was compared."
