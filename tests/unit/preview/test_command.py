"""`data-pipeline preview`: what it answers, when it fails, and that a base is the base's program and not this one's."""

import copy
import json
import re
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from components.catalog.queries import QueryError
from components.compute.packaging import PackagingError
from components.workflow.definition import DefinitionError
from config.load import ConfigError
from contracts.compiler.compile import load_contracts
from contracts.compiler.read import ContractError
from ops import __main__ as ops
from ops.preview import command
from ops.preview.base import BaseError, snapshot_of
from ops.preview.options import PreviewError, RefusedError
from ops.preview.snapshot import Snapshot, take
from policies.model import Finding
from recording.program import record
from tests.unit.infrastructure.cloud import ROOT, Cloud, pipeline
from tests.unit.infrastructure.cloud import shipped_config as stack_config

PROGRAM = """
import pulumi
import config  # the other tree's own
class Box(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("pipeline:other:Box", name)
        inside = pulumi.ResourceOptions(parent=self)
        pulumi.CustomResource("aws:sqs/queue:Queue", name + "-queue", {"delay": config.DELAY}, inside)
print("programs may print")
Box(pulumi.Config("data-pipeline").require_object("settings")["environment"])
"""


@pytest.fixture(autouse=True)
def _recorded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the recordings that other tests made; each takes more than a second."""
    monkeypatch.setattr(ops, "console", Console(width=200))

    def recorded(_: object, *, config: dict[str, Any], stack: str) -> Cloud:
        assert config == stack_config(stack)
        return pipeline(stack)

    monkeypatch.setattr(command, "record", recorded)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(ops.app, ["preview", *arguments])


def git(folder: Path, *arguments: str) -> None:
    own = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *own, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A repository with another program, older than the recorder."""
    files = {
        "__main__.py": PROGRAM,
        "config.py": "DELAY = 7\n",
        "Pulumi.prod.yaml": "config:\n  data-pipeline:settings:\n    environment: old\n",
        "requirements/program.txt": "pulumi==3.0.0\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "old")
    return tmp_path


def test_a_stack_that_every_rule_accepts_is_shown() -> None:
    shown = run("--stack", "prod")
    assert shown.exit_code == 0, shown.output
    assert "s3.Bucket data-pipeline-raw" in shown.output
    assert re.search(
        r"^stack prod: \d{3} resources in \d\d components; \$\d+\.\d\d a month idle$", shown.output, re.MULTILINE
    )


@pytest.mark.parametrize("format_", ["text", "markdown", "json"])
def test_a_stack_that_a_rule_refuses_is_shown_and_fails_and_says_which(
    format_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = Finding(rule="S3-01", resource="data-pipeline-raw", wrong="it is open", allowed="nothing of that")
    monkeypatch.setattr("ops.preview.verdict.check", lambda *_: [finding])
    shown = run("--stack", "prod", "--format", format_)
    assert isinstance(shown.exception, RefusedError)
    assert "must not be deployed like this; refused 1:\n  S3-01 data-pipeline-raw: it is open" in str(shown.exception)
    assert "S3-01 data-pipeline-raw: it is open" in shown.output


@pytest.mark.parametrize("format_", ["text", "markdown"])
def test_a_stack_that_breaks_an_invariant_fails_and_says_which(format_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Cloud:
        raise ConfigError("Pulumi.prod.yaml: 1 of data-pipeline:settings cannot be used:\n  glue.x = 1")

    monkeypatch.setattr(command, "record", broken)
    shown = run("--stack", "prod", "--format", format_)
    assert isinstance(shown.exception, PreviewError)
    assert "glue.x = 1" in str(shown.exception)
    assert ("glue.x = 1" in shown.output) == (format_ == "markdown"), "the pull request's comment has to say it too"


@pytest.mark.parametrize("format_", ["text", "markdown"])
@pytest.mark.parametrize(
    "error",
    [
        ContractError("flights.odcs.yaml: version: no"),
        PackagingError("functions: wrapt is not installed"),
        QueryError("x.sql: the first line"),
        DefinitionError("batch_workflow.asl.json: no"),
        pulumi.ConfigMissingError("aws:region", secret=False),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_a_person_can_put_right_is_an_error_and_no_traceback(
    error: Exception, format_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> Cloud:
        raise error

    monkeypatch.setattr(command, "record", broken)
    shown = run("--stack", "prod", "--format", format_)
    assert type(shown.exception) is PreviewError
    assert str(shown.exception) == str(error)
    first = str(error).splitlines()[0]
    assert (first in shown.output) == (format_ == "markdown")


def test_a_broken_contract_file_is_named_by_the_program_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "flights.odcs.yaml").write_text("- 1", encoding="utf-8")

    def program() -> None:
        load_contracts(tmp_path)

    monkeypatch.setattr(command, "main_program", program)
    monkeypatch.setattr(command, "record", record)
    shown = run("--stack", "prod")
    assert str(shown.exception) == "flights.odcs.yaml: a mapping is expected at the top, found list"


def test_a_stack_file_that_cannot_be_read_is_an_error_and_stands_in_the_comment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.prod.yaml").write_text("config: [", encoding="utf-8")
    monkeypatch.setattr(command, "stack_config", lambda stack: stack_config(stack, tmp_path))
    shown = run("--stack", "prod", "--format", "markdown")
    assert type(shown.exception) is PreviewError
    assert shown.output.startswith("### Preview of stack prod\n\n    Pulumi.prod.yaml: not readable as YAML")


def test_a_fault_of_the_program_stands_in_the_comment_and_is_a_traceback_in_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> Cloud:
        raise ZeroDivisionError("oh\n```\n# no")

    monkeypatch.setattr(command, "record", broken)
    shown = run("--stack", "prod", "--format", "markdown")
    assert isinstance(shown.exception, ZeroDivisionError)
    assert shown.output == "### Preview of stack prod\n\n    ZeroDivisionError: oh\n    ```\n    # no\n"


def test_a_stack_that_claims_another_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    claiming = copy.deepcopy(stack_config("prod"))
    claiming["data-pipeline:settings"]["environment"] = "dev"
    monkeypatch.setattr(command, "stack_config", lambda _: claiming)
    monkeypatch.setattr(command, "record", record)
    shown = run("--stack", "prod")
    assert isinstance(shown.exception, PreviewError)
    assert "environment = 'dev': allowed is 'prod'" in str(shown.exception)


def test_several_stacks_fit_into_one_comment() -> None:
    assert len(run("--stack", "prod", "--format", "markdown").output) > 15_000
    shown = run("--stack", "prod", "--format", "markdown", "--longest", "15000").output
    assert len(shown) <= 15_001
    assert "_Parts left out here: 1. `make preview STACK=prod` has them._" in shown


def test_a_stack_that_is_not_there_is_named_with_those_that_are() -> None:
    shown = run("--stack", "production")
    assert str(shown.exception) == (
        "there is no Pulumi.production.yaml; allowed for --stack is one of dev, local, prod, staging"
    )


def test_the_base_is_recorded_from_its_own_files(other: Path) -> None:
    (other / "config.py").write_text("DELAY = 99  # not committed\n", encoding="utf-8")
    found = snapshot_of("main", "prod", other)
    queue, box = found.resources
    assert (box.type, box.name) == ("pipeline:other:Box", "old")
    assert queue.urn == "urn:pulumi:prod::data-pipeline::pipeline:other:Box$aws:sqs/queue:Queue::old-queue"
    assert queue.inputs == {"delay": 7}
    assert not list(other.glob(".git/worktrees/*")), "nothing of it stays"


def test_the_base_is_recorded_by_a_python_of_before_filters_of_archives(
    other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract = tarfile.TarFile.extractall

    def of_3_11_3(archive: tarfile.TarFile, path: Path) -> None:
        extract(archive, path)

    monkeypatch.setattr(tarfile.TarFile, "extractall", of_3_11_3)
    monkeypatch.delattr(tarfile, "data_filter", raising=False)
    assert snapshot_of("main", "prod", other).resources


def test_a_base_without_the_stack_has_nothing_yet(other: Path) -> None:
    assert snapshot_of("main", "staging", other).resources == ()


def test_a_base_whose_program_fails_says_why(other: Path) -> None:
    (other / "config.py").write_text("raise RuntimeError('too old')\n", encoding="utf-8")
    git(other, "commit", "-qam", "broken")
    with pytest.raises(BaseError, match=r"the program of main does not run for stack prod .*: RuntimeError: too old"):
        snapshot_of("main", "prod", other)


@pytest.mark.parametrize("format_", ["text", "markdown", "json"])
def test_a_base_that_does_not_run_is_a_note_and_no_error_of_this_tree(
    format_: str, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (other / "config.py").write_text("import a_dependency_of_old\n", encoding="utf-8")
    git(other, "commit", "-qam", "other dependencies")
    monkeypatch.setattr(command, "snapshot_of", lambda base, stack: snapshot_of(base, stack, other))
    shown = run("--stack", "prod", "--base", "main", "--format", format_)
    assert shown.exit_code == 0, shown.output
    assert "nothing is compared: the program of main does not run for stack prod" in shown.output
    assert "No module named 'a_dependency_of_old'" in shown.output
    assert "data-pipeline-raw" in shown.output
    shown = run("--stack", "prod", "--base", "nowhere", "--format", format_)
    assert type(shown.exception) is PreviewError, "a revision that is not there is a mistake of who asks"


def test_a_base_takes_nothing_of_this_program(other: Path) -> None:
    (other / "config.py").write_text("import invariants\n", encoding="utf-8")
    git(other, "commit", "-qam", "lacks a module")
    with pytest.raises(BaseError, match="No module named 'invariants'"):
        snapshot_of("main", "prod", other)


@pytest.mark.parametrize("revision", ["nowhere", "--output=x"])
def test_a_base_that_git_does_not_have_is_named(other: Path, revision: str) -> None:
    with pytest.raises(PreviewError, match=f"git has no revision '{revision}' here; allowed for --base is one that"):
        snapshot_of(revision, "prod", other)


def test_everything_that_changed_against_a_base_is_said(other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "snapshot_of", lambda base, stack: snapshot_of(base, stack, other))
    shown = run("--stack", "prod", "--base", "main", "--format", "json")
    assert shown.exit_code == 0, shown.output
    found = json.loads(shown.output)
    assert found["base"] == "main"
    actions = {(change["action"], change["name"]) for change in found["changes"]}
    assert {("remove", "old-queue"), ("add", "data-pipeline-raw")} <= actions


def in_another_region() -> Snapshot:
    found = take("prod", pipeline("prod").resources, {})
    moved = (
        replace(one, inputs={**one.inputs, "region": "eu-west-1"}) if one.type.startswith("pulumi:providers") else one
        for one in found.resources
    )
    return replace(found, resources=tuple(moved))


@pytest.mark.parametrize("format_", ["text", "markdown", "json"])
def test_a_change_that_takes_data_away_is_refused(format_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "snapshot_of", lambda *_: in_another_region())
    shown = run("--stack", "prod", "--base", "main", "--format", format_)
    assert isinstance(shown.exception, RefusedError)
    assert "s3.Bucket data-pipeline-raw: Pulumi refuses to have it replaced: it is protected" in str(shown.exception)
    assert "refuse" in shown.output


def test_the_tree_is_there_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "snapshot_of", lambda *_: with_contract(version="0.9.0"))
    asked = ("--stack", "prod", "--base", "main")
    short, whole = run(*asked), run(*asked, "--tree")
    assert [one.exit_code for one in (short, whole)] == [0, 0]
    assert "s3.Bucket data-pipeline-raw" not in short.output
    assert "s3.Bucket data-pipeline-raw" in whole.output


@pytest.mark.parametrize(("error", "code"), [(PreviewError("no"), 1), (RefusedError("no"), 3)])
def test_what_cannot_be_shown_and_what_is_refused_end_differently(
    error: PreviewError, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raising(**_: object) -> None:
        raise error

    monkeypatch.setattr(ops, "app", raising)
    with pytest.raises(SystemExit) as ended:
        ops.run()
    assert ended.value.code == code
    assert f"{code}, " in str(ops.preview.__doc__), "--help says it"


def with_contract(**change: Any) -> Snapshot:
    """Prod as it is, but with another contract of the airlines."""
    found = take("prod", pipeline("prod").resources, {})
    changed = []
    for seen in found.resources:
        if seen.inputs.get("key") == "contracts/airlines.json":
            content = json.dumps({**json.loads(seen.inputs["content"]), **change})
            seen = replace(seen, inputs={**seen.inputs, "content": content})
        changed.append(seen)
    assert changed != list(found.resources)
    return replace(found, resources=tuple(changed))


@pytest.mark.parametrize("format_", ["text", "markdown", "json"])
def test_a_contract_that_pulumi_would_refuse_is_a_danger_and_fails(
    format_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "snapshot_of", lambda *_: with_contract(primary_key=["name"]))
    shown = run("--stack", "prod", "--base", "main", "--format", format_)
    assert isinstance(shown.exception, RefusedError)
    says = "contract-airlines: Pulumi refuses it: primary_key: was (name), becomes (carrier): duplicates of"
    assert says in str(shown.exception)
    assert "Pulumi refuses it: primary_key: was (name), becomes (carrier): duplicates of" in shown.output


def test_a_contract_that_cannot_be_compared_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "snapshot_of", lambda *_: with_contract(version="one"))
    shown = run("--stack", "prod", "--base", "main")
    assert "Pulumi refuses it: the two cannot be compared (ValueError" in str(shown.exception)


def test_a_contract_that_keeps_what_was_promised_is_a_change_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "snapshot_of", lambda *_: with_contract(version="0.9.0"))
    shown = run("--stack", "prod", "--base", "main")
    assert shown.exit_code == 0, shown.output
    assert "~ s3.BucketObjectv2 data-pipeline-contract-airlines" in shown.output
    assert "queries: the contract of airlines changes: read by busiest_routes\n" in shown.output
    assert "DATA" not in shown.output


def test_no_other_command_loads_the_program() -> None:
    code = "import sys, ops.__main__; sys.exit('pulumi' in sys.modules or 'config.model' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
