"""Every command of the documentation exists, and so does every option that it is given.

What needs no account is run as it stands elsewhere: tests/integration/test_runbook.py, test_tutorial.py,
test_answers.py and test_printed_commands.py.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from awscli.clidriver import create_clidriver
from typer.main import get_command

from ops.__main__ import app

ROOT = Path(__file__).parents[3]
PAGES = (
    *("README.md", "CONTRIBUTING.md"),
    *(
        f"docs/{name}.md"
        for name in (
            "tutorial",
            "runbook",
            "deployment",
            "first-deployment",
            "contracts",
            "local-athena",
            "page",
            "answers",
        )
    ),
)
PROGRAMS = (
    "aws",
    "pulumi",
    "make",
    "git",
    ".venv/bin/python",
    ".venv/bin/data-pipeline",
    ".venv/bin/aws",
    ".venv/bin/pre-commit",
)
VARIABLES = {"STACK", "BASE", "FORMAT", "PORT", "PYTHON", "ENGINE", "ATHENA", "SHOTS", "FRESH"}
# Of the Pulumi CLI 3.272, which is not here: what its own `--help` lists.
PULUMI: Mapping[str, set[str]] = {
    "up": {"--stack", "--skip-preview", "--refresh", "--diff"},
    "preview": {"--stack", "--diff", "--refresh", "--expect-no-changes"},
    "login": {"--local"},
    "destroy": {"--stack"},
    "cancel": {"--stack"},
    "install": set(),
    "new": set(),
    "stack init": {"--secrets-provider"},
    "stack export": {"--file"},
    "stack import": {"--file"},
    "stack output": {"--json", "--stack"},
    "config set": {"--secret", "--path", "--stack"},
}


def blocks(text: str) -> Iterator[str]:
    """Indented and fenced blocks, and spans of code that begin with a program."""
    for found in re.finditer(r"```(?:sh|bash)\n(.*?)```", text, re.DOTALL):
        yield found[1]
    rest = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for found in re.finditer(r"(?:^|\n)((?: {4,}\S.*(?:\n|$))+)", rest):
        yield re.sub(r"^ {4,6}", "", found[1], flags=re.MULTILINE)
    programs = "|".join(map(re.escape, PROGRAMS))
    # A span may go over the end of a line.
    for found in re.finditer(rf"`((?:{programs}) [^`]+)`", re.sub(r"\n +", " ", rest)):
        yield found[1]


def commands(text: str) -> Iterator[list[str]]:
    """Simple commands, in words: without comments, here-documents, redirections, pipes and loops."""
    text = re.sub(r"\\\n *", " ", text)
    text = re.sub(r"<<-? *'?(\w+)'?\n.*?\n\1(?=\n|$)", "", text, flags=re.DOTALL)
    text = re.sub(r"<<<.*", "", text)
    # What a placeholder stands for is a word.
    text = re.sub(r"<([a-z][a-z_. -]*)>", "placeholder", text)
    for line in text.splitlines():
        for inner in [*re.findall(r"\$\(([^()]+)", line), re.sub(r"\$\([^)]*\)", "substituted", line)]:
            yield from _simple(inner)


def _simple(line: str) -> Iterator[list[str]]:
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";|&<>")
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:
        words = line.split()
    command: list[str] = []
    for word in [*words, ";"]:
        if set(word) <= set(";|&<>"):
            while command and command[0] in ("while", "until", "do", "if", "then", "done", "{", "}"):
                command = command[1:]
            if command:
                yield command
            command = []
        else:
            command.append(word)


def all_commands() -> list[tuple[str, list[str]]]:
    found = []
    for page in PAGES:
        for block in blocks((ROOT / page).read_text(encoding="utf-8")):
            for words in commands(block):
                if words[0] in PROGRAMS and (page, words) not in found:
                    found.append((page, words))
    return found


@cache
def aws_tables() -> tuple[Any, set[str]]:
    driver = create_clidriver()
    return driver._get_command_table(), {f"--{name}" for name in driver._get_argument_table()}


def aws_operation(service: str, operation: str) -> set[str]:
    """The options of an operation, by AWS's model of it; of the CLI's own commands, by theirs."""
    known, options = aws_tables()
    assert service in known, f"aws {service}: no such service"
    table = getattr(known[service], "subcommand_table", None) or known[service]._get_command_table()
    assert operation in table, f"aws {service} {operation}: no such operation"
    return {f"--{name}" for name in table[operation].arg_table} | options


def options_of(words: list[str]) -> set[str]:
    return {word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)}


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@cache
def help_of(*program: str) -> str:
    command = [sys.executable, *program, "--help"]
    wide = os.environ | {"COLUMNS": "200"}
    done = subprocess.run(command, cwd=ROOT, env=wide, capture_output=True, text=True, check=True)
    return done.stdout


def check(words: list[str]) -> None:
    program, *rest = words
    if program == "make":
        targets = [word for word in rest if "=" not in word and not word.startswith("-")]
        assert set(targets) <= make_targets(), targets
        assert {word.partition("=")[0] for word in rest if "=" in word} <= VARIABLES
    elif program == "pulumi":
        (verb,) = [verb for verb in PULUMI if " ".join(rest[: len(verb.split())]) == verb]
        assert options_of(rest) <= PULUMI[verb], rest
    elif program in ("aws", ".venv/bin/aws"):
        plain = [word for word in rest if not word.startswith("--endpoint")]
        plain = plain[1:] if plain[0].startswith(("http", "$", "substituted")) else plain
        assert options_of(rest) <= aws_operation(plain[0], plain[1]), rest
    elif program == ".venv/bin/data-pipeline":
        known = get_command(app).commands  # type: ignore[attr-defined]
        if rest and not rest[0].startswith("-"):
            assert rest[0] in known, rest
            command = known[rest[0]]
            # A group, such as `contract`, has commands of its own.
            command = command.commands[rest[1]] if hasattr(command, "commands") else command
            names = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
            assert options_of(rest) <= names | {"--help"}, rest
    elif program == ".venv/bin/python" and rest[0] == "-m" and rest[1].startswith("local."):
        assert options_of(rest) <= options_of(re.split(r"[\s,\[\]]+", help_of("-m", rest[1]))), rest
    elif program == ".venv/bin/python" and rest[0] == "scripts/deploy.py":
        assert options_of(rest) <= options_of(re.split(r"[\s,\[\]]+", help_of(rest[0]))), rest
    elif program == ".venv/bin/python" and rest[:2] == ["-m", "pytest"]:
        assert all((ROOT / word).exists() for word in rest[2:] if "/" in word), rest
    elif program == ".venv/bin/python":
        assert (
            rest[0] == "-c"
            or (ROOT / f"{rest[1].replace('.', '/')}").exists()
            or (ROOT / f"{rest[1].replace('.', '/')}.py").exists()
        ), rest
    else:
        assert program == ".venv/bin/pre-commit" or shutil.which(program), program


CASES = [pytest.param(*one, id=f"{one[0]}: {' '.join(one[1])[:70]}") for one in all_commands()]


@pytest.mark.parametrize(("page", "words"), CASES)
def test_a_command_of_the_documentation_exists_with_its_options(page: str, words: list[str]) -> None:
    check(words)


def test_there_is_something_to_check_on_every_page() -> None:
    found = all_commands()
    assert {page for page, _ in found} == set(PAGES)
    assert {words[0] for _, words in found} >= {"aws", "make", "pulumi", ".venv/bin/data-pipeline"}
    assert len(found) > 60


@pytest.mark.parametrize("page", PAGES)
def test_no_page_runs_the_projects_modules_by_another_python(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert re.findall(r"(?<!\.venv/bin/)python3? -m (?:ops|local)\b", text) == []


@pytest.mark.parametrize(
    "command",
    [
        "make nothing",
        "make preview STAK=dev",
        "pulumi stack ouput",
        "pulumi up --stak dev",
        "aws sqs receive-mesage --queue-url x",
        "aws sqs receive-message --queue-uri x",
        "aws nothing list",
        "aws s3 cp a b --nothing",
        ".venv/bin/data-pipeline files x",
        ".venv/bin/data-pipeline replay flights --bach x",
        ".venv/bin/python -m local.up --emty",
        ".venv/bin/python scripts/deploy.py --enviroment dev",
        ".venv/bin/python -m pytest tests/unit/nowhere.py",
    ],
)
def test_a_command_with_a_slip_of_the_pen_is_seen(command: str) -> None:
    (words,) = commands(command)
    with pytest.raises((AssertionError, ValueError)):
        check(words)
