"""Files land in the emulator, good and bad ones, and each has the fate that docs/semantics.md defines."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from local.demo_data import package_data
from local.driver import Pipeline, PipelineError
from local.emulator import Emulator
from recording.decisions import denials, read_decisions
from tests.integration.ticks import one_batch

HEADER = b"carrier,name\n"
SECONDS = 240


def test_every_kind_of_bad_input_has_its_fate_and_its_neighbours_are_published(
    emulator: Emulator, pipeline: Pipeline
) -> None:
    airlines = (package_data() / "airlines.csv").read_bytes()
    many = b"".join(b"%c%c,Made up\n" % (65 + n // 26, 65 + n % 26) for n in range(676))
    fates = {
        "nobody/a.csv": (b"a\n1\n", "REJECTED", "unknown_dataset"),
        "airlines/empty.csv": (b"", "REJECTED", "empty"),
        "airlines/liar.csv.gz": (b"carrier,name\nZZ,No gzip\n", "PUBLISHED", None),
        "airlines/liar.csv": (gzip.compress(airlines), "PUBLISHED", None),
        "airlines/part-00000": (b'{"carrier": "Z9", "name": "No ending"}\n', "PUBLISHED", None),
        "airlines/document.csv": (b"%PDF-1.7 and so on", "REJECTED", "not_text: the content is a PDF document"),
        "airlines/_SUCCESS": (b"", "IGNORED", "hidden"),
        "airlines/_temporary/0/part-0.csv": (airlines, "IGNORED", "hidden"),
        "airlines/2013/": (b"", "IGNORED", "folder"),
        "airlines/missing.csv": (b"name\nNo code\n", "QUARANTINED", "missing_column:carrier"),
        "airlines/extra.csv": (b"carrier,name,colour\nX1,Extra,red\n", "QUARANTINED", "unexpected_column:colour"),
        "airlines/a strange & name=1.csv": (airlines, "PUBLISHED", None),
        "airlines/rows.csv": (HEADER + b"toolong,Bad code\nY1,Good\nY1,Again\nY2,Ragged,row\n", "PUBLISHED", None),
        "airlines/many.csv": (HEADER + many, "PUBLISHED", None),
        "airlines/lines.jsonl": (b'{"carrier": "Y3", "name": "Line"}\n', "PUBLISHED", None),
    }
    with one_batch(emulator, pipeline):
        pipeline.land((key, content) for key, (content, _, _) in fates.items())
    progress = pipeline.wait(lambda state: state.done, SECONDS)
    found = {file.key: file for file in progress.files}
    for key, (_, status, reason) in fates.items():
        assert found[key].status == status, found[key]
        assert (found[key].reason or "").startswith(reason or ""), found[key]
    assert found["airlines/rows.csv"].rows == {
        "rows_read": 4,
        "rows_curated": 1,
        "rows_quarantined": 2,
        "rows_duplicate": 1,
    }
    batch_id = pipeline.batch_of("airlines/rows.csv")
    assert {found[key].batch_id for key, (_, status, _) in fates.items() if status == "PUBLISHED"} == {batch_id}
    report = pipeline.report("airlines", batch_id)
    assert report["reasons"]["malformed_row"] == 1
    (message,) = pipeline.notifications()
    assert message["Subject"] == f"[PUBLISHED] airlines: {batch_id}"
    answer = pipeline.invoke("query", {"query": "rows", "dataset": "airlines"})
    assert int(answer["rows"][0][0]) == sum(file.rows.get("rows_curated", 0) for file in progress.files)


def test_a_second_batch_adds_what_is_new_and_counts_the_rest_as_duplicates(pipeline: Pipeline) -> None:
    before = int(pipeline.invoke("query", {"query": "rows", "dataset": "airlines"})["rows"][0][0])
    pipeline.land([("airlines/again.csv", HEADER + b"Y1,Good\nY4,New\n")])
    progress = pipeline.wait(lambda state: state.done, SECONDS)
    (file,) = [file for file in progress.files if file.key == "airlines/again.csv"]
    assert (file.status, file.rows["rows_curated"], file.rows["rows_duplicate"]) == ("PUBLISHED", 1, 1)
    (message,) = pipeline.notifications()
    sql = "SELECT seconds_to_published FROM runs WHERE batch_id = ?"
    ((seconds,),) = pipeline.invoke("query", {"sql": sql, "parameters": [file.batch_id]})["rows"]
    assert f"Published {seconds} seconds after the first of its files had landed." in message["Message"]
    assert int(seconds) < 60, "not at the schedule's next tick"
    assert int(pipeline.invoke("query", {"query": "rows", "dataset": "airlines"})["rows"][0][0]) == before + 1


def test_a_batch_over_its_threshold_fails_visibly_and_nobody_sees_its_rows(pipeline: Pipeline) -> None:
    before = pipeline.invoke("query", {"query": "rows", "dataset": "airlines"})["rows"]
    pipeline.land([("airlines/bad.csv", HEADER + b"Z1,Good\nnope,Bad\n")])
    progress = pipeline.wait(lambda state: state.done, SECONDS)
    batch_id = pipeline.batch_of("airlines/bad.csv")
    assert progress.stages[batch_id] == "failed"
    assert next(file.status for file in progress.files if file.key == "airlines/bad.csv") == "QUARANTINED"
    (message,) = pipeline.notifications()
    assert message["Subject"] == f"[QUARANTINED] airlines: {batch_id}"
    assert "invalidValues is 50 percent, but mustBeLessThan 5" in message["Message"]
    assert pipeline.invoke("query", {"query": "rows", "dataset": "airlines"})["rows"] == before


def test_one_id_leads_from_the_claim_to_the_notification_through_all_logs(
    emulator: Emulator, pipeline: Pipeline
) -> None:
    batch_id = next(file.batch_id for file in pipeline.progress().files if file.key == "airlines/rows.csv")
    lines = logged(emulator)
    of_batch = {line["service"]: line for line in lines if line.get("correlation_id") == batch_id}
    assert of_batch.keys() == {"etl_trigger", "stage", "processing", "query", "notification"}
    # A landed file is found by its key, and its claim says which batch it went into.
    of_file = {line["service"]: line for line in lines if "airlines/rows.csv" in json.dumps(line)}
    assert {"ingestion", "etl_trigger"} <= of_file.keys()
    assert of_file["etl_trigger"]["correlation_id"] == batch_id


def logged(emulator: Emulator) -> list[dict[str, Any]]:
    """Every structured log line of the functions and the job."""
    logs = emulator.client("logs")
    groups = [
        group["logGroupName"]
        for page in logs.get_paginator("describe_log_groups").paginate()
        for group in page["logGroups"]
    ]
    texts = [
        event["message"]
        for group in groups
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        for event in page["events"]
    ]
    parsed = [json.loads(line) for text in texts for line in text.splitlines() if line.startswith('{"level"')]
    assert parsed, groups
    return parsed


def test_on_the_day_of_its_deployment_no_dataset_is_late(pipeline: Pipeline) -> None:
    assert pipeline.invoke("freshness", {}) == {"late": []}
    assert pipeline.invoke("freshness", {}) == {"late": []}, "what was seen the first time is read the second"


def test_partition_columns_have_the_contracts_types_in_sql(emulator: Emulator, pipeline: Pipeline) -> None:
    rows = b"".join(b"2026-01-0%d,%s,1\n" % (day, b"a" * 32) for day in (1, 2))
    pipeline.land([("canary/typed.csv", b"day,run,number\n" + rows)])
    pipeline.wait_until_registered()
    pipeline.tick("canary")
    pipeline.wait(lambda state: state.done, SECONDS)
    table = emulator.client("glue").get_table(DatabaseName=pipeline.outputs["database"], Name="canary")["Table"]
    assert table["PartitionKeys"] == [{"Name": "day", "Type": "date"}]
    by_partition = pipeline.invoke("query", {"query": "partitions", "dataset": "canary"})
    assert by_partition["rows"] == [["2026-01-01", "1"], ["2026-01-02", "1"]]
    sql = "SELECT count(*) FROM canary WHERE day = DATE '2026-01-01'"
    assert pipeline.invoke("query", {"sql": sql})["rows"] == [["1"]]
    with pytest.raises(PipelineError, match="Cannot apply operator: date = varchar"):
        pipeline.invoke("query", {"sql": "SELECT count(*) FROM canary WHERE day = '2026-01-01'"})


def test_rows_in_quarantine_are_read_again_when_the_contract_is_put_right(
    pipeline: Pipeline, operator: Callable[..., str]
) -> None:
    bucket, key = pipeline.outputs["artifacts_bucket"], "contracts/airlines.json"
    contract = json.loads(pipeline.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    for column in contract["columns"]:
        column |= {"pattern": None, "max_length": None}
    pipeline.s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(contract))
    before = len(pipeline.progress().stages)
    assert "read the quarantined rows again" in operator("replay", "airlines", "--prefix", "rows", "--yes")
    progress = pipeline.wait(lambda state: state.done and len(state.stages) > before, SECONDS)
    (file,) = [file for file in progress.files if file.key == "airlines/rows.csv"]
    assert (file.status, file.rows["rows_curated"], file.rows["rows_quarantined"]) == ("PUBLISHED", 2, 1)
    assert pipeline.report("airlines", pipeline.batch_of(file.key))["engine"] == "stage"
    found = pipeline.invoke("query", {"sql": "SELECT name FROM airlines WHERE carrier = 'toolong'"})
    assert found["rows"] == [["Bad code"]]


def test_nothing_was_denied_and_the_functions_were_really_asked(emulator: Emulator, pipeline: Pipeline) -> None:
    assert denials(emulator.decisions) == []
    asked = {(d.principal, d.action) for d in read_decisions(emulator.decisions) if not d.deployer}
    assert len(asked) > 30, "IAM was not enforced"
    assert json.dumps(pipeline.outputs)
