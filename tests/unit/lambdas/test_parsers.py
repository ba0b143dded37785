"""What crosses a boundary is parsed at the door: what fits becomes a type, what does not is named."""

import copy
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from pipeline_core.batches import Batch, DatasetState, Publish
from pipeline_core.fields import DocumentError, Fields
from pipeline_core.files import Candidate, FileItem, LandedFile, candidates_from_json, candidates_to_json
from pipeline_core.manifest import Manifest, ManifestFile
from pipeline_core.report import FileReport, ReplacedFile, Report, StagedFile
from pipeline_core.verdict import ErrorOutput, NothingToRead
from pipeline_core.workflow import (
    TRIGGER,
    PublishRequest,
    RecoveryRequest,
    RecoveryResult,
    WorkflowInput,
)

from lambdas.error_handler.glue_events import GlueFailure, glue_failure
from lambdas.etl_trigger.tick import StartedBatches
from lambdas.ingestion.arrival import Arrival
from tests.unit.lambdas.doors import (
    A_BATCH,
    A_VERDICT,
    AN_ERROR,
    BATCH_ITEM,
    CANDIDATE,
    DOORS,
    ERROR,
    EXECUTION,
    FILE_ITEM,
    KNOWN,
    LANDED,
    OBJECT_CREATED,
    VERDICT,
    Door,
    without,
)


def changed(document: dict[str, Any], path: str, value: object, *, remove: bool = False) -> dict[str, Any]:
    """A copy of a document with another value at a path."""
    result = copy.deepcopy(document)
    *folders, last = path.split(".")
    inner: Any = result
    for folder in folders:
        inner = inner[int(folder) if isinstance(inner, list) else folder]
    if remove:
        del inner[last]
    else:
        inner[last] = value
    return result


def surplus(value: Any) -> Any:
    """A document with a field more in each of its objects."""
    if isinstance(value, dict):
        return {**{name: surplus(item) for name, item in value.items()}, "a_new_field": {"of": "AWS"}}
    return value


def cases(of: Callable[[Door], Iterable[str]]) -> list[Any]:
    return [pytest.param(door, one, id=f"{name}: {one}") for name, door in DOORS.items() for one in of(door)]


@pytest.mark.parametrize("door", [pytest.param(door, id=name) for name, door in DOORS.items()])
def test_a_document_as_its_sender_writes_it_becomes_its_type_whatever_fields_are_added(door: Door) -> None:
    assert door.parse(door.document) == door.expected
    assert door.parse(surplus(door.document)) == door.expected


@pytest.mark.parametrize(("door", "path"), cases(lambda door: door.required))
def test_a_field_that_is_missing_or_null_is_named(door: Door, path: str) -> None:
    last = path.split(".")[-1]
    for document in (changed(door.document, path, None, remove=True), changed(door.document, path, None)):
        with pytest.raises(DocumentError, match=rf"has no '{last}'; expected .* It has the fields: "):
            door.parse(document)


@pytest.mark.parametrize(("door", "path"), cases(lambda door: door.wrong))
def test_a_value_of_the_wrong_type_is_named(door: Door, path: str) -> None:
    value, last = door.wrong[path], path.split(".")[-1]
    with pytest.raises(DocumentError) as caught:
        door.parse(changed(door.document, path, value))
    assert last in str(caught.value)


@pytest.mark.parametrize("door", [pytest.param(door, id=name) for name, door in DOORS.items()])
@pytest.mark.parametrize("document", ["x", 1, None, [1]])
def test_what_is_no_object_is_refused(door: Door, document: object) -> None:
    with pytest.raises(DocumentError, match=f"^{door.called} is .*; expected an object$"):
        door.parse(document)


def test_a_message_that_is_no_json_is_refused() -> None:
    with pytest.raises(DocumentError, match="the message of the arrivals queue is no JSON"):
        Arrival.from_message("{")


def test_what_has_no_version_is_named_by_its_tag_and_the_order_of_events() -> None:
    event = changed(OBJECT_CREATED, "detail.object.version-id", None, remove=True)
    tag = "etag:b1946ac92492d2347c6235b4d2611184:617f08299329d189"
    assert Arrival.from_message(json.dumps(event)).file.version == tag


def test_an_execution_that_failed_says_its_own_error() -> None:
    event = changed(changed(EXECUTION, "detail.error", "States.Runtime"), "detail.cause", "no such path")
    assert RecoveryRequest.from_event(event).error == ErrorOutput(error="States.Runtime", cause="no such path")


def test_what_is_no_event_of_glue_is_not_counted() -> None:
    assert glue_failure(EXECUTION) is None
    assert glue_failure({"dataset": "flights"}) is None


def test_a_failure_of_glue_is_counted_however_little_is_said_of_it() -> None:
    event = {"detail-type": "Glue Crawler State Change", "detail": {"state": "Failed", "crawlerName": None}}
    description = {"crawler": "", "state": "Failed", "reason": "", "log": ""}
    assert glue_failure(event) == GlueFailure(metric="CrawlsFailed", description=description)


@pytest.mark.parametrize(("stage", "of_job"), [("Stage", True), ("", False), ("Publish", False), (None, False)])
def test_only_the_state_that_runs_the_job_says_what_the_job_says(stage: str | None, of_job: bool) -> None:
    event = {"dataset": "d", "batch_id": "b", "error": ERROR, "stage": stage}
    assert RecoveryRequest.from_event(event).error.of_job == of_job


def test_nothing_is_going_on_in_a_dataset_that_the_ledger_does_not_know() -> None:
    assert DatasetState.from_item({}) == DatasetState(published=0, counter=0, running=frozenset(), publishing=None)


def test_a_set_is_read_in_the_same_order_every_time() -> None:
    names = [f"flights-{n:02d}" for n in range(50)]
    assert Fields({"a": set(names)}, "x").texts("a") == tuple(names)
    assert Fields({"a": names[::-1]}, "x").texts("a") == tuple(names[::-1]), "a list has its order"


def test_a_candidate_of_an_earlier_release_has_no_deaths() -> None:
    (file,) = candidates_from_json(json.dumps([without(CANDIDATE, "deaths", "kills")]))
    assert (file.deaths, file.kills) == (0, 0)


def test_a_file_that_was_never_decided_on_has_no_counts() -> None:
    item = FileItem.from_item({**without(FILE_ITEM, "outcome", "published_in", "kept"), "status": "PENDING"})
    assert (item.counts, item.published_in, item.has_copy) == (None, (), False)
    assert item.candidate.to_document()["outcome"] == {}


def test_the_batch_gets_of_a_file_what_the_ledger_knew_and_the_reason_document_what_its_event_said() -> None:
    item = FileItem.from_item(FILE_ITEM)
    assert item.candidate == Candidate(**KNOWN)
    assert item.landed == LandedFile(**LANDED)


@pytest.mark.parametrize(
    ("end", "verdict", "error"),
    [
        (A_VERDICT, A_VERDICT, None),
        (AN_ERROR, None, AN_ERROR),
        (replace(AN_ERROR, of_job=True), None, replace(AN_ERROR, of_job=True)),
        (NothingToRead(reason="no pending file was left to claim"), None, None),
    ],
)
def test_what_ended_a_batch_is_read_back_as_it_was_written(end: Any, verdict: object, error: object) -> None:
    batch = Batch.from_item({**BATCH_ITEM, "verdict": end.to_item()})
    assert (batch.verdict, batch.error) == (verdict, error)


def test_why_a_batch_ended_before_it_began_is_said_in_its_item() -> None:
    assert NothingToRead(reason="no pending file was left to claim").to_item() == {
        "reason": "no pending file was left to claim"
    }


def test_a_batch_that_was_not_decided_on_has_no_report() -> None:
    assert A_BATCH.report == "report-0"
    with pytest.raises(RuntimeError, match="flights-1 is STARTED: it has no report"):
        _ = Batch.from_item({**without(BATCH_ITEM, "verdict"), "status": "STARTED"}).report


def test_a_publish_that_the_ledger_does_not_have_touched_every_partition() -> None:
    assert Publish.from_item({}) == Publish(batch_id="", partitions=("*",))


def test_the_ledger_has_the_beginning_of_a_long_cause() -> None:
    assert ErrorOutput(error="x", cause="y" * 2_001).to_item() == {
        "error": "x",
        "cause": "y" * 2_000,
        "of_job": False,
    }


NO_SECONDS = {"seconds_to_published": None, "latency_seconds": None}
NEW_FATES = dict.fromkeys(("rows_updated", "rows_unchanged", "rows_superseded", "rows_deleted", "rows_removed"), 0)
"""Counts that the release before did not write; it reads over them."""
VERDICT_NOW = {
    name: value
    for before, after in VERDICT.items()
    for name, value in {before: after, **(NEW_FATES if before == "rows_replaced" else {})}.items()
}
WRITTEN: dict[str, tuple[Any, object]] = {
    # As the release before wrote them: batches under way during an upgrade are read by both.
    "candidates": (json.loads(candidates_to_json([Candidate(**KNOWN)])), [CANDIDATE]),
    "workflow's input": (
        WorkflowInput(batch_id="b", dataset="d", manifest="s3://a/m", workers=2, engine="stage").to_document(),
        {"batch_id": "b", "dataset": "d", "manifest": "s3://a/m", "workers": 2, "engine": "stage"},
    ),
    "publish": (PublishRequest(dataset="d", batch_id="b").to_document(), {"dataset": "d", "batch_id": "b"}),
    "recovery": (
        RecoveryRequest(dataset="d", batch_id="b", error=AN_ERROR, caller=TRIGGER).to_document(),
        {"dataset": "d", "batch_id": "b", "error": ERROR, "left": True},
    ),
    "recovered": (
        RecoveryResult(dataset="d", batch_id="b", outcome="SPLIT", error=AN_ERROR).to_document(),
        {"dataset": "d", "batch_id": "b", "outcome": "SPLIT", "error": ERROR},
    ),
    "verdict for the workflow": (A_VERDICT.to_document(), {**VERDICT_NOW, **NO_SECONDS, "crawl": False}),
    "verdict for the ledger": (A_VERDICT.to_item(), VERDICT_NOW),
    "verdict for consumers": (A_VERDICT.to_event(), {**VERDICT_NOW, **NO_SECONDS}),
    "started batches": (StartedBatches(batches=("b",)).to_document(), {"batches": ["b"]}),
}


@pytest.mark.parametrize(("written", "document"), WRITTEN.values(), ids=WRITTEN)
def test_what_is_written_has_the_fields_of_the_release_before_in_their_order(written: Any, document: Any) -> None:
    assert json.dumps(written) == json.dumps(document)


MANIFEST = Manifest(
    batch_id="b",
    dataset="d",
    contract="s3://a/c",
    staging="s3://c/s/",
    table="s3://c/t/",
    files=(
        ManifestFile(
            key="d/a.csv", version="v", uri="s3://r/d/a.csv", size=5, format="csv", landed_at="2026", quarantined=("q",)
        ),
    ),
    purpose="replace",
    replaces=("s3://c/t/1",),
    known_good="s3://c/g",
)
REPORT = Report(
    batch_id="b",
    dataset="d",
    contract_version="1.0.0",
    files=(
        FileReport(key="d/a.csv", version="v", rows_read=5, rows_curated=1, rows_quarantined=2, rows_duplicate=2),
        FileReport(key="d/b.csv", version="w", problem="unreadable: x"),
    ),
    curated=(StagedFile(uri="s3://c/s/1", partition={"year": "2013"}, rows=1),),
    quarantined=(StagedFile(uri="s3://c/s/2", partition={"_file": "0"}, rows=2),),
    replaced=(ReplacedFile(key="t/1", partition={"year": "2013"}, uri="", rows_before=3, rows_kept=0),),
    reasons={"null:a": 2},
    nulls={"b": 1},
    columns={"a": "int"},
)


@pytest.mark.parametrize("value", [MANIFEST, REPORT], ids=["manifest", "report"])
def test_manifests_and_reports_are_read_back_as_they_were_written(value: Manifest | Report) -> None:
    assert type(value).from_json(value.to_json()) == value


@pytest.mark.parametrize(
    ("value", "path", "wrong"),
    [
        (MANIFEST, "files", None),
        (MANIFEST, "files.0.uri", None),
        (MANIFEST, "files.0.size", "5"),
        (MANIFEST, "staging", 1),
        (MANIFEST, "known_good", True),
        (MANIFEST, "replaces", "s3://c/t/1"),
        (REPORT, "files.0.rows_read", "5"),
        (REPORT, "files.1.problem", 1),
        (REPORT, "curated", None),
        (REPORT, "curated.0.rows", 1.5),
        (REPORT, "curated.0.partition", None),
        (REPORT, "curated.0.partition.year", 2013),
        (REPORT, "replaced.0.rows_kept", None),
        (REPORT, "reasons.null:a", "2"),
        (REPORT, "contract_version", None),
    ],
)
def test_what_does_not_fit_in_a_manifest_or_report_is_named(value: Manifest | Report, path: str, wrong: object) -> None:
    document = changed(json.loads(value.to_json()), path, wrong)
    with pytest.raises(DocumentError, match=f"'{path.rpartition('.')[2]}'"):
        type(value).from_json(json.dumps(document))


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (MANIFEST, "skip"),
        (MANIFEST, "files.0.skip"),
        (REPORT, "skip"),
        (REPORT, "files.0.skip"),
        (REPORT, "curated.0.skip"),
        (REPORT, "replaced.0.skip"),
    ],
)
def test_what_may_change_the_meaning_of_a_manifest_or_report_is_refused(value: Manifest | Report, path: str) -> None:
    document = changed(json.loads(value.to_json()), path, 1)
    with pytest.raises(DocumentError, match="has fields that this release does not know: skip; it knows: "):
        type(value).from_json(json.dumps(document))


def test_a_number_is_whole_only_without_a_fraction() -> None:
    document = Fields({"a": Decimal("3.0"), "b": float("nan"), "c": float("inf"), "d": 2**70}, "x")
    assert document.integer("a") == 3
    assert document.integer("d") == 2**70
    for name in ("b", "c"):
        with pytest.raises(DocumentError, match="expected a whole number"):
            document.integer(name)
