"""Every command of docs/tutorial.md, as it stands there, in a copy of the repository."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.emulator import free_port
from tests.integration.clone import copy_repository, with_environment

REPOSITORY = Path(__file__).parents[2]
TUTORIAL = REPOSITORY / "docs" / "tutorial.md"
SECONDS = 240


def blocks() -> dict[int, list[str]]:
    """The shell blocks, by the number of their section."""
    text = TUTORIAL.read_text(encoding="utf-8")
    sections = re.split(r"^## (\d)\. .*$", text, flags=re.MULTILINE)[1:]
    found = {
        int(number): re.findall(r"```sh\n(.*?)```", body, flags=re.DOTALL)
        for number, body in zip(sections[::2], sections[1::2], strict=True)
    }
    assert [len(shell) for shell in found.values()] == [1, 3, 2, 2, 2, 1], "a block was added: run it here"
    return found


def shell(clone: Path, *scripts: str) -> str:
    """Run scripts one after the other in one shell, as a person does, and return what they print."""
    command = ["bash", "-eu", "-o", "pipefail", "-c", "\n".join(scripts)]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    with_environment(copy_repository(tmp_path))
    commit = "git init -q -b main && git add -A && git -c user.name=t -c user.email=t@example.com commit -qm all"
    subprocess.run(["bash", "-c", commit], cwd=tmp_path, check=True)
    return tmp_path


@pytest.fixture
def pipeline_is_up(clone: Path) -> Iterator[None]:
    infer, contract, _ = blocks()[2]
    shell(clone, blocks()[1][0], infer, contract)
    assert blocks()[3][0].strip() == "make local"
    # The environment is there; its time stamp says nothing about this copy.
    command = ["make", "-o", ".venv/.local", "local"]
    # The port that it has by itself may be another run's.
    env = {**os.environ, "PORT": str(free_port())}
    with (clone / "make.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=clone,
            env=env,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # Whatever runs the tests may ignore it, as a shell does for what it starts in the background.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    try:
        deadline = time.monotonic() + SECONDS
        while not (clone / ".local" / "outputs.json").exists():
            assert process.poll() is None, (clone / "make.log").read_text()
            assert time.monotonic() < deadline, (clone / "make.log").read_text()
            time.sleep(0.2)
        yield
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


def test_the_preview_of_the_readme_shows_what_it_promises(clone: Path) -> None:
    (command,) = re.findall(r"`(make preview [^`]+)`", (clone / "README.md").read_text(encoding="utf-8"))
    stack_file = clone / "Pulumi.prod.yaml"
    text = stack_file.read_text(encoding="utf-8")
    stack_file.write_text(text.replace("log_retention_days: 365", "log_retention_days: 400"), encoding="utf-8")
    assert stack_file.read_text(encoding="utf-8") != text
    shown = shell(clone, f"export COLUMNS=80\n{command}")
    assert "a month idle" in shown, "what it costs"
    assert "retentionInDays" in shown, "what changes against a revision"


def test_a_preview_shows_what_the_contract_adds(clone: Path) -> None:
    shell(clone, blocks()[1][0])
    text = shell(clone, *blocks()[2])
    assert "data-pipeline-contract-payments" in text
    assert "data-pipeline-contract-orders" in text
    assert "crawler-payments" not in text, "nobody asked for one"


@pytest.mark.usefixtures("pipeline_is_up")
def test_a_csv_file_becomes_a_table_that_answers(clone: Path) -> None:
    names, (land, look), (ask, refused) = blocks()[3][1], blocks()[4], blocks()[5]
    landed = shell(clone, names, land).splitlines()
    assert landed == [
        "orders/orders.csv is PUBLISHED; rows read 3, curated 3, quarantined 0, duplicate 0",
        "payments/payments.csv is PUBLISHED; rows read 5, curated 4, quarantined 1, duplicate 0",
        "exit code 3: something was refused",
    ]
    text = shell(clone, names, look)
    counted = [line.split() for line in text.splitlines() if "rows_" in line]
    assert [rows for name, rows in counted if name in ("rows_read:", "rows_curated:", "rows_quarantined:")] == [
        *("3", "3", "0"),
        *("5", "4", "1"),
    ]
    answered = shell(clone, "export COLUMNS=80", names, ask)
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in answered.splitlines() if "│" in line]
    assert rows == [
        ["10001", "A4 paper, 500 sheets", "54.00", "1200"],
        ["10002", 'Chair "Oslo"', "296.57", ""],
        ["10003", "Pens, blue", "48.00", "300"],
        *(["K-017", "2", "3.50"], ["L-003", "2", "7.75"]),
    ]
    answer = shell(clone, names, refused)
    assert "line 5" in answer
    assert "reasons: minimum:amount" in answer
    shell(clone, blocks()[6][0])
    assert not (clone / "contracts" / "payments.odcs.yaml").exists()
    assert not (clone / "contracts" / "orders.odcs.yaml").exists()
