"""A job run really runs its script, as its role, and ends as on AWS. Most scripts here are quick: without Spark."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.emulator import Emulator
from recording.decisions import denials
from tests.integration.local.conftest import Told, allow, eventually

Role = Callable[..., str]
EVERYTHING = [allow(["s3:*", "logs:*"])]
NAMES = "import sys, json; print(json.dumps(sys.argv[1:]))"
SPARK = """
import sys
from pyspark.sql import SparkSession
from helper import double
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
source, target = arguments["--source"], arguments["--target"]
spark = SparkSession.builder.getOrCreate()
rows = spark.read.option("header", True).csv(source).selectExpr("month", f"cast(v as int) * {double(1)} as v")
rows.write.partitionBy("month").parquet(target)
assert spark.read.parquet(target).count() == 2
spark.stop()
"""


@pytest.fixture
def job(emulator: Emulator, bucket: str, role: Role) -> Callable[..., str]:
    """Makes a job of a script and returns its name, which is the bucket's."""

    def make(script: str, *, statements: list[Any] = EVERYTHING, runs: int = 1, **arguments: str) -> str:
        emulator.client("s3").put_object(Bucket=bucket, Key="job.py", Body=script)
        emulator.client("glue").create_job(
            Name=bucket,
            Role=role("glue.amazonaws.com", *statements),
            Command={"Name": "glueetl", "ScriptLocation": f"s3://{bucket}/job.py"},
            ExecutionProperty={"MaxConcurrentRuns": runs},
            DefaultArguments={f"--{name.replace('_', '-')}": value for name, value in arguments.items()},
        )
        return bucket

    return make


@pytest.fixture
def glue(emulator: Emulator) -> Any:
    return emulator.client("glue")


def state(glue: Any, name: str, run: str) -> str:
    return str(glue.get_job_run(JobName=name, RunId=run)["JobRun"]["JobRunState"])


def finished(glue: Any, name: str, **request: Any) -> dict[str, Any]:
    run = glue.start_job_run(JobName=name, **request)["JobRunId"]
    ends = {"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT"}
    eventually(lambda: state(glue, name, run) in ends, 60)
    found: dict[str, Any] = glue.get_job_run(JobName=name, RunId=run)["JobRun"]
    return found


def test_the_script_gets_the_jobs_arguments_under_the_runs_and_glues_own(
    emulator: Emulator, job: Callable[..., str], glue: Any
) -> None:
    name = job(NAMES, first="job", second="job", custom_logGroup_prefix="/own/logs")
    run = finished(glue, name, Arguments={"--second": "run"})
    assert run["JobRunState"] == "SUCCEEDED"
    events = emulator.client("logs").get_log_events(logGroupName="/own/logs/output", logStreamName=run["Id"])["events"]
    words = json.loads(events[0]["message"])
    arguments = dict(zip(words[::2], words[1::2], strict=True))
    assert (arguments["--first"], arguments["--second"]) == ("job", "run")
    assert (arguments["--JOB_NAME"], arguments["--JOB_RUN_ID"]) == (name, run["Id"])


def test_a_script_that_raises_fails_the_run_with_its_last_line(job: Callable[..., str], glue: Any) -> None:
    run = finished(glue, job("raise ValueError('no column month')"))
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "ValueError: no column month")


@pytest.mark.parametrize(
    ("script", "state", "severity", "message"),
    [("raise ValueError('no month')", "FAILED", "ERROR", "ValueError: no month"), ("", "SUCCEEDED", "INFO", None)],
)
def test_how_a_run_ended_is_told_on_the_default_bus(
    job: Callable[..., str], glue: Any, told: Told, script: str, state: str, severity: str, message: str | None
) -> None:
    name = job(script)
    run = finished(glue, name)
    (event,) = eventually(told)
    assert event == {
        "kind": "Glue Job State Change",
        "jobName": name,
        "severity": severity,
        "state": state,
        "jobRunId": run["Id"],
        "message": message or "Job run succeeded",
    }


def test_a_script_that_is_not_there_fails_the_run(emulator: Emulator, job: Callable[..., str], glue: Any) -> None:
    name = job(NAMES)
    emulator.client("s3").delete_object(Bucket=name, Key="job.py")
    run = finished(glue, name)
    assert run["JobRunState"] == "FAILED"
    assert "job.py could not be read" in run["ErrorMessage"]


def test_more_runs_than_allowed_are_refused_and_a_stopped_run_makes_room(job: Callable[..., str], glue: Any) -> None:
    name = job("import time; time.sleep(60)")
    first = glue.start_job_run(JobName=name)["JobRunId"]
    with pytest.raises(glue.exceptions.ConcurrentRunsExceededException):
        glue.start_job_run(JobName=name)
    eventually(lambda: state(glue, name, first) == "RUNNING")
    answer = glue.batch_stop_job_run(JobName=name, JobRunIds=[first, "jr_none"])
    assert [run["JobRunId"] for run in answer["SuccessfulSubmissions"]] == [first]
    assert answer["Errors"][0]["ErrorDetail"]["ErrorCode"] == "EntityNotFoundException"
    eventually(lambda: state(glue, name, first) == "STOPPED", 10)
    second = glue.start_job_run(JobName=name)["JobRunId"]
    glue.batch_stop_job_run(JobName=name, JobRunIds=[second])
    eventually(lambda: state(glue, name, second) == "STOPPED", 10)
    again = glue.batch_stop_job_run(JobName=name, JobRunIds=[second])
    assert again["Errors"][0]["ErrorDetail"]["ErrorCode"] == "InvalidInputException"


def test_a_run_that_is_stopped_while_its_jvm_starts_never_runs(
    emulator: Emulator, job: Callable[..., str], glue: Any
) -> None:
    name = job("import time; time.sleep(60)")

    def jvms() -> int:
        return len(list((emulator.workdir / "glue").glob("jvm-*")))

    def stopped_early() -> str:
        """Stop a run as soon as a JVM starts for it; none if it got one that waited, which is not used again then."""
        before = jvms()
        run = str(glue.start_job_run(JobName=name)["JobRunId"])
        eventually(lambda: jvms() > before or state(glue, name, run) == "RUNNING")
        early = jvms() > before
        glue.batch_stop_job_run(JobName=name, JobRunIds=[run])
        eventually(lambda: state(glue, name, run) == "STOPPED")
        return run if early else ""

    run = eventually(stopped_early, 120)
    assert not (emulator.workdir / "glue" / run / "stdout.log").exists(), "its script was started"


def test_the_concurrency_limit_is_remembered_and_can_be_changed(job: Callable[..., str], glue: Any) -> None:
    name = job(NAMES, runs=3)
    assert glue.get_job(JobName=name)["Job"]["ExecutionProperty"] == {"MaxConcurrentRuns": 3}
    glue.update_job(JobName=name, JobUpdate={"ExecutionProperty": {"MaxConcurrentRuns": 5}})
    assert glue.get_job(JobName=name)["Job"]["ExecutionProperty"] == {"MaxConcurrentRuns": 5}


def test_the_script_acts_with_the_jobs_role_and_a_refusal_is_recorded(
    emulator: Emulator, bucket: str, job: Callable[..., str], glue: Any
) -> None:
    script = "import boto3, sys; boto3.client('s3').put_object(Bucket=sys.argv[2], Key='out/x', Body=b'')"
    name = job(script, statements=[allow("s3:GetObject"), allow("logs:*")], bucket=bucket)
    run = finished(glue, name)
    assert run["JobRunState"] == "FAILED"
    assert "AccessDenied" in run["ErrorMessage"]
    refused = [decision for decision in denials(emulator.decisions) if f"{bucket}/out/x" in decision.resource]
    assert [decision.action for decision in refused] == ["s3:PutObject"]


def test_a_role_that_does_not_trust_glue_cannot_run_a_job(
    emulator: Emulator, job: Callable[..., str], role: Role, glue: Any
) -> None:
    name = job(NAMES)
    stranger = role("lambda.amazonaws.com", *EVERYTHING)
    glue.update_job(JobName=name, JobUpdate={"Role": stranger})
    run = finished(glue, name)
    assert "glue.amazonaws.com is not authorized to perform: sts:AssumeRole" in run["ErrorMessage"]


def test_spark_reads_and_writes_s3_and_uses_the_jobs_libraries(
    emulator: Emulator, bucket: str, job: Callable[..., str], glue: Any
) -> None:
    from local.resources.archives import zip_bytes

    s3 = emulator.client("s3")
    s3.put_object(Bucket=bucket, Key="lib.zip", Body=zip_bytes({"helper.py": b"def double(x): return 2 * x"}))
    s3.put_object(Bucket=bucket, Key="in/a.csv", Body=b"month,v\n1,10\n2,20\n")
    places = {"source": f"s3://{bucket}/in/", "target": f"s3://{bucket}/out"}
    name = job(SPARK, extra_py_files=f"s3://{bucket}/lib.zip", **places)
    run = finished(glue, name)
    assert (run["JobRunState"], run["ErrorMessage"]) == ("SUCCEEDED", "")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix="out/")["Contents"]]
    assert [key.split("/")[1] for key in keys] == ["_SUCCESS", "month=1", "month=2"]
    assert not (emulator.workdir / "glue" / run["Id"] / "s3").exists(), "the mirror is gone after the run"


def test_a_run_that_is_unknown_is_an_error(job: Callable[..., str], glue: Any) -> None:
    name = job(NAMES)
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        glue.get_job_run(JobName=name, RunId="jr_none")
