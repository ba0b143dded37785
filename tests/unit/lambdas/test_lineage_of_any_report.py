"""Whatever a report says of whichever contract, its event says the same, and names only what there is."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openlineage.client.serde import Serde
from pipeline_core.batches import Batch
from pipeline_core.contract import Contract
from pipeline_core.manifest import Manifest, ManifestFile
from pipeline_core.report import FATES, FileReport, Report, StagedFile
from pipeline_core.verdict import ErrorOutput

from lambdas.lineage.events import Events, Told
from lambdas.lineage.names import Names
from tests.openlineage_spec import OWN, check, columns
from tests.unit.lambdas.conftest import contracts, verdict

NAMES = Names(
    raw_bucket="raw-b",
    curated_bucket="curated-b",
    quarantine_bucket="quarantine-b",
    database="lake",
    state_machine_arn="arn:aws:states:eu-central-1:111122223333:stateMachine:data-pipeline-dev",
)
EVENTS = Events(names=NAMES, artifacts_bucket="artifacts-b", glue_version="5.1", python="3.13")
BATCH = Batch(
    batch_id="flights-20261127T090000Z-000001",
    dataset="flights",
    status="STARTED",
    created_at="2026-11-27T09:00:00.000001+00:00",
)
ANY = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
COUNTS = st.integers(0, 10**12)
PLACES = ("in/", "in/late/", "elsewhere/")


@st.composite
def file_reports(draw: st.DrawFn) -> FileReport:
    fates = {f"rows_{fate}": draw(COUNTS) for fate in FATES}
    others = {name: draw(COUNTS) for name in ("rows_replaced", "rows_removed")}
    key = draw(st.sampled_from(PLACES)) + draw(st.text("ab c%/é", min_size=1, max_size=5))
    problem = draw(st.sampled_from([None, "no_columns"]))
    return FileReport(key=key, version="", rows_read=sum(fates.values()), problem=problem, **fates, **others)


@st.composite
def told(draw: st.DrawFn) -> Told:
    """What there is of a batch that was published or refused, of any of the contracts."""
    files = tuple(
        replace(file, version=f"v{number}")
        for number, file in enumerate(draw(st.lists(file_reports(), min_size=1, max_size=5)))
    )
    document = draw(st.sampled_from([contract.document for contract in contracts()]))
    contract = replace(Contract.from_document(document), locations=PLACES)
    staged = [StagedFile(uri=f"s3://b/{n}", partition={}, rows=1) for n in range(draw(st.integers(0, 3)))]
    reasons = st.dictionaries(st.sampled_from(["type:year", "malformed_row"]), COUNTS)
    report = Report(
        batch_id=BATCH.batch_id,
        dataset=contract.dataset,
        contract_version=contract.version,
        files=files,
        curated=tuple(staged),
        quarantined=tuple(staged[:1]),
        reasons=draw(reasons),
        nulls=draw(st.dictionaries(st.sampled_from([column.name for column in contract.columns]), COUNTS)),
        engine=draw(st.sampled_from(["stage", "spark"])),
    )
    manifest = Manifest(
        batch_id=BATCH.batch_id,
        dataset=contract.dataset,
        contract="s3://a/c",
        staging="s3://c/s",
        table="s3://c/t",
        files=tuple(
            ManifestFile(
                key=file.key, version=file.version, uri="s3://raw/k", size=draw(COUNTS), format="csv", landed_at="t"
            )
            for file in files
        ),
        purpose=draw(st.sampled_from(["", "rows", "replace"])),
    )
    status = draw(st.sampled_from(["PUBLISHED", "QUARANTINED"]))
    violations = ("a rule: is broken",) if status == "QUARANTINED" else ()
    batch = replace(
        BATCH,
        dataset=contract.dataset,
        status=status,
        finished_at="2026-11-27T09:01:00+00:00",
        verdict=verdict(verdict=status, violations=violations),
    )
    return Told(
        batch=batch, manifest=manifest, contract=contract, report=report, snapshot=draw(st.sampled_from(["", "7"]))
    )


def said(event: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Serde.to_json(event))
    check(document)
    return document


def rows(datasets: Sequence[dict[str, Any]], kind: str) -> dict[str, int]:
    name = f"{kind}Statistics"
    return {each["name"].rpartition("/")[2]: each[f"{kind}Facets"][name].get("rowCount") for each in datasets}


@ANY
@given(told())
def test_counts_of_the_end_are_those_of_the_report(batch: Told) -> None:
    report = batch.report
    assert report is not None
    event = said(EVENTS.end(batch))
    own = event["run"]["facets"][OWN]
    assert own["rows"] == {
        name: getattr(report.counts, f"rows_{name}") for name in (*FATES, "read", "replaced", "removed")
    }
    assert own["reasons"] == report.reasons
    assert sum(own["rows"][fate] for fate in FATES) == own["rows"]["read"]
    read = [each["inputFacets"]["inputStatistics"] for each in event["inputs"]]
    assert sum(one["rowCount"] for one in read) == report.counts.rows_read
    if batch.manifest.purpose != "rows":
        assert sum(one["fileCount"] for one in read) == len(report.files)
        assert sum(one["size"] for one in read) == sum(file.size for file in batch.manifest.files)
        assert {each["name"] for each in event["inputs"]} <= {"in", "in/late", "elsewhere"}
    written = rows(event["outputs"], "output")
    assert (batch.contract.dataset in written) is (event["eventType"] == "COMPLETE")
    if event["eventType"] == "COMPLETE":
        assert written[batch.contract.dataset] == report.counts.rows_curated + report.counts.rows_updated
    refused = batch.batch.status == "QUARANTINED" and batch.manifest.purpose == "replace"
    expected = 0 if refused else report.counts.rows_quarantined
    assert written.get("quarantined_rows", 0) == expected


@ANY
@given(told())
def test_the_begin_is_the_same_whatever_has_become_of_the_batch(batch: Told) -> None:
    then = replace(batch, report=None, snapshot="")
    earlier = replace(then, batch=replace(batch.batch, status="STARTED", finished_at="", verdict=None))
    assert said(EVENTS.start(then)) == said(EVENTS.start(earlier))
    assert said(EVENTS.start(then))["run"]["runId"] == said(EVENTS.end(batch))["run"]["runId"]


@ANY
@given(told())
def test_every_column_of_the_contract_is_in_the_schema_and_has_its_origin(batch: Told) -> None:
    event = said(EVENTS.start(replace(batch, report=None)))
    [table] = event["outputs"]
    names = [column.name for column in batch.contract.columns]
    assert columns(table)[: len(names)] == names
    assert set(table["facets"]["columnLineage"]["fields"]) == set(names)
    assert all(field["inputFields"] for field in table["facets"]["columnLineage"]["fields"].values())


@ANY
@given(
    st.sampled_from(["FAILED", "RELEASED", "SPLIT", "QUARANTINED"]), st.text(max_size=50), st.text(max_size=50), told()
)
def test_a_batch_without_a_report_has_an_end_that_says_its_error(
    status: str, error: str, cause: str, batch: Told
) -> None:
    ended = replace(batch.batch, status=status, verdict=None, error=ErrorOutput(error=error, cause=cause))
    event = said(EVENTS.end(replace(batch, batch=ended, report=None)))
    expected = ": ".join(part for part in (error, cause) if part) or f"the batch is {status}"
    assert event["eventType"] == "FAIL"
    assert event["run"]["facets"]["errorMessage"]["message"] == expected
    assert event["outputs"] == []
    assert "rows" not in event["run"]["facets"][OWN]
