"""Batches go their whole way in the emulator, and whoever wants OpenLineage's events gets them, and S3 keeps them."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from local.deployer import read_config
from local.driver import Pipeline
from local.emulator import Emulator
from recording.decisions import denials
from recording.program import API_KEY_PARAMETER, with_lineage
from tests.integration.conftest import REPOSITORY
from tests.openlineage_spec import OWN, check
from tests.receiver import Posted, receiving

SECONDS = 240
HEADER = b"carrier,name\n"


@pytest.fixture(scope="module")
def receiver() -> Iterator[tuple[str, list[Posted]]]:
    with receiving() as address_and_posted:
        yield address_and_posted


@pytest.fixture(scope="module")
def posted(receiver: tuple[str, list[Posted]]) -> list[Posted]:
    return receiver[1]


@pytest.fixture(scope="module")
def config(receiver: tuple[str, list[Posted]]) -> dict[str, Any]:
    return with_lineage(read_config(REPOSITORY, "local"), receiver[0])


@pytest.fixture(scope="module", autouse=True)
def key_is_there(emulator: Emulator, pipeline: Pipeline) -> None:
    emulator.client("ssm").put_parameter(
        Name=API_KEY_PARAMETER, Value="s3cret", Type="SecureString", KeyId="alias/data-pipeline-local"
    )


def batch_of(pipeline: Pipeline, key: str, content: bytes) -> str:
    """Land a file and wait for the end of its batch."""
    pipeline.land([(key, content)])
    pipeline.wait(lambda state: state.done, SECONDS)
    return pipeline.batch_of(key)


def told(posted: list[Posted], batch_id: str, count: int = 2) -> list[dict[str, Any]]:
    """Wait for the events of a batch, in the order of their times."""
    deadline = time.monotonic() + SECONDS
    while True:
        events = [each.document for each in posted if each.document["run"]["facets"][OWN]["batchId"] == batch_id]
        if len(events) >= count:
            return sorted(events, key=lambda event: str(event["eventTime"]))
        assert time.monotonic() < deadline, [each.document["eventType"] for each in posted]
        time.sleep(0.2)


def kept(pipeline: Pipeline, batch_id: str) -> list[dict[str, Any]]:
    """The events of a batch that are in S3, the start first."""
    bucket = pipeline.outputs["artifacts_bucket"]
    listed = pipeline.s3.list_objects_v2(Bucket=bucket, Prefix="lineage/events/dataset=airlines/")["Contents"]
    keys = sorted((item["Key"] for item in listed if f"/{batch_id}-" in item["Key"]), reverse=True)
    return [json.loads(pipeline.s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]


def test_a_published_batch_is_told_of_and_what_is_said_is_what_athena_answers(
    pipeline: Pipeline, posted: list[Posted]
) -> None:
    rows = b"".join(b"%c%c,Made up\n" % (65 + n // 26, 65 + n % 26) for n in range(100))
    batch_id = batch_of(pipeline, "airlines/good.csv", HEADER + rows + b"toolong,Bad\nAA,Again\n")
    start, end = told(posted, batch_id)
    assert [event["eventType"] for event in (start, end)] == ["START", "COMPLETE"]
    assert start["run"]["runId"] == end["run"]["runId"]
    for event in (start, end):
        check(event)
    assert kept(pipeline, batch_id) == [start, end]
    statistics = {each["name"]: each["outputFacets"]["outputStatistics"]["rowCount"] for each in end["outputs"]}
    database = pipeline.outputs["database"]
    answer = pipeline.invoke("query", {"query": "rows", "dataset": "airlines"})["rows"]
    assert statistics == {f"table/{database}/airlines": int(answer[0][0]), f"table/{database}/quarantined_rows": 1}
    rows_by_fate = end["run"]["facets"][OWN]["rows"]
    assert (rows_by_fate["read"], rows_by_fate["curated"], rows_by_fate["duplicate"]) == (102, 100, 1)
    assert {each.authorization for each in posted} == {"Bearer s3cret"}
    schema = {field["name"] for field in end["outputs"][0]["facets"]["schema"]["fields"]}
    table = pipeline.invoke("query", {"sql": "SELECT * FROM airlines LIMIT 1"})
    assert schema == set(table["columns"])


def test_the_schema_of_the_own_facet_is_where_the_events_say(pipeline: Pipeline, posted: list[Posted]) -> None:
    [address] = {each.document["run"]["facets"][OWN]["_schemaURL"].partition("#")[0] for each in posted}
    bucket, _, key = address.removeprefix("s3://").partition("/")
    schema = json.loads(pipeline.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    assert "DataPipelineBatchRunFacet" in schema["$defs"]


def test_a_refused_batch_fails_and_says_which_rule_it_broke(pipeline: Pipeline, posted: list[Posted]) -> None:
    batch_id = batch_of(pipeline, "airlines/bad.csv", HEADER + b"Z1,Good\nnope,Bad\n")
    start, end = told(posted, batch_id)
    check(end)
    assert [event["eventType"] for event in (start, end)] == ["START", "FAIL"]
    assert "invalidValues is 50 percent" in end["run"]["facets"]["errorMessage"]["message"]
    assertions = end["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert any(not one["success"] for one in assertions)
    assert [each["name"].rpartition("/")[2] for each in end["outputs"]] == ["quarantined_rows"]


def test_an_event_that_s3_tells_of_twice_is_kept_once_and_posted_twice(
    pipeline: Pipeline, posted: list[Posted]
) -> None:
    batch_id = pipeline.batch_of("airlines/bad.csv")
    before = kept(pipeline, batch_id)
    key = f"batches/airlines/{batch_id}/manifest.json"
    answer = pipeline.invoke("lineage", {"detail": {"object": {"key": key}}})
    assert answer["type"] == "START"
    assert kept(pipeline, batch_id) == before
    start, again, _ = told(posted, batch_id, 3)
    assert start == again


def test_nothing_was_denied_to_lineage(emulator: Emulator) -> None:
    assert [each for each in denials(emulator.decisions) if "lineage" in str(each)] == []
