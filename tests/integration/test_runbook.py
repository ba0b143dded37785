"""Every command of docs/runbook.md, its placeholders filled in, on a pipeline that has refused a batch."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.driver import Pipeline
from local.emulator import ACCESS_KEY, REGION, Emulator
from tests.integration.begun import begun

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "docs" / "runbook.md").read_text(encoding="utf-8")
SECONDS = 240
KEY = "airlines/bad.csv"
OF_INCIDENTS = re.compile("data-pipeline (pause|resume) ")
OF_ICEBERG = re.compile("data-pipeline (history|rollback|maintain) ")
AIRCRAFT = (
    b"tailnum,year,type,manufacturer,model,engines,seats,speed,engine,operation,changed_at\n"
    b"N10156,2004,Fixed wing,EMBRAER,EMB-145XR,2,55,NA,Turbo-fan,I,2013-01-01T00:00:00Z\n"
)
# What must be in the answer, so that a command that runs and says nothing is seen.
SAYS = {
    "aws cloudwatch describe-alarms": "data-pipeline-local-undelivered-not-empty",
    "aws lambda invoke": "<batch>",
    "aws logs filter-log-events": "a line of the last hour",
    "aws stepfunctions get-execution-history": "ExecutionFailed",
    "aws sqs receive-message": "an event that failed",
    "aws sqs start-message-move-task": "TaskHandle",
    "aws lambda list-event-source-mappings": "arrivals",
    "aws lambda get-account-settings": "ConcurrentExecutions",
    "aws athena list-query-executions": "<query>",
    "aws athena get-query-execution": "DataScannedInBytes",
    "aws logs describe-log-groups": "/error",
    "aws glue get-crawler": "data-pipeline-local_planes",
    "aws glue start-crawler": "",
    ".venv/bin/data-pipeline status": "! alarm data-pipeline-local-undelivered-not-empty",
    ".venv/bin/data-pipeline runs": "<batch>: QUARANTINED after",
    ".venv/bin/data-pipeline quarantined": "record: nope,Bad",
    ".venv/bin/data-pipeline page": "data-pipeline-local.html: ",
    ".venv/bin/data-pipeline logs": "etl_trigger INFO: batch started",
    ".venv/bin/data-pipeline pause": "planes is paused since",
    ".venv/bin/data-pipeline resume": "planes ",
    ".venv/bin/data-pipeline cancel": "is RELEASED: its files are pending",
    ".venv/bin/data-pipeline file": "QUARANTINED",
    ".venv/bin/data-pipeline replay": "files of airlines",
    ".venv/bin/data-pipeline backfill": "files of airlines",
    ".venv/bin/data-pipeline query": "<batch>",
    ".venv/bin/data-pipeline history": "publish",
    ".venv/bin/data-pipeline rollback": "is what it was after",
    ".venv/bin/data-pipeline maintain": ":",
}


def commands() -> list[str]:
    """Every command, once, in the order of the page: in blocks, where lines may go on, and in the text."""
    begins = r"^ +(?:aws|\.venv/bin/data-pipeline) .*"
    blocks = re.findall(rf"(?:{begins}\\\n(?: .*\\\n)* .*$)|{begins}$", TEXT, re.MULTILINE)
    # A span of code may go over the end of a line.
    spans = re.findall(r"`((?:aws [a-z]|\.venv/bin/data-pipeline )[^`]+)`", re.sub(r"\n +", " ", TEXT))
    in_blocks = [re.sub(r" *\\\n *", " ", block).strip() for block in blocks if "`" not in block]
    return list(dict.fromkeys(re.sub(r" +# .*", "", command) for command in (*in_blocks, *spans)))


def name_of(command: str) -> str:
    """The command without what it is given."""
    words = command.split()
    return " ".join(words[: 3 if words[0] == "aws" else 2])


@pytest.fixture(scope="module")
def values(emulator: Emulator, pipeline: Pipeline) -> dict[str, str]:
    """What stands for each placeholder: a batch that was quarantined whole, and what there is to see of it."""
    pipeline.land([(KEY, b"carrier,name\nZ1,Good\nnope,Bad\n"), ("fleet/a.csv", AIRCRAFT)])
    pipeline.wait(lambda progress: progress.done, SECONDS)
    batch = pipeline.batch_of(KEY)
    asked = pipeline.invoke("query", {"query": "recent_runs", "parameters": ["airlines"]})
    assert asked["rows"]
    outputs, sqs = pipeline.outputs, emulator.client("sqs")
    queue = outputs["undelivered_url"]
    sqs.send_message(QueueUrl=queue, MessageBody="an event that failed")
    emulator.client("cloudwatch").set_alarm_state(
        AlarmName="data-pipeline-local-undelivered-not-empty", StateValue="ALARM", StateReason="a test says so"
    )
    group = "/aws/lambda/data-pipeline-local-etl-trigger"
    logs = emulator.client("logs")
    logs.create_log_stream(logGroupName=group, logStreamName="test")
    now, text = round(datetime.now(UTC).timestamp() * 1000), "[ERROR] a line of the last hour"
    logs.put_log_events(logGroupName=group, logStreamName="test", logEvents=[{"timestamp": now, "message": text}])
    machine = outputs["state_machine_arn"]
    queries = emulator.client("athena").list_query_executions(WorkGroup=outputs["workgroup"])["QueryExecutionIds"]
    return {
        "stack": "local",
        "function": "etl-trigger",
        "queue-url": queue,
        # What is undelivered came from no queue, and AWS moves it nowhere.
        "queue-arn": sqs.get_queue_attributes(
            QueueUrl=outputs["arrivals_dead_letters_url"], AttributeNames=["QueueArn"]
        )["Attributes"]["QueueArn"],
        "dataset": "airlines",
        "batch": batch,
        "iceberg-batch": pipeline.batch_of("fleet/a.csv"),
        "execution": f"{machine.replace(':stateMachine:', ':execution:')}:{batch}",
        "key": KEY,
        "prefix": "bad",
        "day": datetime.now(UTC).date().isoformat(),
        "query": queries[0],
    }


def fill(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"<([a-z-]+)>", lambda found: values[found[1]], text)


@pytest.fixture
def run(emulator: Emulator, pipeline: Pipeline, values: dict[str, str], tmp_path: Path) -> Any:
    """Runs a command as a person does who answers yes."""
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps(pipeline.outputs))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
        "AWS_ENDPOINT_URL": emulator.endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_MAX_ATTEMPTS": "1",
        "DATA_PIPELINE_OUTPUTS": str(outputs),
        "COLUMNS": "80",
    }

    def execute(command: str) -> subprocess.CompletedProcess[str]:
        function = "ingestion" if "mappings" in command else "query"
        own = {"function-name": pipeline.outputs["functions"][function]}
        # Not every dataset has a crawler.
        own |= {"dataset": "planes"} if "-crawler " in command else {}
        own |= {"dataset": "fleet", "batch": values["iceberg-batch"]} if OF_ICEBERG.search(command) else {}
        own |= {"dataset": "planes"} if OF_INCIDENTS.search(command) else {}
        own |= {"batch": begun(emulator, pipeline, environment)} if " cancel " in command else {}
        filled = fill(command, values | own)
        (alone,) = re.findall(r"`(aws\(\) \{[^`]+\})`", TEXT)
        return subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", f"{alone}; {filled}"],
            cwd=REPOSITORY,
            env=environment,
            input="y\n" * ("data-pipeline " in command),
            capture_output=True,
            text=True,
            check=False,
        )

    return execute


def test_the_page_has_commands_and_each_has_something_to_say() -> None:
    assert len(commands()) > 20
    # However they stand on the page: nothing that looks like a command goes unseen.
    written = re.findall(r"aws [a-z]+ [a-z][a-z-]+|\.venv/bin/data-pipeline [a-z]+", re.sub(r"\s+", " ", TEXT))
    assert set(written) == {name_of(command) for command in commands()}
    assert {name_of(command) for command in commands()} == SAYS.keys()


def test_every_placeholder_is_explained_once() -> None:
    used = {found for command in commands() for found in re.findall(r"<([a-z-]+)>", command)}
    table = [line.split("|")[1] for line in TEXT.splitlines() if line.startswith("| `<")]
    assert sorted(found for cell in table for found in re.findall(r"<([a-z-]+)>", cell)) == sorted(used)


@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_runbook_runs_and_says_what_it_should(command: str, run: Any, values: dict[str, str]) -> None:
    done = run(command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert fill(SAYS[name_of(command)], values) in done.stdout, done.stdout
