"""The job's entry point: from a manifest in S3 to a report in S3, and Glue's own arguments are ignored."""

import importlib.util
import json
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws
from pipeline_core.job_errors import FileKilledSparkError, SparkDiedError, SparkFailedError
from pipeline_core.manifest import Manifest
from pipeline_core.report import Report
from py4j.java_gateway import JVMView
from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from glue_jobs import raw_to_curated
from tests.lake import ORDERS


def test_main_reads_the_manifest_and_writes_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = {
        "batch_id": "orders-1",
        "dataset": "orders",
        "contract": "s3://bucket/contract.json",
        "staging": "s3://bucket/staging/orders/orders-1/",
        "table": "s3://bucket/tables/orders/",
        "files": [],
    }
    seen = []

    def run(_: object, manifest: object, contract: object, attempt: str) -> Report:
        seen.append((manifest, contract, attempt))
        return Report(batch_id="orders-1", dataset="orders", contract_version="1", files=(), curated=(), quarantined=())

    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="manifest.json", Body=json.dumps(manifest))
        s3.put_object(Bucket="bucket", Key="contract.json", Body=json.dumps(ORDERS))
        monkeypatch.setattr(raw_to_curated, "run", run)
        monkeypatch.setattr(raw_to_curated, "session", lambda name: None)
        raw_to_curated.main(["--JOB_NAME", "x", "--manifest", "s3://bucket/manifest.json"])
        written = s3.get_object(Bucket="bucket", Key="staging/orders/orders-1/report.json")["Body"].read()
    assert Report.from_json(written).batch_id == "orders-1"
    assert len(seen) == 1


@pytest.fixture
def awsglue(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Glue's own library, as far as the job uses it; answers the contexts that it was made with."""
    made: list[Any] = []

    class GlueContext:
        def __init__(self, context: Any) -> None:
            made.append(context)
            # Nobody promises what else it does to the session.
            SparkSession.getActiveSession().conf.set("spark.sql.session.timeZone", "America/New_York")  # type: ignore[union-attr]

    package, module = ModuleType("awsglue"), ModuleType("awsglue.context")
    package.__spec__ = ModuleSpec("awsglue", None)
    module.GlueContext = GlueContext  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, "awsglue", package)
    monkeypatch.setitem(sys.modules, "awsglue.context", module)
    return made


@pytest.fixture
def own(spark: SparkSession) -> Iterator[SparkSession]:
    """The session that the tests share, which gets back what it is given beside the job's settings."""
    yield spark
    spark.conf.set("spark.sql.adaptive.enabled", "false")


def test_on_glue_a_run_has_metrics_and_the_jobs_own_settings(own: SparkSession, awsglue: list[Any]) -> None:
    made = raw_to_curated.session("tests")
    assert awsglue == [own.sparkContext], "Glue writes metrics of the context that a GlueContext was made of"
    for key, value in raw_to_curated.SESSION.items():
        assert made.conf.get(key) == value, f"{key} is Glue's, not the job's"


def test_elsewhere_it_runs_without(own: SparkSession) -> None:
    assert importlib.util.find_spec("awsglue") is None, "the test proves nothing where Glue's library is installed"
    assert raw_to_curated.session("tests").sparkContext is own.sparkContext


def test_a_library_of_glue_that_is_broken_fails_the_run_and_is_not_taken_for_none(
    own: SparkSession, awsglue: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "awsglue.context", None)
    with pytest.raises(ImportError, match="awsglue"):
        raw_to_curated.session("tests")


def test_nothing_but_the_metrics_needs_glue() -> None:
    modules = list((Path(__file__).parents[3] / "glue_jobs").glob("*.py"))
    assert {path.name for path in modules if "awsglue" in path.read_text()} == {"metrics.py"}


@pytest.mark.parametrize(
    "error",
    [Py4JNetworkError("Answer from Java side is empty"), Py4JError("An error occurred while calling o1620.parquet")],
    ids=["between calls", "in a call"],
)
@pytest.mark.parametrize(
    ("step", "suspect", "kind"),
    [
        ("session", True, SparkFailedError),
        ("read_known_good", True, SparkDiedError),
        ("run", True, FileKilledSparkError),
        ("run", False, SparkDiedError),
    ],
)
def test_a_spark_that_is_killed_is_held_against_a_file_only_after_the_known_good_one(
    monkeypatch: pytest.MonkeyPatch, step: str, suspect: bool, kind: type[Exception], error: Exception
) -> None:
    manifest = Manifest(
        batch_id="b",
        dataset="orders",
        contract="s3://bucket/contract.json",
        staging="s3://bucket/staging/",
        table="s3://bucket/tables/orders/",
        files=(),
        known_good="s3://bucket/good.csv" if suspect else "",
    )

    def killed(*_: object) -> None:
        raise error

    for name in ("session", "read_known_good", "run"):
        monkeypatch.setattr(raw_to_curated, name, killed if name == step else lambda *_: None)
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="manifest.json", Body=manifest.to_json())
        s3.put_object(Bucket="bucket", Key="contract.json", Body=json.dumps(ORDERS))
        with pytest.raises(SparkFailedError) as failure:
            raw_to_curated.main(["--manifest", "s3://bucket/manifest.json"])
    assert type(failure.value) is kind


def test_sparks_workers_are_of_the_python_that_runs_the_tests(spark: SparkSession) -> None:
    workers = spark.range(1).select(F.udf(lambda _: sys.executable, "string")("id")).first()
    assert workers is not None
    assert Path(workers[0]).resolve() == Path(sys.executable).resolve()


def test_what_pyspark_asks_for_with_each_column_is_looked_up_once(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(JVMView, "__getattr__", lambda _, name: asked.append(name))
    rows = spark.range(2).select(F.coalesce(F.col("id"), F.lit(0)).alias("id")).where(F.col("id") > 0).collect()
    assert (rows, asked) == ([(1,)], [])
