"""Poison files, quarantined rows, replay and backfill on the emulator, with the operator's own commands."""

import io
import json
import re
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from local.deployer import read_config
from local.driver import Pipeline, Progress
from local.emulator import Emulator
from tests.integration.conftest import REPOSITORY, with_spark
from tests.integration.kept import keep_decisions
from tests.integration.local.conftest import eventually
from tests.integration.ticks import one_batch

HEADER = b"carrier,name\n"
SECONDS = 240
BAD = b"Q1,One\nTOOLONG,Two\nQ3,Three\n" + b"".join(b"R%d,Many\n" % n for n in range(10)) * 10


def done(count: int) -> Callable[[Progress], bool]:
    """All files are at their end, and so are at least `count` workflows."""
    return lambda state: state.done and len(state.stages) >= count


def ask(pipeline: Pipeline, query: str, *parameters: str) -> list[list[str | None]]:
    return list(pipeline.invoke("query", {"query": query, "parameters": list(parameters)})["rows"])


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator"), wait_scale=0.05, faults=True) as emulator:
        yield emulator
    keep_decisions(emulator)


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return with_spark(read_config(REPOSITORY, "local"))


def faults(emulator: Emulator, rules: list[dict[str, Any]]) -> None:
    """Have these rules in force (local/patches/faults.py), and no others."""
    for method in ("DELETE", "PUT"):
        request = urllib.request.Request(f"{emulator.endpoint}/_faults/", json.dumps(rules).encode(), method=method)
        urllib.request.urlopen(request, timeout=10).close()


def replayed(pipeline: Pipeline, key: str, status: str, before: int) -> Progress:
    """Wait until a file that was asked for is at its end again."""
    progress = pipeline.wait(done(before + 1), SECONDS)
    assert {file.status for file in progress.files if file.key == key} == {status}
    return progress


def outcomes(pipeline: Pipeline) -> Counter[str]:
    """How often each outcome was notified since the last call."""
    return Counter(message["Subject"].split("]")[0].strip("[") for message in pipeline.notifications())


def in_quarantine(pipeline: Pipeline) -> set[str | None]:
    return {key for row in ask(pipeline, "latest_quarantined_files") for key in row}


def test_a_file_that_cannot_be_read_is_quarantined_and_its_neighbour_published_in_one_run(
    emulator: Emulator, pipeline: Pipeline
) -> None:
    sink = io.BytesIO()
    names = [f"{chr(65 + n % 26)}{chr(65 + n // 26)}" for n in range(600)]
    pq.write_table(pa.table({"carrier": names, "name": names}), sink)
    whole = sink.getvalue()
    noise = whole[:100] + b"\xff" * 400 + whole[500:]
    good, poison = "airlines/good.csv", "airlines/poison.parquet"
    with one_batch(emulator, pipeline):
        pipeline.land([(good, HEADER + b"P0,Good\n"), (poison, noise)])
    progress = pipeline.wait(done(1), SECONDS)
    states = {file.key: file for file in progress.files}
    assert (states[good].status, states[poison].status) == ("PUBLISHED", "QUARANTINED")
    assert (states[poison].reason or "").startswith("unreadable: "), "a person reads why"
    assert outcomes(pipeline) == {"PUBLISHED": 1}
    assert len(progress.stages) == 1
    assert poison in in_quarantine(pipeline)


def test_a_batch_that_spark_dies_on_is_given_back_once_and_split_when_spark_dies_again(
    emulator: Emulator, pipeline: Pipeline
) -> None:
    before = len(pipeline.progress().stages)
    good, killer = "airlines/beside.csv", "airlines/killer.csv"
    # No content that the engine cannot stand is known: whoever reads the file is killed, as where there is no memory.
    reading = {"service": "s3", "operation": "GetObject", "principal": "raw-to-curated", "text": killer}
    faults(emulator, [{"id": "killer", "effect": "kill", "times": 0, **reading}])
    with one_batch(emulator, pipeline):
        pipeline.land([(good, HEADER + b"P1,Good\n"), (killer, HEADER + b"P8,Bad\n")])
    # Two batches of both, one of the good file, two of the one that kills Spark: it is blamed at the second time alone.
    progress = pipeline.wait(done(before + 5), 4 * SECONDS)
    faults(emulator, [])
    states = {file.key: file for file in progress.files}
    assert (states[good].status, states[killer].status) == ("PUBLISHED", "QUARANTINED")
    assert re.search(r"FileKilledSparkError: .*Python worker exited unexpectedly", states[killer].reason or "")
    assert outcomes(pipeline) == {"RELEASED": 2, "SPLIT": 1, "PUBLISHED": 1, "QUARANTINED": 1}
    assert killer in in_quarantine(pipeline)


def counted(emulator: Emulator, metric: str) -> list[float]:
    """What error_handler said of a metric, as CloudWatch reads it from its log."""
    group = "/aws/lambda/data-pipeline-local-error-handler"
    pages = emulator.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    lines = [line for page in pages for event in page["events"] for line in event["message"].splitlines()]
    documents = [json.loads(line) for line in lines if line.startswith("{") and '"CloudWatchMetrics"' in line]
    return [value for document in documents for value in document.get(metric, [])]


def test_every_failed_run_was_counted(emulator: Emulator, pipeline: Pipeline) -> None:
    runs = emulator.client("glue").get_job_runs(JobName=pipeline.outputs["job_name"])["JobRuns"]
    failed = [run["Id"] for run in runs if run["JobRunState"] == "FAILED"]
    assert failed, "the poison file failed none"
    eventually(lambda: counted(emulator, "JobRunsFailed") == [1] * len(failed))


def test_a_failed_crawl_is_counted(emulator: Emulator, pipeline: Pipeline) -> None:
    place = {"Bucket": pipeline.outputs["curated_bucket"], "Key": "tables/planes/no.parquet"}
    pipeline.s3.put_object(**place, Body=b"no Parquet")
    emulator.client("glue").start_crawler(Name=pipeline.outputs["crawlers"]["planes"])
    eventually(lambda: counted(emulator, "CrawlsFailed") == [1])
    pipeline.s3.delete_object(**place)


def test_quarantined_rows_are_a_table_and_leave_it_when_the_contract_is_put_right(
    pipeline: Pipeline, operator: Callable[..., str]
) -> None:
    before = len(pipeline.progress().stages)
    pipeline.land([("airlines/rows.csv", HEADER + BAD)])
    pipeline.wait(done(before + 1), SECONDS)
    batch_id = pipeline.batch_of("airlines/rows.csv")
    sql = "SELECT source_file, line, raw_record, array_join(reasons, ' ') FROM quarantined_rows WHERE batch_id = ?"
    rows = pipeline.invoke("query", {"sql": sql, "parameters": [batch_id]})["rows"]
    assert [[row[0].partition("?")[0], *row[1:]] for row in rows] == [
        ["airlines/rows.csv", "3", "TOOLONG,Two", "max_length:carrier pattern:carrier"]
    ]
    bucket, key = pipeline.outputs["artifacts_bucket"], "contracts/airlines.json"
    contract = json.loads(pipeline.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    for column in contract["columns"]:
        column |= {"pattern": None, "max_length": None}
    pipeline.s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(contract))
    assert "read the quarantined rows again" in operator("replay", "airlines", "--prefix", "rows", "--yes")
    progress = replayed(pipeline, "airlines/rows.csv", "PUBLISHED", before + 1)
    (file,) = [file for file in progress.files if file.key == "airlines/rows.csv"]
    assert file.rows == {"rows_read": 103, "rows_curated": 13, "rows_quarantined": 0, "rows_duplicate": 90}
    assert pipeline.invoke("query", {"sql": sql, "parameters": [batch_id]})["rows"] == []
    found = pipeline.invoke("query", {"sql": "SELECT name FROM airlines WHERE carrier = 'TOOLONG'"})["rows"]
    assert found == [["Two"]]
    assert "Nothing to do" in operator("replay", "airlines", "--prefix", "rows", "--yes")


def test_a_backfill_with_again_replaces_a_files_own_rows_and_no_others(
    pipeline: Pipeline, operator: Callable[..., str]
) -> None:
    table = "SELECT carrier, name, _source_file FROM airlines ORDER BY 1"
    before = pipeline.invoke("query", {"sql": table})["rows"]
    workflows = len(pipeline.progress().stages)
    bucket, key = pipeline.outputs["artifacts_bucket"], "contracts/airlines.json"
    contract = json.loads(pipeline.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    contract["null_tokens"] = [*contract["null_tokens"], "TOOLONG"]
    pipeline.s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(contract))
    operator("backfill", "airlines", "--prefix", "rows", "--again", "--yes")
    replayed(pipeline, "airlines/rows.csv", "PUBLISHED", workflows)
    after = pipeline.invoke("query", {"sql": table})["rows"]
    assert after == [row for row in before if row[0] != "TOOLONG"]
    runs = ask(pipeline, "recent_runs", "airlines")
    assert any("replace" in row for row in runs)


def test_the_runs_account_for_every_row(pipeline: Pipeline) -> None:
    sql = (
        "SELECT count(*), count_if(rows_read <> rows_curated + rows_quarantined + rows_duplicate), sum(rows_read) "
        "FROM runs WHERE dataset = 'airlines'"
    )
    ((count, wrong, read),) = pipeline.invoke("query", {"sql": sql})["rows"]
    assert (int(count) >= 8, wrong) == (True, "0")
    assert int(read) > 100
    assert pipeline.invoke("query", {"sql": "SELECT DISTINCT outcome FROM runs ORDER BY 1"})["rows"] == [
        ["PUBLISHED"],
        ["QUARANTINED"],
        ["RELEASED"],
        ["SPLIT"],
    ]
