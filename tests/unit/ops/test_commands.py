"""Every command, whatever it is called: an example, JSON, the same options, and one table of how it ends."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from ops import __main__ as ops
from ops.exit_codes import MEANINGS, ExitCode, RefusedError
from ops.target import TargetError
from tests.unit.delivery.test_documented_commands import options_of

ROOT = Path(__file__).parents[3]
# What they are about is files of this machine, or of this clone.
WITHOUT_DEPLOYMENT = {"try", "preview", "contract check", "contract infer", "review up", "review down", "review list"}


def leaves(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        whole = f"{before}{name}"
        if hasattr(command, "commands"):
            yield from leaves(command, f"{whole} ")
        else:
            yield whole, command


COMMANDS = dict(leaves(get_command(ops.app)))
every = pytest.mark.parametrize("name", COMMANDS)


def flags(name: str) -> set[str]:
    return {flag for one in COMMANDS[name].params for flag in one.opts}


def test_there_are_commands_to_look_at() -> None:
    assert len(COMMANDS) >= 20
    assert COMMANDS.keys() > WITHOUT_DEPLOYMENT


@every
def test_a_command_shows_an_example_that_it_would_take(name: str) -> None:
    text = re.sub(r"\s+", " ", CliRunner().invoke(ops.app, [*name.split(), "--help"]).output)
    (example,) = re.findall(rf"Example: (data-pipeline {name}(?: .*?)?) (?:Arguments|Options):", text)
    words = shlex.split(example)[1 + len(name.split()) :]
    assert options_of(words) <= flags(name)
    # Typer's own parser takes it: no argument is missing, and none is too many.
    COMMANDS[name].make_context(name, words, resilient_parsing=False)


@every
def test_a_command_can_answer_json_and_finds_its_deployment_as_all_do(name: str) -> None:
    assert "--json" in flags(name)
    wanted = set() if name in WITHOUT_DEPLOYMENT else {"--stack", "--outputs"}
    assert {"--stack", "--outputs"} & flags(name) == wanted | ({"--stack"} if name == "preview" else set())


def test_the_same_option_means_the_same_everywhere() -> None:
    seen: dict[str, set[str]] = {}
    for name, command in COMMANDS.items():
        for one in command.params:
            # Which stack file a preview is of is another thing than which deployment.
            if one.param_type_name == "option" and name != "preview":
                for flag in {"--json", "--stack", "--outputs", "--yes", "--dry-run", "--prefix", "--since"} & {
                    *one.opts
                }:
                    seen.setdefault(flag, set()).add(str(one.help))
    assert {flag for flag, texts in seen.items() if len(texts) != 1} == set()
    assert len(seen) == 7


def test_what_a_command_is_about_is_its_first_argument() -> None:
    about = {
        name: [one.name for one in command.params if one.param_type_name == "argument"][:1]
        for name, command in COMMANDS.items()
    }
    by_dataset = (
        "runs",
        "quarantined",
        "replay",
        "pause",
        "resume",
        "history",
        "rollback",
        "adopt",
        "maintain",
    )
    assert {name: about[name] for name in by_dataset} == {key: ["dataset"] for key in by_dataset}
    assert about["backfill"] == ["datasets"], "of several, in their order"
    assert (about["file"], about["cancel"], about["land"]) == (["key"], ["batch"], ["file"])
    narrowed = {name for name in COMMANDS if "--batch" in flags(name)}
    assert narrowed == {"replay", "quarantined", "logs"}, "an option narrows down what is shown or done"


def test_the_help_has_the_table_of_exit_codes() -> None:
    text = CliRunner().invoke(ops.app, ["--help"]).output
    for code in ExitCode:
        assert f"{code.value}  {MEANINGS[code]}" in re.sub(r"\n +(?=[a-z])", " ", text)
    assert MEANINGS.keys() == set(ExitCode)


@every
def test_wrong_options_end_as_the_table_says(name: str) -> None:
    assert CliRunner().invoke(ops.app, [*name.split(), "--no-such-option"]).exit_code == ExitCode.WRONG_OPTIONS


@every
def test_failures_and_refusals_end_as_the_table_says(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = get_command(ops.app)
    for error, code, word in ((TargetError("x"), ExitCode.FAILED, "error: x"), (RefusedError("x"), 3, "refused: x")):

        def fail(*_: Any, raised: Exception = error, **__: Any) -> None:
            raise raised

        found: Any = command
        for word_ in name.split():
            found = found.commands[word_]
        monkeypatch.setattr(found, "invoke", fail)
        monkeypatch.setattr(ops, "app", lambda prog_name, command=command: command(prog_name=prog_name))
        (example,) = re.findall(r"Example: data-pipeline (.*)", found.help)
        monkeypatch.setattr("sys.argv", ["data-pipeline", *shlex.split(example)])
        with pytest.raises(SystemExit) as ended:
            ops.run()
        assert ended.value.code == code
        assert word in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = CliRunner().invoke(
        ops.app, [], prog_name="data-pipeline", env={"_DATA_PIPELINE_COMPLETE": f"source_{shell}"}
    )
    assert answer.exit_code == 0, answer.output
    assert "_DATA_PIPELINE_COMPLETE" in answer.output
    assert "data-pipeline" in answer.output


def test_completion_knows_the_commands() -> None:
    env = {"_DATA_PIPELINE_COMPLETE": "complete_bash", "COMP_WORDS": "data-pipeline qua", "COMP_CWORD": "1"}
    answer = CliRunner().invoke(ops.app, [], prog_name="data-pipeline", env=env)
    assert answer.output.split() == ["quarantined"]


def test_the_version_is_that_of_the_project() -> None:
    (version,) = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert CliRunner().invoke(ops.app, ["--version"]).output == f"data-pipeline {version}\n"


def test_json_of_contracts_is_json(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ops", "contract", "check", "contracts/airlines.odcs.yaml", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [found["dataset"] for found in json.loads(done.stdout)] == ["airlines"]
    file = tmp_path / "a.csv"
    file.write_text("carrier,name\nZZ,Good\nnope,Bad\n")
    answer = CliRunner().invoke(ops.app, ["try", "airlines", str(file), "--json"])
    assert answer.exit_code == ExitCode.REFUSED
    found = json.loads(answer.stdout)
    assert (found["rows_curated"], found["rows_quarantined"], found["published"]) == (1, 1, False)
    assert found["refused"][0]["line"] == 3
