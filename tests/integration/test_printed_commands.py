"""What `make local` prints to be typed, typed as it stands, in a shell of 80 columns."""

import os
import re
import subprocess
from pathlib import Path

from rich.console import Console

from local import up
from local.driver import Pipeline
from local.emulator import Emulator

REPOSITORY = Path(__file__).parents[2]


def test_what_make_local_prints_lands_a_file_and_asks_for_its_rows(emulator: Emulator, pipeline: Pipeline) -> None:
    console = Console(record=True, width=80, file=open(os.devnull, "w"))  # noqa: SIM115  the console's until it ends
    up.describe(emulator, pipeline.outputs, console)
    console.file.close()
    text = console.export_text()
    printed = text.partition("In another terminal, in this directory:\n")[2].partition("\nCtrl-C ends it;")[0]
    assert len(printed.strip().splitlines()) == 14
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DATA_PIPELINE"))}
    done = subprocess.run(
        ["bash", "-u", "-e", "-o", "pipefail", "-c", printed],
        cwd=REPOSITORY,
        env=environment | {"COLUMNS": "80", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "airlines.csv is PUBLISHED; rows read 16, curated 16" in done.stdout
    assert done.stdout.count("\ncarrier ") == 5, "Athena's answer"
    assert re.search(r"  airlines: published \d+ s ago", done.stdout)
    assert " 0 of " in done.stdout.replace("\n", " "), "nothing was denied"
    assert "requests were denied" in done.stdout
