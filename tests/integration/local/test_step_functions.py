"""State machines start Glue jobs as on AWS, and may do only what their role may."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from local.emulator import Emulator
from tests.integration.local.conftest import allow, eventually

Role = Callable[..., str]
Run = Callable[..., dict[str, Any]]
GLUE = ["glue:StartJobRun", "glue:GetJobRun", "glue:BatchStopJobRun"]


@pytest.fixture
def job(emulator: Emulator, bucket: str, role: Role) -> str:
    """A job that ends as its argument --end says: well, badly or never."""
    script = "import sys, time; end = sys.argv[2]; time.sleep(60 * (end == 'never')); assert end == 'well', end"
    emulator.client("s3").put_object(Bucket=bucket, Key="job.py", Body=script)
    emulator.client("glue").create_job(
        Name=bucket,
        Role=role("glue.amazonaws.com", allow(["s3:*", "logs:*"])),
        Command={"Name": "glueetl", "ScriptLocation": f"s3://{bucket}/job.py"},
        DefaultArguments={"--end": "well"},
    )
    return bucket


@pytest.fixture
def start(emulator: Emulator, role: Role, bucket: str) -> Callable[..., str]:
    """Starts a machine of the given states with the given permissions and returns the execution's ARN."""

    def begin(states: dict[str, Any], *statements: dict[str, Any], **definition: Any) -> str:
        sfn = emulator.client("stepfunctions")
        document = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states, **definition}
        machine = sfn.create_state_machine(
            name=bucket, roleArn=role("states.amazonaws.com", *statements), definition=json.dumps(document)
        )
        return str(sfn.start_execution(stateMachineArn=machine["stateMachineArn"], input="{}")["executionArn"])

    return begin


@pytest.fixture
def run(emulator: Emulator, start: Callable[..., str]) -> Run:
    """Runs a machine to its end."""

    def whole(*arguments: Any, **definition: Any) -> dict[str, Any]:
        return ended(emulator, start(*arguments, **definition))

    return whole


def ended(emulator: Emulator, execution: str) -> dict[str, Any]:
    sfn = emulator.client("stepfunctions")

    def answer() -> Any:
        found = sfn.describe_execution(executionArn=execution)
        return found if found["status"] != "RUNNING" else None

    found: dict[str, Any] = eventually(answer)
    return found


def glue_task(job: str, end: str, **more: Any) -> dict[str, Any]:
    arguments = {"JobName": job, "Arguments": {"--end": end}}
    resource = "arn:aws:states:::glue:startJobRun.sync"
    return {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True, **more}


def runs(emulator: Emulator, job: str) -> list[str]:
    found = emulator.client("glue").get_job_runs(JobName=job)["JobRuns"]
    return [str(one["JobRunState"]) for one in found]


def test_a_sync_task_waits_for_the_run_and_returns_it(emulator: Emulator, job: str, run: Run) -> None:
    result = run({"Job": glue_task(job, "well", Output="{% $states.result.JobRunState %}")}, allow(GLUE))
    assert (result["status"], result["output"]) == ("SUCCEEDED", '"SUCCEEDED"')


def test_a_failed_run_fails_the_task_with_the_run_as_its_cause(job: str, run: Run) -> None:
    result = run({"Job": glue_task(job, "badly")}, allow(GLUE))
    assert result["error"] == "States.TaskFailed"
    cause = json.loads(result["cause"])
    assert cause["JobRunState"] == "FAILED"
    assert cause["ErrorMessage"] == "AssertionError: badly"
    assert cause["CompletedOn"] > 10**12, "Step Functions shows times in milliseconds"


def test_too_many_runs_can_be_caught_by_awss_name(emulator: Emulator, job: str, run: Run) -> None:
    glue = emulator.client("glue")
    busy = glue.start_job_run(JobName=job, Arguments={"--end": "never"})["JobRunId"]
    caught = {"ErrorEquals": ["Glue.ConcurrentRunsExceededException"], "Next": "Full"}
    states = {"Job": glue_task(job, "well", Catch=[caught]), "Full": {"Type": "Succeed", "Output": "full"}}
    assert run(states, allow(GLUE))["output"] == '"full"'
    glue.batch_stop_job_run(JobName=job, JobRunIds=[busy])


def test_without_sync_the_task_returns_at_once(emulator: Emulator, job: str, run: Run) -> None:
    task = glue_task(job, "never") | {"Resource": "arn:aws:states:::glue:startJobRun"}
    result = run({"Job": task}, allow(GLUE))
    run_id = json.loads(result["output"])["JobRunId"]
    assert emulator.client("glue").batch_stop_job_run(JobName=job, JobRunIds=[run_id])["SuccessfulSubmissions"]


def test_an_aborted_execution_stops_its_job_run(emulator: Emulator, job: str, start: Callable[..., str]) -> None:
    execution = start({"Job": glue_task(job, "never")}, allow(GLUE))
    eventually(lambda: "RUNNING" in runs(emulator, job))
    emulator.client("stepfunctions").stop_execution(executionArn=execution)
    eventually(lambda: runs(emulator, job) == ["STOPPED"], 60)
    assert ended(emulator, execution)["status"] == "ABORTED"


def test_a_task_that_runs_out_of_time_stops_its_job_run_though_the_machine_goes_on(
    emulator: Emulator, job: str, start: Callable[..., str]
) -> None:
    caught = {"ErrorEquals": ["States.Timeout"], "Next": "After"}
    task = glue_task(job, "never", TimeoutSeconds=2, Catch=[caught])
    execution = start({"Job": task, "After": {"Type": "Wait", "Seconds": 100, "End": True}}, allow(GLUE))
    eventually(lambda: runs(emulator, job) == ["STOPPED"], 60)
    sfn = emulator.client("stepfunctions")
    assert sfn.describe_execution(executionArn=execution)["status"] == "RUNNING"
    sfn.stop_execution(executionArn=execution)


def test_a_machine_that_runs_out_of_time_is_timed_out(emulator: Emulator, job: str, run: Run) -> None:
    result = run({"Job": glue_task(job, "never")}, allow(GLUE), TimeoutSeconds=2)
    assert result["status"] == "TIMED_OUT"
    eventually(lambda: runs(emulator, job) == ["STOPPED"], 60)


@pytest.mark.parametrize(
    ("resource", "arguments", "error", "action"),
    [
        ("glue:startJobRun.sync", {"JobName": "x"}, "Glue.AccessDeniedException", "glue:StartJobRun"),
        ("aws-sdk:glue:startCrawler", {"Name": "x"}, "Glue.AccessDeniedException", "glue:StartCrawler"),
        ("dynamodb:getItem", {"TableName": "x", "Key": {}}, "DynamoDB.AccessDeniedException", "dynamodb:GetItem"),
        ("lambda:invoke", {"FunctionName": "x"}, "Lambda.AWSLambdaException", "lambda:InvokeFunction"),
        ("sns:publish", {"TopicArn": "arn:aws:sns:us-east-1:000000000000:x"}, "Sns.", "sns:Publish"),
        ("events:putEvents", {"Entries": [{"EventBusName": "x"}]}, "Events.", "events:PutEvents"),
    ],
)
def test_what_the_role_may_not_do_the_machine_cannot_do(
    run: Run, resource: str, arguments: dict[str, Any], error: str, action: str
) -> None:
    task = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Arguments": arguments, "End": True}
    result = run({"Task": task}, allow("s3:GetObject"))
    assert result["error"].startswith(error)
    assert f"not authorized to perform: {action} on resource: arn:aws:" in result["cause"]


def test_a_permission_on_another_job_does_not_help(job: str, run: Run) -> None:
    other = "arn:aws:glue:us-east-1:000000000000:job/other"
    assert run({"Job": glue_task(job, "well")}, allow(GLUE, other))["error"] == "Glue.AccessDeniedException"


def test_the_ledger_can_be_read_with_the_permission_for_it(emulator: Emulator, bucket: str, run: Run) -> None:
    dynamodb = emulator.client("dynamodb")
    arn = dynamodb.create_table(
        TableName=bucket,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )["TableDescription"]["TableArn"]
    dynamodb.put_item(TableName=bucket, Item={"pk": {"S": "a"}, "n": {"N": "3"}})
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:getItem",
        "Arguments": {"TableName": bucket, "Key": {"pk": {"S": "a"}}},
        "Output": "{% $states.result.Item.n.N %}",
        "End": True,
    }
    assert run({"Get": task}, allow("dynamodb:GetItem", arn))["output"] == '"3"'
