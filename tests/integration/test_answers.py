"""docs/answers.md is what the commands answer: its story is told to a pipeline in the emulator, on 80 columns.

ANSWERS=yes writes the page (`make answers`); without it, the answers are held against the page.
"""

import difflib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from local.driver import Pipeline
from local.emulator import ACCESS_KEY, REGION, Emulator
from ops.__main__ import app
from tests.integration.answers import (
    BEGIN,
    COLUMNS,
    FOLDER,
    REVIEW,
    STORY,
    Answer,
    Step,
    name_of,
    parts_of,
    shape,
    told,
)
from tests.integration.begun import begun

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "answers.md"
SECONDS = 60


@pytest.fixture(scope="module")
def environment(emulator: Emulator, pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    outputs = tmp_path_factory.mktemp("outputs") / "outputs.json"
    outputs.write_text(json.dumps(pipeline.outputs))
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
        "AWS_ENDPOINT_URL": emulator.endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_MAX_ATTEMPTS": "1",
        "DATA_PIPELINE_OUTPUTS": str(outputs),
        "COLUMNS": str(COLUMNS),
        # What Rich takes for a terminal, one without colours.
        "TTY_COMPATIBLE": "1",
        "TERM": "dumb",
    }


@pytest.fixture(scope="module")
def answers(emulator: Emulator, pipeline: Pipeline, environment: dict[str, str]) -> Iterator[list[Answer]]:
    """Tell the story once; each step's exit code is checked on the way."""
    shutil.rmtree(REPOSITORY / FOLDER, ignore_errors=True)
    arranged: Mapping[str, Callable[[], str]] = {
        "": lambda: "",
        "a batch of planes is at its job": lambda: begun(emulator, pipeline, environment),
        "airlines is to be an iceberg table": lambda: deploy_as_iceberg(pipeline, "airlines"),
    }
    found: list[Answer] = []
    seen = ""
    for step in STORY:
        seen += arranged[step.before]() + "\n"
        command = filled(step.command, seen)
        answer = Answer(step=step, command=command, text=run(step, command, environment))
        seen += answer.text
        found.append(answer)
    yield found
    shutil.rmtree(REPOSITORY / FOLDER)


def filled(command: str, seen: str) -> str:
    """A command with the batches that it names by dataset and place, as answers before have named them."""

    def batch(found: re.Match[str]) -> str:
        dataset, place = found.groups()
        return str(re.findall(rf"\b{dataset}-\d{{8}}T\d{{6}}Z-\d{{6}}\b", seen)[0 if place == "first" else -1])

    return re.sub(r"\{(\w+):(first|last)\}", batch, command)


def deploy_as_iceberg(pipeline: Pipeline, dataset: str) -> str:
    """What a deployment of another contract does."""
    place = {"Bucket": pipeline.outputs["artifacts_bucket"], "Key": f"contracts/{dataset}.json"}
    contract = json.loads(pipeline.s3.get_object(**place)["Body"].read())
    contract |= {"table_format": "iceberg", "version": "2.0.0"}
    pipeline.s3.put_object(**place, Body=json.dumps(contract))
    return ""


def run(step: Step, command: str, environment: dict[str, str]) -> str:
    """Type a step's lines; returns what was said, without the line that names the deployment."""
    deadline = time.monotonic() + SECONDS
    while True:
        done = subprocess.run(
            ["bash", "-eu", "-c", f"{step.script}\n.venv/bin/data-pipeline {command}"],
            cwd=REPOSITORY,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        expected = done.returncode == step.code and re.search(step.until, done.stdout) is not None
        if expected or not step.until or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    assert expected, f"{command}: exit code {done.returncode}, expected {step.code} and {step.until!r}:\n{done.stdout}"
    announced = rf"(?m)^{re.escape(environment['DATA_PIPELINE_OUTPUTS'])}:.*\n(?: {{4}}.*\n)+"
    return re.sub(announced, "", done.stdout, count=1)


def every_command() -> set[str]:
    found = set()
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]  # typer types it as a command, it is a group
        found |= {f"{name} {own}" for own in getattr(command, "commands", {})} or {name}
    return found


def test_each_command_is_told() -> None:
    assert {name_of(step.command) for step in (*STORY, *REVIEW)} == every_command()


def test_the_page_is_what_the_commands_answer(answers: list[Answer]) -> None:
    written = f"{BEGIN}\n{told(answers)}\n"
    before, others = parts_of(PAGE.read_text(encoding="utf-8"))
    if os.environ.get("ANSWERS"):
        PAGE.write_text(written + others, encoding="utf-8")
        before = written
    old, new = (shape(text).splitlines() for text in (before, written))
    difference = "\n".join(difflib.unified_diff(old, new, "docs/answers.md", "what commands answer", lineterm=""))
    assert not difference, f"make answers writes docs/answers.md again:\n{difference}"


def test_no_answer_is_wider_than_the_terminal(answers: list[Answer]) -> None:
    wide = [
        f"{answer.command}: {line}"
        for answer in answers
        for line in answer.text.splitlines()
        if len(line) > COLUMNS and len(line.split()) > 1
    ]
    assert not wide, "\n".join(wide)


def test_the_page_tells_nothing_of_the_machine(answers: list[Answer], environment: Mapping[str, Any]) -> None:
    written = told(answers)
    named = (
        str(REPOSITORY),
        str(Path.home()),
        "/tmp/",
        "/home/",
        str(Path(environment["DATA_PIPELINE_OUTPUTS"]).parent),
    )
    assert [word for word in (*named, environment["AWS_ENDPOINT_URL"]) if word in written] == []
