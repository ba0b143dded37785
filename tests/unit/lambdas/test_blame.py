"""A file is blamed only for the death of a Spark that reads others; whatever else fails is tried again, then FAILED."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pipeline_core.files import FileItem
from pipeline_core.job_errors import (
    FileKilledSparkError,
    OverwrittenError,
    SparkDiedError,
    SparkFailedError,
    StorageError,
    kind_of,
)

from lambdas.error_handler.handler import _recovery
from tests.unit.lambdas.conftest import CURATED, Cloud
from tests.unit.lambdas.test_batches import decide, land, one_batch
from tests.unit.lambdas.test_recovery import KILLED, aborted, fail, job_failed, spark_dies

Call = Callable[..., Any]

ENDPOINT = "https://s3.eu-central-1.amazonaws.com/"
ROLE = "arn:aws:sts::123456789012:assumed-role/raw-to-curated/GlueJobRunnerSession"
# As AWS's documentation, its forums and Spark's and botocore's own code word them; collected 2026-11.
PLATFORM = {
    "Java is missing": "pyspark.errors.exceptions.base.PySparkRuntimeError: [JAVA_GATEWAY_EXITED] Java gateway process "
    "exited before sending its port number.",
    "JAVA_HOME is wrong": "FileNotFoundError: [Errno 2] No such file or directory: '/usr/lib/jvm/java-17/bin/java'",
    "the JVM was killed": "pipeline_core.job_errors.SparkDiedError: Spark's driver ended without a word: it ran out of "
    "memory, or was killed",
    "the JVM did not start": "SparkFailedError: Spark did not start: [Errno 111] Connection refused",
    "py4j has no gateway": "py4j.protocol.Py4JNetworkError: An error occurred while trying to connect to the "
    "Java server "
    "(127.0.0.1:25333)",
    "py4j got no answer": "py4j.protocol.Py4JNetworkError: Answer from Java side is empty",
    "Glue's exit code": "Command failed with exit code 1",
    "the launcher": "LAUNCH ERROR | Glue job failed to start. Exit code 10",
    "the driver was killed": "Command failed with exit code 137",
    "Glue was out of memory": "Error Category: OUT_OF_MEMORY_ERROR; Exception in User Class: "
    "java.lang.OutOfMemoryError : Java heap space",
    "executors were lost": "SparkDiedError: org.apache.spark.SparkException: Job aborted due to stage failure: "
    "ExecutorLostFailure (executor 3 exited caused by one of the running tasks) Reason: Container killed by YARN",
    "no route to S3": f'botocore.exceptions.ConnectTimeoutError: Connect timeout on endpoint URL: "{ENDPOINT}"',
    "no name server": f"botocore.exceptions.EndpointConnectionError: Could not connect to the endpoint URL: "
    f'"{ENDPOINT}"',
    "an S3 read stopped": f'botocore.exceptions.ReadTimeoutError: Read timeout on endpoint URL: "{ENDPOINT}"',
    "no VPC endpoint": "VPC S3 endpoint validation failed for SubnetId: subnet-0a1b. VPC: vpc-0a1b. Reason: "
    "Could not find "
    "S3 endpoint or NAT gateway for subnetId",
    "the subnet is full": "The specified subnet does not have enough free addresses to satisfy the request.",
    "no network interface": "Failed to create ENI: An error occurred (InsufficientFreeAddressesInSubnet)",
    "ENI limit": "Number of network interfaces exceeded: NetworkInterfaceLimitExceeded",
    "the role cannot be assumed": "The role arn:aws:iam::123456789012:role/raw-to-curated is not authorized to "
    "perform: "
    "sts:AssumeRole",
    "Glue may not take the role": "Role arn:aws:iam::123456789012:role/r should be given assume role "
    "permissions for Glue "
    "Service.",
    "the credentials are old": "ClientError: An error occurred (ExpiredToken) when calling the GetObject "
    "operation: The "
    "provided token has expired.",
    "no credentials": "botocore.exceptions.NoCredentialsError: Unable to locate credentials",
    "a policy forbids": f"ClientError: An error occurred (AccessDenied) when calling the PutObject operation: "
    f"User: {ROLE} "
    "is not authorized to perform: s3:PutObject",
    "KMS forbids": f"ClientError: An error occurred (AccessDeniedException) when calling the GenerateDataKey "
    f"operation: "
    f"{ROLE} is not authorized to perform: kms:GenerateDataKey because no resource-based policy allows it",
    "the key is disabled": "KMS.DisabledException: arn:aws:kms:eu-central-1:123456789012:key/a is disabled.",
    "Glue's account limit": "ResourceNumberLimitExceededException: Account has exceeded its maximum compute capacity",
    "no workers": "Exceeded maximum concurrent compute capacity for your account: 300. Please contact AWS Support",
    "no slot": "Concurrent runs exceeded for data-pipeline-raw-to-curated (Service: Glue, Status Code: 400)",
    "no resource": "Resource unavailable: Number of requested instances is not available in the Availability Zone",
    "no entry point": "ResourceNotFoundException: An error occurred (NoSuchKey) when calling the GetObject operation: "
    "s3://artifacts/glue/raw_to_curated.py",
    "libraries are missing": "ModuleNotFoundError: No module named 'pipeline_core'",
    "the script is of another version": "TypeError: Manifest.__init__() got an unexpected keyword argument 'replaced'",
    "S3 is busy": "StorageError: S3Exception: Please reduce your request rate. (Service: S3, Status Code: 503)",
    "S3 is slow": "pipeline_core.job_errors.StorageError: java.net.SocketTimeoutException: Connect timed out",
    "deleted": "OverwrittenError: s3://raw/a.csv version v1 was deleted before it was read",
    "the disk is full": "SparkFailedError: java.io.IOException: No space left on device",
    "snappy's library": "SparkFailedError: org.xerial.snappy.SnappyError: [FAILED_TO_LOAD_NATIVE_LIBRARY] /tmp "
    "is noexec",
    "Python workers are missing": 'SparkFailedError: java.io.IOException: Cannot run program "python3": error=2',
    "the catalog": "AnalysisException: org.apache.hadoop.hive.metastore.api.MetaException: Insufficient Lake Formation "
    "permission(s)",
    "nothing at all": "",
}
assert len(PLATFORM) >= 20
# Of what the job said, the class alone decides what becomes of its files (`_kind` in the handler): the first of each.
EACH_CLASS = list({kind_of(text): text for text in reversed(PLATFORM.values())}.values())


@pytest.mark.parametrize("message", [pytest.param(text, id=name) for name, text in PLATFORM.items()])
def test_no_file_is_blamed_for_what_the_platform_did(cloud: Cloud, call: Call, message: str) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    assert fail(call, batch_id, "Stage", **job_failed(message)) == "RELEASED"
    (again,) = call("etl_trigger", {})["batches"]
    assert fail(call, again, "Stage", **job_failed(message)) == "FAILED", (
        "two attempts are enough, and a person is told"
    )
    (item,) = cloud.files("airlines/a.csv")
    assert (item["status"], message[:40] in item["reason"]) == ("FAILED", True)


@pytest.mark.parametrize("message", EACH_CLASS)
def test_of_several_files_none_is_blamed_either(cloud: Cloud, call: Call, message: str) -> None:
    keys = ["airlines/a.csv", "airlines/b.csv"]
    land(cloud, call, *keys)
    outcomes: list[str] = []
    while started := call("etl_trigger", {})["batches"]:
        outcomes += [fail(call, batch_id, "Stage", **job_failed(message)) for batch_id in started]
        assert len(outcomes) < 20, "it comes to an end"
    assert "QUARANTINED" not in outcomes
    assert [cloud.files(key)[0]["status"] for key in keys] == ["FAILED", "FAILED"]


@pytest.mark.parametrize(
    "error", ["Glue.ConcurrentRunsExceededException", "Glue.EntityNotFoundException", "States.Timeout", "Glue.X"]
)
def test_no_file_is_blamed_for_what_starting_the_job_answered(cloud: Cloud, call: Call, error: str) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    cause = "Concurrent runs exceeded for data-pipeline-raw-to-curated (Service: Glue, Status Code: 400)"
    assert fail(call, batch_id, "Stage", Error=error, Cause=cause) == "RELEASED"


def test_a_death_is_heard_only_when_it_was_the_job_that_failed(cloud: Cloud, call: Call) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    assert fail(call, batch_id, "", **job_failed(KILLED)) == "RELEASED"
    assert cloud.files("airlines/a.csv")[0].get("kills", 0) == 0


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("StorageError: reading s3://raw/SparkDiedError.csv", StorageError),
        ("StorageError: no answer for SparkDiedError: x.csv", StorageError),
        ("s3://raw/SparkDiedError: x", None),
        ("SparkDiedError: java.io.EOFException: StorageError.csv", SparkDiedError),
        ("NotSparkDiedErrors: x", None),
        ("SparkDiedError: x", SparkDiedError),
        ("FileKilledSparkError: x", FileKilledSparkError),
        ("SparkFailedError: java.lang.IllegalStateException", SparkFailedError),
        ("glue_jobs.x.OverwrittenError: x", OverwrittenError),
        ("Command failed with exit code 137", SparkDiedError),
        ("Command failed with exit code 13", None),
        ("Command failed with exit code 1", None),
    ],
)
def test_the_class_that_comes_first_is_the_verdict_whatever_keys_and_values_say(
    message: str, kind: type | None
) -> None:
    assert kind_of(message) is kind


def test_a_file_that_kills_spark_is_blamed_when_it_did_twice_alone_beside_the_known_good_file(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_ATTEMPTS", "3")
    _recovery.cache_clear()
    batch_id, manifest = one_batch(cloud, call, "airlines/killer.csv", "airlines/good.csv")
    assert manifest.known_good == "", "nobody suspects a file of a first batch"
    assert fail(call, batch_id, "Stage", **job_failed("SparkDiedError: x")) == "RELEASED"
    (batch_id,) = call("etl_trigger", {})["batches"]
    assert fail(call, batch_id, "Stage", **job_failed("SparkDiedError: x")) == "SPLIT"
    ended = []
    while started := call("etl_trigger", {})["batches"]:
        (part,) = started
        manifest = cloud.manifest("airlines", part)
        bucket, _, key = manifest.known_good.removeprefix("s3://").partition("/")
        assert (bucket, cloud.s3.get_object(Bucket=bucket, Key=key)["Body"].read()[:10]) == (CURATED, b"day,number")
        (file,) = manifest.files
        if file.key == "airlines/good.csv":
            cloud.stage(manifest)
            call("processing", {"dataset": "airlines", "batch_id": part, "published": 0, "dpu_seconds": 1})
        else:
            ended.append(fail(call, part, "Stage", **job_failed(KILLED)))
    assert ended == ["RELEASED", "QUARANTINED"]
    assert cloud.files("airlines/killer.csv")[0]["status"] == "QUARANTINED"
    assert cloud.files("airlines/good.csv")[0]["status"] == "PUBLISHED"


@pytest.mark.parametrize(
    ("messages", "outcomes"),
    [
        # The known good file could not be read either, or nobody knows.
        (["SparkDiedError: x"] * 3, ["RELEASED", "RELEASED", "FAILED"]),
        ([KILLED, "SparkDiedError: x", "SparkDiedError: x"], ["RELEASED", "RELEASED", "FAILED"]),
        ([KILLED, "StorageError: x", KILLED], ["RELEASED", "RELEASED", "QUARANTINED"]),
        (["StorageError: x", "StorageError: x", KILLED], ["RELEASED", "RELEASED", "FAILED"]),
        ([KILLED, KILLED], ["RELEASED", "QUARANTINED"]),
    ],
)
def test_once_is_not_enough_to_blame_a_file_that_kills_spark(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch, messages: list[str], outcomes: list[str]
) -> None:
    monkeypatch.setenv("MAX_ATTEMPTS", "3")
    _recovery.cache_clear()
    land(cloud, call, "airlines/a.csv")
    found = []
    for message in messages:
        (batch_id,) = call("etl_trigger", {})["batches"]
        found.append(fail(call, batch_id, "Stage", **job_failed(message)))
    assert found == outcomes
    assert cloud.files("airlines/a.csv")[0]["status"] == outcomes[-1]


DIED, STORAGE, FAILED_IN_SPARK = "SparkDiedError: x", "StorageError: x", "SparkFailedError: x"


@pytest.mark.parametrize(
    ("messages", "outcomes"),
    [
        ([DIED, DIED], ["RELEASED", "SPLIT"]),
        (["Command failed with exit code 137", "Error Category: OUT_OF_MEMORY_ERROR"], ["RELEASED", "SPLIT"]),
        # Not in two batches running, but in two.
        ([DIED, STORAGE, DIED], ["RELEASED", "RELEASED", "SPLIT"]),
        # Another failure is no death.
        ([STORAGE, DIED, DIED], ["RELEASED", "RELEASED", "SPLIT"]),
        ([FAILED_IN_SPARK, DIED, STORAGE, STORAGE], ["RELEASED", "RELEASED", "RELEASED", "FAILED"]),
        # At the last try, what Spark failed at is split, as whatever else it says that it failed at.
        ([STORAGE, STORAGE, STORAGE, DIED], ["RELEASED", "RELEASED", "RELEASED", "SPLIT"]),
        ([STORAGE, STORAGE, STORAGE, FAILED_IN_SPARK], ["RELEASED", "RELEASED", "RELEASED", "SPLIT"]),
        ([DIED, STORAGE, STORAGE, STORAGE], ["RELEASED", "RELEASED", "RELEASED", "FAILED"]),
    ],
)
def test_a_batch_is_split_only_when_spark_died_on_the_same_files_twice(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch, messages: list[str], outcomes: list[str]
) -> None:
    monkeypatch.setenv("MAX_ATTEMPTS", "4")
    _recovery.cache_clear()
    land(cloud, call, "airlines/a.csv", "airlines/b.csv")
    found = []
    for message in messages:
        (batch_id,) = call("etl_trigger", {})["batches"]
        assert len(cloud.manifest("airlines", batch_id).files) == 2
        found.append(fail(call, batch_id, "Stage", **job_failed(message)))
    assert found == outcomes


def test_a_batch_on_which_spark_died_once_waits_as_after_any_failure_of_the_platform(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRY_SECONDS", "100")
    _recovery.cache_clear()
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv", "airlines/b.csv")
    before = datetime.now(UTC)
    # A recovery that is repeated is not a second death.
    for _ in range(2):
        assert fail(call, batch_id, "Stage", **job_failed(DIED)) == "RELEASED"
    for key in ("airlines/a.csv", "airlines/b.csv"):
        (item,) = cloud.files(key)
        assert datetime.fromisoformat(item["not_before"]) >= before + timedelta(seconds=100)
        assert (item["attempts"], item["deaths"], "part" in item) == (1, 1, False)
    assert call("etl_trigger", {})["batches"] == []


@pytest.mark.parametrize(
    "cause", ["Runtime exited with error: exit status 137", "OutOfMemoryError", "SparkDiedError: x", KILLED]
)
def test_whoever_else_is_killed_or_out_of_memory_says_nothing_of_the_files(
    cloud: Cloud, call: Call, cause: str
) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    assert fail(call, batch_id, "", Error="Runtime.ExitError", Cause=cause) == "RELEASED"
    (item,) = cloud.files("airlines/a.csv")
    assert (item["attempts"], {"deaths", "kills"} & item.keys()) == (1, set())


def test_a_recovery_that_was_killed_is_finished_by_what_the_ledger_says_whoever_asks_then(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    with monkeypatch.context() as patch:
        patch.setattr("pipeline_core.ledger.Ledger.try_again", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            fail(call, batch_id, "Stage", **job_failed(KILLED))
    assert aborted(call, batch_id) == "RELEASED"
    (item,) = cloud.files("airlines/a.csv")
    assert (item["status"], item["deaths"], item["kills"]) == ("PENDING", 1, 1)


def test_a_file_that_spark_did_not_die_on_before_is_not_split_off_with_those_it_did(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_ATTEMPTS", "4")
    _recovery.cache_clear()
    land(cloud, call, "airlines/a.csv", "airlines/b.csv")
    cloud.ledger.table.update_item(
        Key={name: cloud.files("airlines/a.csv")[0][name] for name in ("pk", "sk")},
        UpdateExpression="SET deaths = :one",
        ExpressionAttributeValues={":one": 1},
    )
    for expected in ("RELEASED", "SPLIT"):
        (batch_id,) = call("etl_trigger", {})["batches"]
        assert len(cloud.manifest("airlines", batch_id).files) == 2
        assert fail(call, batch_id, "Stage", **job_failed(DIED)) == expected


def test_parts_of_a_batch_on_which_spark_died_twice_are_split_on_without_a_wait(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_FILES_PER_BATCH", "8")
    land(cloud, call, *(f"airlines/{n}.csv" for n in range(8)))
    for expected in ("RELEASED", "SPLIT", "SPLIT"):
        batch_id = call("etl_trigger", {})["batches"][0]
        assert fail(call, batch_id, "Stage", **job_failed(DIED)) == expected


def test_a_recovery_that_is_repeated_counts_a_killed_spark_once(cloud: Cloud, call: Call) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    for _ in range(2):
        assert fail(call, batch_id, "Stage", **job_failed(KILLED)) == "RELEASED"
    (item,) = cloud.files("airlines/a.csv")
    assert (item["deaths"], item["kills"], item["attempts"]) == (1, 1, 1)


def test_a_replay_begins_without_suspicion(cloud: Cloud, call: Call) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv")
    fail(call, batch_id, "Stage", **job_failed(KILLED))
    (again,) = call("etl_trigger", {})["batches"]
    fail(call, again, "Stage", **job_failed("StorageError: x"))
    (item,) = cloud.files("airlines/a.csv")
    assert item["status"] == "FAILED"
    assert cloud.ledger.replay(FileItem.from_item(item), "", "r1")
    (item,) = cloud.files("airlines/a.csv")
    assert {"deaths", "kills", "not_before", "reason"} & item.keys() == set()


def test_a_file_is_read_beside_the_known_good_one_when_it_failed_alone_before(cloud: Cloud, call: Call) -> None:
    batch_id, manifest = one_batch(cloud, call, "airlines/a.csv")
    assert manifest.known_good == "", "nobody suspects it yet"
    assert fail(call, batch_id, "Stage", **job_failed(DIED)) == "RELEASED"
    (again,) = call("etl_trigger", {})["batches"]
    assert cloud.manifest("airlines", again).known_good.endswith("/input/known-good.csv")


def test_of_several_files_that_failed_none_is_read_beside_the_known_good_one(cloud: Cloud, call: Call) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv", "airlines/b.csv")
    assert fail(call, batch_id, "Stage", **job_failed(DIED)) == "RELEASED"
    (again,) = call("etl_trigger", {})["batches"]
    assert cloud.manifest("airlines", again).known_good == ""


SUSPICION = {"deaths", "kills", "part", "root", "not_before"}


def test_a_file_that_comes_to_an_end_is_suspected_of_nothing_any_more(cloud: Cloud, call: Call) -> None:
    for key in ("airlines/a.csv", "airlines/b.csv"):
        batch_id, _ = one_batch(cloud, call, key)
        assert fail(call, batch_id, "Stage", **job_failed(KILLED)) == "RELEASED"
        assert {"deaths", "kills", "not_before"} <= cloud.files(key)[0].keys()
        (again,) = call("etl_trigger", {})["batches"]
        if key == "airlines/a.csv":
            cloud.stage(cloud.manifest("airlines", again))
            decide(call, again, cloud.batches.state("airlines").published)
        else:
            assert fail(call, again, "Stage", **job_failed("StorageError: x")) == "FAILED"
        (item,) = cloud.files(key)
        assert (item["status"], SUSPICION & item.keys()) == (
            "PUBLISHED" if key == "airlines/a.csv" else "FAILED",
            set(),
        )


def test_a_part_that_was_published_is_no_part_of_the_split_when_it_is_replayed(cloud: Cloud, call: Call) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv", "airlines/b.csv")
    assert spark_dies(cloud, call, batch_id) == "SPLIT"
    (part,) = call("etl_trigger", {})["batches"]
    cloud.stage(cloud.manifest("airlines", part))
    decide(call, part)
    (item,) = cloud.files("airlines/a.csv")
    assert cloud.ledger.replay(FileItem.from_item(item), "replace", "r1")
    (item,) = cloud.files("airlines/a.csv")
    assert (item["status"], SUSPICION & item.keys()) == ("PENDING", set())


def test_a_part_of_a_split_batch_is_tried_as_often_as_others_and_no_more(cloud: Cloud, call: Call) -> None:
    batch_id, _ = one_batch(cloud, call, "airlines/a.csv", "airlines/b.csv")
    assert spark_dies(cloud, call, batch_id) == "SPLIT"
    outcomes = []
    while started := call("etl_trigger", {"dataset": "airlines"})["batches"]:
        outcomes += [fail(call, part, "Stage", **job_failed("StorageError: x")) for part in started]
        assert len(outcomes) < 20, "a part that the storage fails is not tried for ever"
    assert sorted(outcomes) == ["FAILED", "FAILED", "RELEASED", "RELEASED"]


def test_a_new_file_is_not_given_up_with_one_that_was_tried_often(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_ATTEMPTS", "3")
    monkeypatch.setenv("MAX_CONCURRENT_BATCHES", "5")
    _recovery.cache_clear()
    land(cloud, call, "airlines/old.csv")
    for new in ("airlines/second.csv", "airlines/third.csv", "airlines/fourth.csv"):
        for batch_id in call("etl_trigger", {})["batches"]:
            fail(call, batch_id, "Stage", **job_failed("StorageError: x"))
        land(cloud, call, new)
    tried = {key: cloud.files(f"airlines/{key}.csv")[0] for key in ("old", "second", "third", "fourth")}
    assert {key: item["status"] for key, item in tried.items()} == {
        "old": "FAILED",
        "second": "PENDING",
        "third": "PENDING",
        "fourth": "PENDING",
    }
    assert [int(tried[key]["attempts"]) for key in ("second", "third", "fourth")] == [2, 1, 0]


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 100), (1, 200), (2, 400), (5, 3_200), (6, 3_600), (500, 3_600)])
def test_a_file_that_is_given_back_waits_and_those_behind_it_do_not(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch, attempts: int, seconds: int
) -> None:
    monkeypatch.setenv("RETRY_SECONDS", "100")
    monkeypatch.setenv("MAX_ATTEMPTS", "1000")
    monkeypatch.setenv("MAX_FILES_PER_BATCH", "1")
    land(cloud, call, "airlines/a.csv")
    (item,) = cloud.files("airlines/a.csv")
    cloud.ledger.table.update_item(
        Key={"pk": item["pk"], "sk": item["sk"]},
        UpdateExpression="SET attempts = :n",
        ExpressionAttributeValues={":n": attempts},
    )
    (batch_id,) = call("etl_trigger", {})["batches"]
    before = datetime.now(UTC)
    assert fail(call, batch_id, "Stage", **job_failed("StorageError: x")) == "RELEASED"
    due = datetime.fromisoformat(cloud.files("airlines/a.csv")[0]["not_before"])
    assert before + timedelta(seconds=seconds) <= due <= datetime.now(UTC) + timedelta(seconds=seconds)
    land(cloud, call, "airlines/b.csv")
    (batch_id,) = call("etl_trigger", {})["batches"]
    assert [file.key for file in cloud.manifest("airlines", batch_id).files] == ["airlines/b.csv"]
    assert [file.key for file in cloud.ledger.pending("airlines", 10)] == ["airlines/a.csv"], "it is still shown"
    earlier, later = (due + timedelta(microseconds=step) for step in (-1, 0))
    assert not cloud.ledger.pending("airlines", 10, earlier.isoformat(timespec="microseconds"))
    assert cloud.ledger.pending("airlines", 10, later.isoformat(timespec="microseconds"))
