"""The pipeline's AWS resources in moto, and its functions called as AWS calls them."""

import functools
import importlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from boto3.dynamodb.transform import ConditionExpressionTransformation
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from pipeline_core.batches import Batches
from pipeline_core.files import Candidate
from pipeline_core.ledger import Ledger
from pipeline_core.manifest import Manifest
from pipeline_core.report import SPARK, FileReport, Report, StagedFile
from pipeline_core.verdict import Verdict

from contracts.compiler.compile import CompiledContract, load_contracts, places_of

REPOSITORY = Path(__file__).parents[3]
RAW, CURATED, QUARANTINE, ARTIFACTS = "raw-b", "curated-b", "quarantine-b", "artifacts-b"
TABLE, DATABASE, BUS = "ledger", "lake", "bus"


@functools.cache
def contracts() -> list[CompiledContract]:
    """The project's contracts, compiled in a test, so that a mutant of the compiler fails one."""
    return load_contracts(REPOSITORY / "contracts")


@functools.cache
def deployed() -> dict[str, bytes]:
    """What a deployment writes of the contracts, by key."""
    documents = {f"contracts/{contract.name}.json": contract.document for contract in contracts()}
    promised = {contract.name: contract.document["frequency_hours"] for contract in contracts()}
    documents["contracts/index.json"] = {
        "datasets": [contract.name for contract in contracts()],
        "promises": [{"dataset": name, "hours": hours} for name, hours in promised.items() if hours],
        "places": dict(places_of(contracts())),
    }
    return {key: json.dumps(document).encode() for key, document in documents.items()}


def verdict(**changes: Any) -> Verdict:
    """A verdict of which a test says what it is about."""
    texts = ("dataset", "batch_id", "report", "purpose", "contract_version")
    counts = ("files", "files_quarantined", "bytes", "rows_read", "rows_curated", "rows_quarantined")
    values = {"verdict": "PUBLISHED", **dict.fromkeys(texts, ""), **dict.fromkeys(counts, 0)}
    return Verdict(**{**values, "rows_duplicate": 0, "rows_replaced": 0, **changes})


def candidate(**changes: Any) -> Candidate:
    """A candidate of which a test says what it is about."""
    key = changes.get("key", "flights/a.csv")
    values = {"bucket": RAW, "key": key, "version": "v1", "size": 4, "landed_at": "2026-01-01T00:00:00Z"}
    return Candidate(**{**values, "dataset": key.split("/")[0], "format": "csv", **changes})


class Session(boto3.Session):
    """One for all tests, and a client of each kind: reading AWS's service descriptions takes longer than a test."""

    client = functools.cache(boto3.Session.client)
    resource = functools.cache(boto3.Session.resource)


SESSION = Session()


class Context:
    """What Powertools reads of a Lambda context."""

    function_name = "function"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:function"
    aws_request_id = "request"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def only_text(_: ConditionExpressionTransformation, condition: Any) -> Any:
    """Take a condition in the place of boto3, which is given none but text."""
    assert isinstance(condition, str), f"{condition} is for pipeline_core.conditions.expressions to write"
    return condition


class Cloud:
    """The resources, and the steps of the pipeline that are not functions."""

    def __init__(self) -> None:
        self.s3 = boto3.client("s3")
        self.ledger = Ledger(TABLE)
        self.batches = Batches(self.ledger)
        self.sfn = boto3.client("stepfunctions")
        self.glue = boto3.client("glue")

    def land(self, key: str, body: bytes) -> dict[str, Any]:
        """Put an object; returns the SQS record of its event."""
        version = self.s3.put_object(Bucket=RAW, Key=key, Body=body)["VersionId"]
        detail = {"bucket": {"name": RAW}, "object": {"key": key, "size": len(body), "version-id": version}}
        event = {"detail-type": "Object Created", "source": "aws.s3", "time": "2026-01-01T00:00:00Z", "detail": detail}
        return {
            "messageId": f"{key}-{version}",
            "body": json.dumps(event),
            "eventSource": "aws:sqs",
            "receiptHandle": "r",
            "attributes": {},
            "messageAttributes": {},
        }

    def move(self, dataset: str, *places: str) -> None:
        """Deploy the contract of a dataset with other places for its files."""
        [contract] = [contract for contract in contracts() if contract.name == dataset]
        moved = replace(contract, document={**contract.document, "locations": list(places)})
        self.s3.put_object(Bucket=ARTIFACTS, Key=f"contracts/{dataset}.json", Body=json.dumps(moved.document))
        index = json.loads(self.s3.get_object(Bucket=ARTIFACTS, Key="contracts/index.json")["Body"].read())
        others = {place: name for place, name in index["places"].items() if name != dataset}
        index["places"] = others | dict(places_of([moved]))
        self.s3.put_object(Bucket=ARTIFACTS, Key="contracts/index.json", Body=json.dumps(index))

    def files(self, key: str) -> list[dict[str, Any]]:
        return self.ledger.versions(RAW, key)

    def executions(self) -> dict[str, dict[str, Any]]:
        """Name and input of every execution."""
        machine = self.sfn.list_state_machines()["stateMachines"][0]["stateMachineArn"]
        found = self.sfn.list_executions(stateMachineArn=machine)["executions"]
        arns = {item["name"]: item["executionArn"] for item in found}
        return {name: json.loads(self.sfn.describe_execution(executionArn=arn)["input"]) for name, arn in arns.items()}

    def manifest(self, dataset: str, batch_id: str) -> Manifest:
        key = f"batches/{dataset}/{batch_id}/manifest.json"
        return Manifest.from_json(self.s3.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read())

    def stage(
        self,
        manifest: Manifest,
        *,
        curated: int = 2,
        quarantined: int = 0,
        read: int | None = None,
        partition: dict[str, str] | None = None,
        engine: str = SPARK,
    ) -> Report:
        """Do what the job does: stage files and a report. All rows are of the first file."""
        prefix = f"staging/{manifest.dataset}/{manifest.batch_id}/"
        for name in ("curated/part-0.parquet", "quarantined/part-0.parquet"):
            self.s3.put_object(Bucket=CURATED, Key=f"{prefix}run/{name}", Body=manifest.batch_id.encode())
        if partition is None:
            partition = {"year": "2013", "month": "1"} if manifest.dataset == "flights" else {}
        base = f"s3://{CURATED}/{prefix}run"
        first = FileReport(
            key=manifest.files[0].key,
            version=manifest.files[0].version,
            rows_read=curated + quarantined if read is None else read,
            rows_curated=curated,
            rows_quarantined=quarantined,
        )
        rest = [FileReport(key=file.key, version=file.version) for file in manifest.files[1:]]
        contract = next(c for c in contracts() if c.name == manifest.dataset)
        report = Report(
            batch_id=manifest.batch_id,
            dataset=manifest.dataset,
            contract_version="1.0.0",
            files=(first, *rest),
            curated=(StagedFile(uri=f"{base}/curated/part-0.parquet", partition=partition, rows=curated),)
            if curated
            else (),
            quarantined=(
                StagedFile(uri=f"{base}/quarantined/part-0.parquet", partition={"_file": "0"}, rows=quarantined),
            )
            if quarantined
            else (),
            columns={column["name"]: column["type"] for column in contract.document["columns"]},
            engine=engine,
        )
        self.s3.put_object(Bucket=CURATED, Key=f"{prefix}report.json", Body=report.to_json().encode())
        return report

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        found = self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for item in found.get("Contents", [])]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    # boto3 writes conditions that are objects with one builder for all threads: `pipeline_core.conditions` says more.
    monkeypatch.setattr(ConditionExpressionTransformation, "__call__", only_text)
    with mock_aws():
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", SESSION)
        # Not through boto3, which takes longer than most tests.
        s3 = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        for bucket in (RAW, CURATED, QUARANTINE, ARTIFACTS):
            s3.create_bucket(bucket, "us-east-1")
            s3.put_bucket_versioning(bucket, "Enabled")
        for key, document in deployed().items():
            s3.put_object(ARTIFACTS, key, document)
        boto3.client("dynamodb").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "pending_shard", "landed_at")
            ],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "pending",
                    "KeySchema": [
                        {"AttributeName": "pending_shard", "KeyType": "HASH"},
                        {"AttributeName": "landed_at", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )
        definition = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 1000, "End": True}}}
        machine = boto3.client("stepfunctions").create_state_machine(
            name="workflow", definition=json.dumps(definition), roleArn="arn:aws:iam::123456789012:role/r"
        )["stateMachineArn"]
        boto3.client("glue").create_database(DatabaseInput={"Name": DATABASE})
        boto3.client("events").create_event_bus(Name=BUS)
        # What it holds back is delivered by the tests, at their time.
        ticks = boto3.client("sqs").create_queue(QueueName="ticks")["QueueUrl"]
        topic = boto3.client("sns").create_topic(Name="notifications")["TopicArn"]
        for name, value in {
            "RAW_BUCKET": RAW,
            "CURATED_BUCKET": CURATED,
            "QUARANTINE_BUCKET": QUARANTINE,
            "ARTIFACTS_BUCKET": ARTIFACTS,
            "LEDGER_TABLE": TABLE,
            "TICKS_QUEUE_URL": ticks,
            "WINDOW_SECONDS": "10",
            "STATE_MACHINE_ARN": machine,
            "ERROR_HANDLER_FUNCTION": "error_handler",
            "PROCESSING_FUNCTION": "processing",
            "PUBLISH_SECONDS": "900",
            "MAX_CONCURRENT_BATCHES": "1",
            "MAX_FILES_PER_BATCH": "3",
            "MAX_BYTES_PER_BATCH": "1000",
            "MAX_WORKERS": "10",
            "SMALL_BYTES": "256000000",
            "MOST_BYTES": "512000000",
            "MAX_ATTEMPTS": "2",
            "RETRY_SECONDS": "0",
            "DATABASE": DATABASE,
            "EVENT_BUS_NAME": BUS,
            "TOPIC_ARN": topic,
            "ALARMS_TOPIC_ARN": boto3.client("sns").create_topic(Name="alarms")["TopicArn"],
            "OWNERS_TOPIC_ARN": boto3.client("sns").create_topic(Name="owners")["TopicArn"],
            "QUARANTINED_PERCENT": "1",
            "GRACE_MINUTES": "60",
            "WORKGROUP": "primary",
            "ALLOW_FREE_SQL": "false",
            "GLUE_VERSION": "5.1",
            "LINEAGE_URL": "",
            "LINEAGE_ENDPOINT": "api/v1/lineage",
            "LINEAGE_PARAMETER": "",
        }.items():
            monkeypatch.setenv(name, value)
        yield Cloud()


class Functions:
    """What the functions need of the Lambda API: they call each other, here in this process."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def invoke(
        self,
        FunctionName: str,  # noqa: N803  boto3's names
        Payload: bytes,  # noqa: N803
        InvocationType: str = "RequestResponse",  # noqa: N803
    ) -> dict[str, Any]:
        waits = InvocationType == "RequestResponse"
        assert not waits or FunctionName == "maintenance", "a function that waits for another is paid twice; people may"
        try:
            answer = self._call(FunctionName, json.loads(Payload))
        except Exception as error:
            if not waits:
                raise
            said = json.dumps({"errorMessage": str(error), "errorType": type(error).__name__})
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(said.encode())}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@pytest.fixture
def call(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Call a function with an event, in a fresh environment."""
    from lambdas.error_handler import handler as error_handler
    from lambdas.etl_trigger import handler as etl_trigger
    from lambdas.freshness import handler as freshness
    from lambdas.ingestion import handler as ingestion
    from lambdas.lineage import handler as lineage
    from lambdas.maintenance import handler as maintenance
    from lambdas.notification import handler as notification
    from lambdas.processing import handler as processing
    from lambdas.query import handler as query
    from lambdas.stage import handler as stage

    modules = SimpleNamespace(
        ingestion=ingestion,
        etl_trigger=etl_trigger,
        stage=stage,
        processing=processing,
        query=query,
        notification=notification,
        error_handler=error_handler,
        freshness=freshness,
        maintenance=maintenance,
        lineage=lineage,
    )
    for module in vars(modules).values():
        for name in ("_parts", "_trigger", "_publisher", "_recovery", "_settings", "_store"):
            if hasattr(module, name):
                getattr(module, name).cache_clear()

    def call(function: str, event: Any) -> Any:
        return getattr(modules, function).handler(event, Context())

    real = boto3.client
    monkeypatch.setattr(boto3, "client", lambda name, **kw: Functions(call) if name == "lambda" else real(name, **kw))
    return call


@pytest.fixture
def emitted(
    call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[], list[tuple[str, dict[str, str], float]]]:
    """Name, dimensions and value of every metric since the last call, as CloudWatch reads them from the logs."""
    for function in ("processing", "error_handler", "ingestion", "freshness", "maintenance"):
        # On AWS, each function has its own name in its environment.
        metrics = importlib.import_module(f"lambdas.{function}.handler").metrics
        monkeypatch.setattr(metrics.provider, "service", function)

    def read() -> list[tuple[str, dict[str, str], float]]:
        found = []
        for line in capsys.readouterr().out.splitlines():
            document = json.loads(line) if line.startswith("{") else {}
            for directive in document.get("_aws", {}).get("CloudWatchMetrics", []):
                assert directive["Namespace"] == "DataPipeline"
                (keys,) = directive["Dimensions"]
                for metric in directive["Metrics"]:
                    (value,) = document[metric["Name"]]
                    found.append((metric["Name"], {key: document[key] for key in keys}, value))
        return found

    return read


@pytest.fixture
def told(call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The topic and body of every message to people."""
    client, found = boto3.client("sns"), list[tuple[str, str]]()
    real = client.publish

    def publish(**arguments: Any) -> Any:
        found.append((arguments["TopicArn"], arguments["Message"]))
        return real(**arguments)

    monkeypatch.setattr(client, "publish", publish)
    return found
