"""Functions and the job run with what AWS gives them, and nothing else that happens to be installed here."""

import importlib.metadata
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from components.compute import packaging
from components.compute.layer import belongs

FUNCTIONS = ("ingestion", "etl_trigger", "processing", "query", "notification", "error_handler", "stage")
RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "urllib3", "six")
"""What the Lambda runtime brings besides the standard library."""


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with boto3 and what it needs, as in the Lambda runtime."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in RUNTIME:
        distribution = importlib.metadata.distribution(name)
        tops = {file.parts[0] for file in distribution.files or () if file.parts[0] != ".."}
        for top in tops - {"__pycache__"}:
            (folder / top).symlink_to(Path(str(distribution.locate_file(top))))
    return folder


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those files that the layer has, for this machine, and nothing else: no numpy, no pandas."""
    folder = tmp_path_factory.mktemp("layer")
    pins = re.findall(r"^([a-z0-9-]+)==", (packaging.ROOT / "requirements" / "layer.txt").read_text(), re.MULTILINE)
    for name in pins:
        for file in importlib.metadata.distribution(name).files or ():
            if belongs(file.as_posix()) and file.parts[0] != ".." and "__pycache__" not in file.parts:
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                (folder / file).symlink_to(Path(str(file.locate())))
    return folder


def clean(code: str, *path: Path) -> subprocess.CompletedProcess[str]:
    """Run code in an interpreter that sees the standard library and `path` only."""
    program = f"import sys; sys.path[:0] = {[str(item) for item in path]!r}; {code}"
    environment = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_SERVICE_NAME": "test",
        "POWERTOOLS_METRICS_NAMESPACE": "DataPipeline",
        "PATH": os.environ["PATH"],
    }
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], env=environment, capture_output=True, text=True, check=False
    )


WITH_LAYER = ("stage", "processing", "maintenance")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_imports_with_its_archive_alone(function: str, runtime: Path, layer: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(packaging.function_archive(function)).extractall(tmp_path)
    code = f"from lambdas.{function}.handler import handler; print(callable(handler))"
    imported = clean(code, tmp_path, runtime, *([layer] if function in WITH_LAYER else []))
    assert imported.stdout == "True\n", imported.stderr


SMALL = """
import datetime, io
from pipeline_core.contract import Column, Contract
from pipeline_core.manifest import Manifest, ManifestFile
from record_engine.engine import stage

class Store:
    def __init__(self):
        self.objects = {"s3://r/t/a.csv": b"id,at\\n1,2024-03-10 02:30\\n1,2024-01-01 00:00\\nx,\\n"}
    def open_file(self, file):
        return self.open_read(file.uri)
    def open_read(self, uri):
        return io.BytesIO(self.objects[uri])
    def open_write(self, uri):
        objects = self.objects
        class Written(io.BytesIO):
            def close(self):
                if not self.closed:
                    objects[uri] = self.getvalue()
                super().close()
        return Written()
    def list(self, uri):
        return []

columns = (Column(name="id", type="int", required=True), Column(name="at", type="timestamp"))
contract = Contract(
    dataset="t", version="1.0.0", columns=columns, primary_key=("id",), partition_by=(), quality=(), formats=("csv",),
    null_tokens=("",), delimiter=",", time_zone="America/New_York", max_file_bytes=10**9, frequency_hours=None,
)
file = ManifestFile(key="t/a.csv", version="v", uri="s3://r/t/a.csv", size=50, format="csv", landed_at="")
manifest = Manifest(
    batch_id="b", dataset="t", contract="s3://a/c", staging="s3://c/s/", table="s3://c/t/", files=(file,)
)
report = stage(manifest, contract, Store(), "a", datetime.datetime.now(datetime.timezone.utc))
print(report.counts.rows_read, report.counts.rows_curated, report.counts.rows_duplicate, report.counts.rows_quarantined)
"""


def test_the_engine_stages_with_the_layer_alone(runtime: Path, layer: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(packaging.function_archive("stage")).extractall(tmp_path)
    staged = clean(SMALL, tmp_path, runtime, layer)
    assert staged.stdout == "3 1 1 1\n", staged.stderr


def test_the_clean_interpreter_is_clean_and_what_is_packed_is_needed(runtime: Path) -> None:
    for name in ("pydantic", "aws_lambda_powertools", "pipeline_core"):
        assert f"No module named '{name}'" in clean(f"import {name}", runtime).stderr


def test_what_the_job_shares_with_the_functions_needs_the_standard_library_only(tmp_path: Path) -> None:
    zipfile.ZipFile(packaging.glue_archive()).extractall(tmp_path)
    code = "import pipeline_core.contract, pipeline_core.manifest, pipeline_core.report, pipeline_core.layout"
    imported = clean(code, tmp_path)
    assert imported.returncode == 0, imported.stderr


def test_archives_are_pure_python() -> None:
    archives = [packaging.glue_archive(), *map(packaging.function_archive, FUNCTIONS)]
    for archive in archives:
        names = zipfile.ZipFile(archive).namelist()
        assert names, f"{archive} is empty"
        assert [name for name in names if name.endswith((".so", ".pyd", ".pyc"))] == []
