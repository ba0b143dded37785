"""From pending files to a verdict, with every step done again, done half, or done by two at once."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from pipeline_core.batches import ConflictError, PublishingError
from pipeline_core.manifest import Manifest
from pipeline_core.pauses import Pause, Pauses
from pipeline_core.report import ReconciliationError

from config.model import BatchesConfig
from lambdas.etl_trigger.logic import Trigger, bytes_to_read, fitting, workers_for
from lambdas.etl_trigger.manifests import Manifests, is_suspect
from tests.unit.lambdas.conftest import ARTIFACTS, CURATED, QUARANTINE, RAW, Cloud, candidate, verdict

Call = Callable[..., Any]


def land(cloud: Cloud, call: Call, *keys: str) -> None:
    call("ingestion", {"Records": [cloud.land(key, b"x\n1\n") for key in keys]})


def one_batch(cloud: Cloud, call: Call, *keys: str) -> tuple[str, Manifest]:
    land(cloud, call, *keys)
    dataset = keys[0].split("/")[0]
    (batch_id,) = call("etl_trigger", {"dataset": dataset})["batches"]
    return batch_id, cloud.manifest(dataset, batch_id)


def decide(call: Call, batch_id: str, published: int = 0, dpu_seconds: float = 0) -> dict[str, Any]:
    event = {"dataset": batch_id.split("-")[0], "batch_id": batch_id, "published": published}
    answer = call("processing", {**event, "dpu_seconds": dpu_seconds})
    json.dumps(answer)  # Lambda answers JSON
    return dict(answer)


def test_the_files_of_a_window_become_one_batch_and_one_execution(cloud: Cloud, call: Call) -> None:
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv", "flights/b.csv", "flights/c.csv")
    assert [file.key for file in manifest.files] == ["flights/a.csv", "flights/b.csv", "flights/c.csv"]
    assert manifest.files[0].uri == f"s3://{RAW}/flights/a.csv"
    executions = cloud.executions()
    assert list(executions) == [batch_id]
    assert executions[batch_id]["manifest"] == f"s3://{ARTIFACTS}/batches/flights/{batch_id}/manifest.json"
    assert executions[batch_id]["workers"] == 2
    assert {item["status"] for key in ("a", "b", "c") for item in cloud.files(f"flights/{key}.csv")} == {"CLAIMED"}
    assert call("etl_trigger", {}) == {"batches": []}


def test_more_files_than_a_batch_holds_wait_for_the_next(cloud: Cloud, call: Call) -> None:
    land(cloud, call, *[f"airlines/{n}.csv" for n in range(4)])
    (first,) = call("etl_trigger", {"dataset": "airlines"})["batches"]
    assert len(cloud.ledger.pending("airlines", 10)) == 1
    assert call("etl_trigger", {"dataset": "airlines"}) == {"batches": []}, "one batch may run at a time"
    cloud.stage(cloud.manifest("airlines", first))
    decide(call, first)
    (second,) = call("etl_trigger", {"dataset": "airlines"})["batches"]
    assert second != first


def test_more_bytes_than_a_run_can_read_wait_for_the_next_but_a_large_file_goes_alone(cloud: Cloud, call: Call) -> None:
    bodies = {"a": 400, "b": 600, "c": 1, "large": 5_000}
    call(
        "ingestion",
        {"Records": [cloud.land(f"airlines/{key}.csv", b"x" * size) for key, size in bodies.items()]},
    )
    seen = []
    for _ in range(3):
        (batch_id,) = call("etl_trigger", {"dataset": "airlines"})["batches"]
        manifest = cloud.manifest("airlines", batch_id)
        seen.append([file.key for file in manifest.files])
        cloud.stage(manifest)
        decide(call, batch_id, len(seen) - 1)
    assert seen == [["airlines/a.csv", "airlines/b.csv"], ["airlines/c.csv"], ["airlines/large.csv"]]


def test_files_that_the_index_still_shows_do_not_open_batch_after_batch(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_CONCURRENT_BATCHES", "5")
    land(cloud, call, "airlines/a.csv")
    stale = cloud.ledger.pending("airlines", 10)
    monkeypatch.setattr("pipeline_core.ledger.Ledger.pending", lambda *_, **__: stale)
    assert len(call("etl_trigger", {"dataset": "airlines"})["batches"]) == 1
    assert cloud.batches.state("airlines").counter == 2, "one empty batch shows that the index is behind"


def test_an_unknown_dataset_on_demand_is_an_error_that_lists_the_known(cloud: Cloud, call: Call) -> None:
    with pytest.raises(ValueError, match=r"'flight'; there are: airlines, airports"):
        call("etl_trigger", {"dataset": "flight"})


@pytest.mark.parametrize(
    ("owner", "step"), [(Trigger, "_claimed"), (Trigger, "_contract"), (Manifests, "manifest"), (Trigger, "_start")]
)
def test_a_trigger_killed_at_any_step_is_finished_by_a_later_tick(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch, owner: type, step: str
) -> None:
    land(cloud, call, "flights/a.csv", "flights/b.csv")
    real = getattr(owner, step)

    def killed(*arguments: Any) -> Any:
        real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(owner, step, killed)
        with pytest.raises(KeyboardInterrupt):
            call("etl_trigger", {})
    land(cloud, call, "flights/late.csv")
    assert call("etl_trigger", {}) == {"batches": []}, "the batch is still leased to the killed trigger"
    with monkeypatch.context() as patch:
        patch.setattr("pipeline_core.batches.LEASE_SECONDS", 0)
        state = cloud.batches.state("flights")
        (batch_id,) = state.running
        cloud.ledger.table.update_item(
            Key={"pk": "dataset#flights", "sk": f"batch#{batch_id}"},
            UpdateExpression="SET lease_until = :past",
            ExpressionAttributeValues={":past": 0},
        )
        assert call("etl_trigger", {}) == {"batches": [batch_id]}
    assert list(cloud.executions()) == [batch_id]
    assert [file.key for file in cloud.manifest("flights", batch_id).files] == ["flights/a.csv", "flights/b.csv"]


def test_of_a_paused_dataset_nothing_is_begun_and_what_was_abandoned_is_recovered(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_CONCURRENT_BATCHES", "5")
    batch_id, _ = one_batch(cloud, call, "flights/a.csv")
    pauses = Pauses(cloud.ledger)
    pauses.begin(Pause(dataset="flights", paused_at="2026-11-01T00:00:00+00:00"))
    land(cloud, call, "flights/b.csv", "airlines/a.csv")
    looked_at: list[str] = []
    monkeypatch.setattr(Trigger, "_recover_if_abandoned", lambda _, batch, __: looked_at.append(batch.batch_id))
    (other,) = call("etl_trigger", {})["batches"]
    assert other.startswith("airlines-")
    assert looked_at == [batch_id]
    assert [file.key for file in cloud.ledger.pending("flights", 10)] == ["flights/b.csv"]
    pauses.end("flights")
    assert len(call("etl_trigger", {})["batches"]) == 1


@pytest.mark.parametrize("seconds", [60, 900])
def test_a_batch_is_taken_over_by_one_when_its_lease_has_run_out_for_as_long_as_is_asked(
    cloud: Cloud, seconds: int
) -> None:
    batches = cloud.batches
    batch = batches.open("flights", batches.state("flights"), 1)
    assert batch is not None
    assert not batches.take_over(batch, seconds), "it is leased to who opened it"
    cloud.ledger.table.update_item(
        Key={"pk": "dataset#flights", "sk": f"batch#{batch.batch_id}"},
        UpdateExpression="SET lease_until = :past",
        ExpressionAttributeValues={":past": 0},
    )
    before = int(datetime.now(UTC).timestamp())
    assert [batches.take_over(batch, seconds) for _ in range(2)] == [True, False]
    assert before + seconds <= batches.existing("flights", batch.batch_id).lease_until <= before + seconds + 60


def test_a_batch_reads_the_version_that_it_claimed_though_it_was_overwritten(cloud: Cloud, call: Call) -> None:
    first = cloud.land("flights/a.csv", b"old\n")
    second = cloud.land("flights/a.csv", b"new\n")
    call("ingestion", {"Records": [first, second]})
    (batch_id,) = call("etl_trigger", {})["batches"]
    contents = []
    for file in cloud.manifest("flights", batch_id).files:
        bucket, _, key = file.uri.removeprefix("s3://").partition("/")
        contents.append(cloud.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    assert sorted(contents) == [b"new\n", b"old\n"]


@pytest.mark.parametrize("key", ["flights/a b.csv", "flights/a{b}.csv", "flights/x=1/a.csv", "flights/../a[0].csv"])
def test_a_key_that_spark_would_not_take_literally_is_read_from_a_copy(cloud: Cloud, call: Call, key: str) -> None:
    landed = cloud.land(key, b"x\n1\n")
    cloud.s3.put_object_tagging(Bucket=RAW, Key=key, Tagging={"TagSet": [{"Key": "team", "Value": "a"}]})
    call("ingestion", {"Records": [landed]})
    (batch_id,) = call("etl_trigger", {})["batches"]
    manifest = cloud.manifest("flights", batch_id)
    assert manifest.files[0].key == key
    assert manifest.files[0].uri == f"{manifest.staging}input/00000"
    copy: Any = {"Bucket": CURATED, "Key": manifest.files[0].uri.removeprefix(f"s3://{CURATED}/")}
    assert cloud.s3.get_object(**copy)["Body"].read() == b"x\n1\n"
    assert cloud.s3.get_object_tagging(**copy)["TagSet"] == [], "tags ask for permissions of their own"


def test_a_published_batch_is_in_the_table_the_ledger_and_the_event_and_again_changes_nothing(
    cloud: Cloud, call: Call
) -> None:
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv")
    cloud.stage(manifest, curated=40, quarantined=1)
    first = decide(call, batch_id)
    assert (first["verdict"], first["rows_curated"], first["rows_quarantined"]) == ("PUBLISHED", 40, 1)
    published = [f"tables/flights/year=2013/month=1/{batch_id}-00000.parquet"]
    assert cloud.keys(CURATED, "tables/") == published
    assert cloud.keys(QUARANTINE) == [f"rows/dataset=flights/{batch_id}-00000.parquet"]
    (item,) = cloud.files("flights/a.csv")
    assert (item["status"], item["batch_id"], item["outcome"]["rows_read"]) == ("PUBLISHED", batch_id, 41)
    assert decide(call, batch_id) == first
    assert cloud.keys(CURATED, "tables/") == published
    assert cloud.batches.state("flights").published == 1
    assert cloud.batches.state("flights").running == frozenset()


def test_a_batch_over_its_threshold_is_quarantined_whole(cloud: Cloud, call: Call) -> None:
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv")
    cloud.stage(manifest, curated=90, quarantined=10)
    verdict = decide(call, batch_id)
    assert verdict["verdict"] == "QUARANTINED"
    assert verdict["violations"] == ["invalid rows stay rare: invalidValues is 10 percent, but mustBeLessThan 5"]
    assert cloud.keys(CURATED, "tables/") == []
    assert cloud.files("flights/a.csv")[0]["status"] == "QUARANTINED"
    assert cloud.batches.state("flights").running == frozenset()
    assert decide(call, batch_id)["verdict"] == "QUARANTINED"


def test_rows_that_are_unaccounted_for_are_never_published(cloud: Cloud, call: Call) -> None:
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv")
    cloud.stage(manifest, curated=2, read=3)
    with pytest.raises(ReconciliationError, match="3 rows read, but 2 curated"):
        decide(call, batch_id)
    assert cloud.keys(CURATED, "tables/") == []


def test_a_report_that_counts_does_not_change_when_a_late_run_writes_another(cloud: Cloud, call: Call) -> None:
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv")
    cloud.stage(manifest, curated=2)
    first = decide(call, batch_id)
    cloud.stage(manifest, curated=5)
    assert decide(call, batch_id) == first


def test_a_batch_that_another_overtook_in_its_partition_is_run_again(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_CONCURRENT_BATCHES", "3")
    batches = []
    for n in range(2):
        land(cloud, call, f"flights/{n}.csv")
        (batch_id,) = call("etl_trigger", {"dataset": "flights"})["batches"]
        cloud.stage(cloud.manifest("flights", batch_id))
        batches.append(batch_id)
    assert decide(call, batches[1], 0)["verdict"] == "PUBLISHED"
    conflict = decide(call, batches[0], 0)
    assert conflict["verdict"] == "CONFLICT"
    what = f"{batches[0]}: publish 1 by {batches[1]} touched the same partitions after this batch's job read them"
    assert conflict["violations"] == [what]
    assert decide(call, batches[0], 1)["verdict"] == "PUBLISHED"
    assert len(cloud.keys(CURATED, "tables/")) == 2


def test_only_one_batch_publishes_at_a_time_and_only_over_what_its_job_saw(cloud: Cloud) -> None:
    batches = cloud.batches
    one = batches.open("flights", batches.state("flights"), 3)
    two = batches.open("flights", batches.state("flights"), 3)
    assert one
    assert two
    batches.begin_publish(one, 0, ["a/"])
    with pytest.raises(PublishingError, match="is publishing"):
        batches.begin_publish(two, 0, ["b/"])
    batches.end_publish(one, verdict(), ["a/"])
    with pytest.raises(ConflictError):
        batches.begin_publish(two, 0, ["a/"])
    batches.begin_publish(two, 0, ["b/"])
    assert batches.end_publish(two, verdict(), ["b/"])
    assert not batches.end_publish(two, verdict(), ["b/"])
    assert batches.state("flights").published == 2


def test_a_publish_to_more_partitions_than_an_item_can_name_counts_as_one_to_all(cloud: Cloud) -> None:
    batches = cloud.batches
    one, two = (batches.open("flights", batches.state("flights"), 5) for _ in range(2))
    assert one
    assert two
    long = [f"customer_region={'ü' * 50}{n:04d}/customer_account={'x' * 100}/" for n in range(2_000)]
    batches.begin_publish(one, 0, long)
    assert batches.end_publish(one, verdict(), long)
    with pytest.raises(ConflictError, match="the same partitions"):
        batches.begin_publish(two, 0, ["elsewhere/"])


def test_a_failure_after_publication_does_not_take_the_rows_back(cloud: Cloud, call: Call) -> None:
    batch_id, manifest = one_batch(cloud, call, "flights/a.csv")
    cloud.stage(manifest)
    decide(call, batch_id)
    failure = {"dataset": "flights", "batch_id": batch_id, "error": {"Error": "QueryError", "Cause": "x"}}
    assert call("error_handler", failure)["outcome"] == "PUBLISHED"
    assert cloud.keys(CURATED, "tables/")


def test_errors_that_are_not_conditions_are_not_swallowed(cloud: Cloud) -> None:
    boto3.client("dynamodb").delete_table(TableName="ledger")
    with pytest.raises(ClientError):
        cloud.ledger.claim([candidate(key="flights/a.csv")], "batch")


@pytest.mark.parametrize(("size", "workers"), [(1, 2), (512 * 1024**2 * 3, 4), (10**12, 10), (512 * 1024**2, 2)])
def test_workers_grow_with_the_bytes_up_to_the_limit(size: int, workers: int) -> None:
    assert workers_for(bytes_to_read(size, "a.csv"), 10) == workers
    assert workers_for(bytes_to_read(size // 6, "a.CSV.gz"), 10) == workers


@pytest.mark.parametrize(
    ("key", "times"),
    [
        ("airlines/a.csv.gz", 6),
        ("airlines/a.JSONL.GZ", 6),
        ("airlines/a.csv.zst", 6),
        ("airlines/a.bz2", 6),
        ("airlines/a.zip", 6),
        ("airlines/a.csv", 1),
        ("airlines/a.parquet", 1),
        ("airlines/a.gz/b.csv", 1),
        ("airlines/agz", 1),
    ],
)
def test_a_gzipped_file_counts_six_times_its_size_and_no_other_file_does(key: str, times: int) -> None:
    assert "a gzipped file counts six times its size" in str(BatchesConfig.model_fields["max_gigabytes"].description)
    assert bytes_to_read(1_000, key) == times * 1_000


def test_gzipped_files_fill_a_batch_six_times_as_fast_and_get_workers_for_what_is_read(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_FILES_PER_BATCH", "10")
    monkeypatch.setattr("lambdas.etl_trigger.logic.BYTES_A_WORKER", 250)
    packed = gzip.compress(b"x" * 60, compresslevel=0)
    assert len(packed) == 83
    # 6 * (83 + 83) + 4 bytes are the 1,000 of a batch.
    bodies = {"a.csv.gz": packed, "b.csv.gz": packed, "c.csv": b"x" * 4, "d.csv": b"x"}
    call("ingestion", {"Records": [cloud.land(f"airlines/{name}", body) for name, body in bodies.items()]})
    (batch_id,) = call("etl_trigger", {"dataset": "airlines"})["batches"]
    found = [file.key for file in cloud.manifest("airlines", batch_id).files]
    assert found == ["airlines/a.csv.gz", "airlines/b.csv.gz", "airlines/c.csv"]
    assert cloud.executions()[batch_id]["workers"] == 1 + 4


@pytest.mark.parametrize(("most", "files"), [(0, 1), (9, 1), (10, 1), (24, 1), (25, 2), (84, 2), (85, 3), (1_000, 3)])
def test_a_batch_has_as_many_files_as_can_be_read_together_and_at_least_one(most: int, files: int) -> None:
    assert fitting([(10, "a.csv"), (15, "b.csv"), (10, "c.csv.gz")], most) == files


@pytest.mark.parametrize(
    ("files", "suspected"),
    [
        ([{}], False),
        ([{"attempts": 1}], True),
        ([{"part": "b1-1"}], True),
        ([{"attempts": 1, "part": "b1-1"}], True),
        ([{"attempts": 1}, {"attempts": 1}], False),
        ([], False),
    ],
)
def test_a_file_is_suspected_that_is_alone_after_a_batch_of_it_failed(
    files: list[dict[str, Any]], suspected: bool
) -> None:
    assert is_suspect([candidate(**changes) for changes in files]) is suspected
