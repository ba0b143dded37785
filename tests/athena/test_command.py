"""`data-pipeline query --engine trino` has a real Trino answer over an emulator that runs with the quick engine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.emulator import ACCESS_KEY, REGION
from tests.athena.conftest import Engines
from tests.athena.world import BUCKET, DATABASE

pytestmark = pytest.mark.athena
ROOT = Path(__file__).parents[2]


def asked(engines: Engines, tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps({"database": DATABASE, "workgroup": "people"}))
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": engines.world.athena.meta.endpoint_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "lambdas" / "layers")]),
    }
    command = [sys.executable, "-m", "ops", "query", *arguments, "--outputs", str(outputs)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_either_engine_answers_and_only_trino_knows_more(engines: Engines, tmp_path: Path) -> None:
    location = {"ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/results/"}}
    engines.world.athena.create_work_group(Name="people", Configuration=location)
    both = [
        "--sql",
        "SELECT id, price FROM kinds WHERE id = ? OR price IS NULL ORDER BY id",
        "--literals",
        "--json",
        "1",
    ]
    quick, trino = asked(engines, tmp_path, *both), asked(engines, tmp_path, *both, "--engine", "trino")
    assert quick.returncode == trino.returncode == 0, (quick.stderr, trino.stderr)
    assert json.loads(quick.stdout)["rows"] == json.loads(trino.stdout)["rows"] == [["1", "12.50"], ["3", None]]
    more = ["--sql", "SELECT version()"]
    refused, answered = asked(engines, tmp_path, *more), asked(engines, tmp_path, *more, "--engine", "trino")
    assert (refused.returncode, answered.returncode) == (1, 0)
    assert "not emulated here: ATHENA=trino" in refused.stderr
    wrong = asked(engines, tmp_path, "--sql", "SELECT nothing FROM kinds", "--engine", "trino")
    assert wrong.returncode == 1
    assert "COLUMN_NOT_FOUND: line 1:8" in wrong.stderr
