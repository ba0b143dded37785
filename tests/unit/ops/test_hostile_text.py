"""No key, header, value or message of anybody reaches a terminal, a log, a mail or a page as a command."""

import contextlib
import importlib
import io
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pipeline_core.plain_text import LAYOUT, json_line, log_line, printable
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from typer.main import get_command

from glue_jobs.log import JsonLines
from lambdas.notification.message import MAX_SUBJECT, Notification, compose
from ops import __main__ as ops
from ops import options
from ops.preview.markdown import fitted
from ops.smoke import Observation, SmokeError
from plain_console import PlainConsole, print_record, print_rows
from tests.unit.lambdas.conftest import Cloud, verdict
from tests.unit.lambdas.test_batches import one_batch
from tests.unit.lambdas.test_recovery import fail
from tests.unit.ops.conftest import Operator

Call = Callable[..., Any]
ROOT = Path(__file__).parents[3]

EVIL = [
    *map(chr, [*range(0x20), *range(0x7F, 0xA0)]),
    *map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C, 0x2028, 0x2029, 0xFEFF]),
]
"""C0, DEL, C1, and what turns the direction of text."""

HOSTILE = "a\x1b[2J\x1b]0;owned\x07\x9b31m\u202ecsv.exe\u2066\x7f\r\nb"
SEEN = r"a\x1b[2J\x1b]0;owned\x07\x9b31m\u202ecsv.exe\u2066\x7f\r\nb"
KEY = "flights/k\x1b[2J\x9b1m\u202efdp\x7f.csv"
KEY_SEEN = r"flights/k\x1b[2J\x9b1m\u202efdp\x7f.csv"


def unfit(text: str) -> set[str]:
    return {character for character in text if character in EVIL} - {"\n"}


@pytest.mark.parametrize("character", EVIL, ids=ascii)
def test_what_commands_a_terminal_is_escaped(character: str) -> None:
    assert unfit(printable(f"x{character}y")) == set()
    assert "\n" not in printable(f"x{character}y")
    assert printable(character) == character.encode("unicode_escape").decode()
    assert printable(character, LAYOUT) == (character if character in "\n\t" else printable(character))
    for line in (json_line({character: character}), log_line({character: character})):
        assert unfit(line) == set()
        assert "\n" not in line
        assert json.loads(line) == {character: character}


@pytest.mark.parametrize("text", ["plain", "übergroß 日本語 🎉", "[/x] :x: \\x1b 100 %", " "])
def test_text_that_is_no_command_is_shown_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_half_of_a_character_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "x").write_text(printable("\ud800") + log_line("\udfff"), encoding="utf-8")


@pytest.mark.parametrize("wrap", [str, Text, Panel, lambda x: Group(Text(x)), "table"], ids="stpgx")
def test_a_console_lets_nothing_through_however_it_is_put(wrap: Any) -> None:
    out = io.StringIO()
    console = PlainConsole(file=out, width=200, markup=False)
    if wrap == "table":
        table = Table(HOSTILE, title=HOSTILE)
        table.add_row(HOSTILE)
        console.print(table)
    else:
        console.print(wrap(HOSTILE))
        console.print(wrap(HOSTILE), soft_wrap=True)
    assert unfit(out.getvalue()) == set()
    assert r"\x1b[2J\x1b]0;owned" in out.getvalue()


def test_a_console_still_has_colours_on_a_terminal() -> None:
    out = io.StringIO()
    PlainConsole(file=out, force_terminal=True, color_system="standard").print("x", style="red")
    assert "\x1b[31mx" in out.getvalue()


@pytest.mark.parametrize("width", [40, 80, 160])
def test_rows_and_records_escape_what_is_in_them(width: int) -> None:
    out = io.StringIO()
    console = PlainConsole(file=out, width=width, markup=False)
    print_rows(console, ["a", "b"], [[HOSTILE, HOSTILE.replace("\n", "")]])
    print_record(console, HOSTILE, [(HOSTILE, HOSTILE)])
    assert unfit(out.getvalue()) == set()
    assert f"{SEEN}: {SEEN}\n" in out.getvalue(), "a value is one line, whatever is in it"


@pytest.fixture
def hostile_lake(cloud: Cloud, call: Call) -> str:
    """A lake with hostile keys and reasons of every kind; returns a batch."""
    batch_id, _ = one_batch(cloud, call, KEY)
    fail(call, batch_id, "Stage", Error="ReconciliationError", Cause=HOSTILE)
    call("ingestion", {"Records": [cloud.land(f"{KEY}.x\x1b[1m", b"x"), cloud.land("flights/_\x1b]0;x", b"")]})
    cloud.land(f"{KEY}.csv", b"never seen")
    return batch_id


ARGUMENTS: dict[str, list[list[str]]] = {
    "file": [[KEY], [f"{KEY}.x\x1b[1m"], ["flights/_\x1b]0;x"], [f"unknown {HOSTILE}"]],
    "status": [[], ["--json"]],
    "runs": [[], ["flights", "--json"], [f"f{HOSTILE}"]],
    "quarantined": [["flights", "--reason", HOSTILE, "--batch", HOSTILE], [f"f{HOSTILE}"]],
    "logs": [["--batch", HOSTILE]],
    "land": [[HOSTILE], [HOSTILE, "--dataset", "flights"], ["x", "--dataset", HOSTILE]],
    "pause": [["flights", "--reason", HOSTILE], ["flights"], [f"f{HOSTILE}"]],
    "resume": [["flights"], [f"f{HOSTILE}"]],
    "cancel": [[HOSTILE, "--yes"], [f"{HOSTILE}-20261127T090000Z-000007", "--yes"]],
    "replay": [["flights", "--dry-run"], [f"f{HOSTILE}"], ["flights", "--batch", HOSTILE], ["flights", "--yes"]],
    "backfill": [["flights", "--dry-run"], [f"f{HOSTILE}"], ["flights", "--prefix", HOSTILE], ["flights", "--yes"]],
    "preview": [
        ["--stack", HOSTILE],
        ["--stack", "dev", "--base", HOSTILE, "--data"],
        ["--stack", HOSTILE, "--format", "json"],
        ["--stack", HOSTILE, "--base", "HEAD", "--file", HOSTILE],
    ],
    "query": [["--check"], [HOSTILE], ["--sql", HOSTILE, HOSTILE], ["--sql", HOSTILE, "--json"]],
    "smoke": [[]],
    "page": [["--json"], ["--to", f"/nowhere/{HOSTILE}"]],
    "history": [["flights"], [f"f{HOSTILE}"], ["flights", "--json"]],
    "rollback": [["flights", "--to", HOSTILE, "--yes"], [f"f{HOSTILE}", "--to", "b", "--yes"]],
    "adopt": [["flights", "--yes"], [f"f{HOSTILE}", "--yes"]],
    "maintain": [["flights", "--dry-run"], [f"f{HOSTILE}"]],
    "contract": [["check", HOSTILE], ["infer", HOSTILE, "--dataset", "shop"], ["infer", "x", "--dataset", HOSTILE]],
    "review": [
        ["down", HOSTILE],
        ["check", "--outputs", f"/nowhere/{HOSTILE}"],
        ["check", "--stack", HOSTILE],
        ["list"],
    ],
    "try": [["flights", HOSTILE], [HOSTILE, "x"]],
}
WITHOUT_OUTPUTS = ("preview", "contract", "review", "try")
"""Commands that ask no deployment."""


def test_what_becomes_of_a_hostile_file_is_fit_to_be_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "hostile.csv"
    file.write_text(f"year,{HOSTILE}\n1,{HOSTILE}\n", encoding="utf-8", newline="")
    tried = ["try", "flights", str(file), "--contracts", str(ROOT / "contracts")]
    inferred = ["contract", "infer", str(file), "--dataset", "x", "--contracts", str(tmp_path)]
    for arguments in (tried, inferred):
        monkeypatch.setattr("sys.argv", ["ops", *arguments])
        with contextlib.suppress(SystemExit):
            ops.run()
    captured = capsys.readouterr()
    assert captured.out + captured.err
    assert unfit(captured.out + captured.err) == set()


def test_every_command_is_walked() -> None:
    assert set(ARGUMENTS) == set(get_command(ops.app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", ARGUMENTS)
def test_no_command_of_the_operator_says_anything_unfit(
    operator: Operator,
    hostile_lake: str,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class HostileCanary:
        key = KEY

        def __init__(self, _: object) -> None: ...

    def smoke(_: object, show: Callable[[Observation], None], **__: object) -> Observation:
        show(Observation(status="PENDING", reason=HOSTILE))
        raise SmokeError(f"stuck: {HOSTILE}")

    monkeypatch.setattr(ops, "Canary", HostileCanary)
    monkeypatch.setattr(ops, "smoke", smoke)
    # The page goes to the working directory.
    monkeypatch.chdir(operator.outputs.parent)
    said = ""
    for arguments in ARGUMENTS[command]:
        outputs = [] if command in WITHOUT_OUTPUTS else ["--outputs", str(operator.outputs)]
        monkeypatch.setattr("sys.argv", ["ops", command, *arguments, *outputs])
        capsys.readouterr()
        with contextlib.suppress(SystemExit):
            ops.run()
        captured = capsys.readouterr()
        said += captured.out + captured.err
    logged = [line for line in said.splitlines() if not line.startswith("{")]
    assert unfit("".join(logged)) == set()
    if command == "file":
        assert KEY_SEEN in said
        assert r"\x1b[2J\x1b]0;owned" in said, "the reason"


@pytest.mark.parametrize("function", sorted(path.parent.name for path in (ROOT / "lambdas").glob("*/handler.py")))
def test_what_functions_log_is_fit_to_be_looked_at(function: str) -> None:
    logger = importlib.import_module(f"lambdas.{function}.handler").logger
    record = logging.LogRecord("x", 20, "f", 1, HOSTILE, None, None)
    record.key = KEY
    line = logger.registered_formatter.format(record)
    assert unfit(line) == set()
    assert "\n" not in line
    assert (json.loads(line)["message"], json.loads(line)["key"]) == (HOSTILE, KEY), "and is read back as it was"


def test_what_the_job_logs_is_fit_to_be_looked_at() -> None:
    record = logging.LogRecord("x", 20, "f", 1, HOSTILE, None, None)
    line = JsonLines("b", "d").format(record)
    assert unfit(line) == set()
    assert json.loads(line)["message"] == HOSTILE


def test_what_people_are_sent_is_fit_to_be_looked_at() -> None:
    arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:m"
    event = {
        "outcome": "FAILED",
        "dataset": "flights",
        "batch_id": HOSTILE * 3,
        "error": {"Error": HOSTILE, "Cause": HOSTILE},
        "verdict": verdict(violations=(HOSTILE,)).to_document(),
    }
    subject, body = compose(Notification.from_event(event), arn)
    assert unfit(subject + body) == set()
    assert len(subject) <= MAX_SUBJECT, "SNS refuses a longer one, and nobody would hear"
    assert f"Broken rule: {SEEN}." in body.splitlines(), "nobody writes lines of their own into it"


def test_a_page_is_fit_to_be_looked_at() -> None:
    from types import SimpleNamespace

    from ops.preview import command as cli
    from ops.preview import markdown

    assert unfit(cli._failure(HOSTILE, ValueError(HOSTILE), 10_000)) == set()
    preview: Any = SimpleNamespace(head=SimpleNamespace(stack="s"), base=None)
    assert fitted([HOSTILE], 1_000, preview), "what is written is escaped as a whole:"
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr(markdown, "_parts", lambda _: iter([HOSTILE]))
        assert unfit(markdown.write(preview, 1_000)) == set()


def test_no_command_prints_to_a_console_that_lets_things_through() -> None:
    commands = [path for folder in ("ops", "local", "scripts") for path in (ROOT / folder).rglob("*.py")]
    assert len(commands) > 30
    assert [str(path) for path in commands if " Console(" in path.read_text()] == []
    assert isinstance(options.console, PlainConsole)
    assert issubclass(PlainConsole, Console)
