"""Nothing that a command says is cut, however narrow the terminal is and however long a key."""

from collections.abc import Callable
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from ops import __main__ as ops
from ops import options
from tests.unit.lambdas.conftest import Cloud
from tests.unit.lambdas.test_batches import one_batch
from tests.unit.lambdas.test_recovery import fail
from tests.unit.ops.conftest import Operator

Call = Callable[..., Any]

KEY = "flights/" + "/".join(f"part-{n:04d} of a very-long_name" for n in range(25)) + ".csv"
REASON = "lost: " + " ".join(f"word{n}" for n in range(80))
assert len(KEY) > 700


@pytest.fixture(params=[40, 80, 160])
def width(request: pytest.FixtureRequest, operator: Operator, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(options.console, "width", request.param)
    return int(request.param)


def test_a_file_is_shown_whole_with_a_field_a_line(cloud: Cloud, operator: Operator, call: Call, width: int) -> None:
    batch_id, _ = one_batch(cloud, call, KEY)
    fail(call, batch_id, "Stage", Error="ReconciliationError", Cause=REASON)
    (item,) = cloud.files(KEY)
    lines = operator.run("file", KEY).stdout.splitlines()
    assert lines[0] == f"{KEY} version {item['version']}"
    assert "  status: FAILED" in lines
    assert f"  batch_id: {batch_id}" in lines
    assert f"  reason: {item['reason']}" in lines
    assert "…" not in "".join(lines)


def test_the_status_is_shown_whole(cloud: Cloud, operator: Operator, call: Call, width: int) -> None:
    batch_id, _ = one_batch(cloud, call, "flights/a.csv")
    text = operator.run("status").stdout
    assert text.count(batch_id) == 1
    assert "…" not in text
    for word in ("airlines: never published", "flights: never published, 1 running", f"> {batch_id}: ", ", 1 file, "):
        assert word in text, word
    assert len(text.splitlines()) == 5, "a line a thing, however long it is: nothing is folded"


def test_several_running_batches_are_all_shown(
    cloud: Cloud, operator: Operator, call: Call, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_CONCURRENT_BATCHES", "3")
    first, _ = one_batch(cloud, call, "flights/a.csv")
    second, _ = one_batch(cloud, call, "flights/b.csv")
    text = operator.run("status").stdout
    assert (text.count(first), text.count(second)) == (1, 1)


def test_a_plan_is_shown_whole(cloud: Cloud, operator: Operator, width: int) -> None:
    cloud.land("flights/a.csv", b"x\n1\n")
    text = operator.run("backfill", "flights", "--dry-run").stdout
    for words in ("never seen: register", "files of flights", "bytes", "batches", "at least", "$0.01"):
        assert words in text, words


def test_an_error_is_one_line(operator: Operator, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setattr(options.notes, "width", 40)
    monkeypatch.setattr("sys.argv", ["ops", "file", KEY, "--outputs", str(operator.outputs)])
    with pytest.raises(SystemExit):
        ops.run()
    assert f"error: the ledger does not know '{KEY}'" in capsys.readouterr().err


@pytest.mark.parametrize("columns", ["40", "80"])
def test_help_cuts_no_option(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for name, command in get_command(ops.app).commands.items():  # type: ignore[attr-defined]
        text = CliRunner().invoke(ops.app, [name, "--help"], terminal_width=int(columns)).output
        assert [
            option
            for one in command.params
            for option in one.opts
            if option[:2] == "--" and not getattr(one, "hidden", False) and option not in text
        ] == []
