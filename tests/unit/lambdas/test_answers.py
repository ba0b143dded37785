"""What people and downstream systems get: messages and query results."""

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from boto3.dynamodb.conditions import Key
from moto.athena.responses import AthenaResponse
from pipeline_core.athena import Answer, QueryError, literal
from pipeline_core.conditions import expressions

from lambdas.notification.message import Notification, compose
from lambdas.query.handler import BatchNotVisibleError
from tests.unit.lambdas.conftest import DATABASE, Cloud, verdict

Call = Callable[..., Any]
VERDICT = verdict(
    files=2, rows_read=10, rows_curated=7, rows_quarantined=2, rows_duplicate=1, violations=("too many",)
).to_document()
EVENT = {"batch_id": "flights-1", "dataset": "flights", "outcome": "PUBLISHED", "verdict": VERDICT}


def answer_of(rows: list[list[Any]]) -> Answer:
    return Answer(
        query_id="q",
        columns=("n",),
        rows=tuple(map(tuple, rows)),
        truncated=False,
        scanned_bytes=1,
        cost_dollars=0.00005,
    )


@pytest.fixture
def inbox(cloud: Cloud) -> Callable[[], list[Any]]:
    sqs, sns = boto3.client("sqs"), boto3.client("sns")
    url = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    topic = sns.list_topics()["Topics"][0]["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:inbox")
    return lambda: [
        json.loads(message["Body"])
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    ]


def test_an_outcome_is_told_once_with_numbers_attributes_and_what_to_do(call: Call, inbox: Any) -> None:
    assert call("notification", EVENT) == call("notification", EVENT)
    (message,) = inbox()
    assert message["Subject"] == "[PUBLISHED] flights: flights-1"
    assert "10 rows read from 2 files = 7 curated + 2 quarantined + 1 duplicates." in message["Message"]
    assert message["MessageAttributes"]["outcome"]["Value"] == "PUBLISHED"
    call("notification", {**EVENT, "outcome": "QUARANTINED"})
    (message,) = inbox()
    assert "Broken rule: too many." in message["Message"]
    assert ".venv/bin/data-pipeline replay flights --batch flights-1" in message["Message"]


def test_every_batch_and_every_outcome_of_it_is_told(call: Call, inbox: Any) -> None:
    others = [
        {"batch_id": "flights-2"},
        {"outcome": "QUARANTINED"},
        {"batch_id": "flights-2", "outcome": "QUARANTINED"},
    ]
    for event in (EVENT, *({**EVENT, **other} for other in others)):
        call("notification", event)
        # However its numbers look when the call is repeated, it is the same outcome.
        call("notification", {**event, "verdict": {**VERDICT, "rows_read": 11}})
    assert sorted(message["Subject"] for message in inbox()) == [
        "[PUBLISHED] flights: flights-1",
        "[PUBLISHED] flights: flights-2",
        "[QUARANTINED] flights: flights-1",
        "[QUARANTINED] flights: flights-2",
    ]


class Clock(datetime):
    """What Powertools takes for now. From 1 January no clock is put forward or back for 30 days."""

    passed = timedelta(0)

    @classmethod
    def now(cls, tz: Any = None) -> "Clock":
        return cls(2026, 1, 1, tzinfo=tz) + cls.passed


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> type[Clock]:
    monkeypatch.setattr(Clock, "passed", timedelta(0))
    for module in ("base", "persistence.base", "persistence.datarecord", "persistence.dynamodb"):
        found = f"aws_lambda_powertools.utilities.idempotency.{module}.dt"
        monkeypatch.setattr(found, SimpleNamespace(datetime=Clock, timedelta=timedelta))
    return Clock


# An execution may be redriven for 14 days after its end (Step Functions developer guide, "Redriving executions",
# 2026-11), and takes a day at most (`workflow.timeout_minutes`). docs/architecture.md promises 30 days.
@pytest.mark.parametrize(
    ("passed", "messages"),
    [
        (timedelta(seconds=1), 1),
        (timedelta(days=1 + 14), 1),
        (timedelta(days=30), 1),
        (timedelta(days=30, seconds=1), 2),
    ],
    ids=str,
)
def test_an_outcome_is_told_again_after_thirty_days_and_not_before(
    call: Call, inbox: Any, clock: type[Clock], passed: timedelta, messages: int
) -> None:
    call("notification", EVENT)
    clock.passed = passed
    call("notification", EVENT)
    assert len(inbox()) == messages


def test_what_is_remembered_of_an_outcome_goes_by_the_ledgers_own_expiry(cloud: Cloud, call: Call) -> None:
    call("notification", EVENT)
    (item,) = cloud.ledger.table.query(**expressions(key=Key("pk").eq("idempotency#notification")))["Items"]
    days = (int(str(item["expires_at"])) - time.time()) / 86_400
    assert days == pytest.approx(30, abs=0.1), "DynamoDB deletes by this attribute; with another it would stay forever"


def test_a_failure_names_the_error_and_links_the_execution() -> None:
    machine = "arn:aws:states:eu-west-1:1:stateMachine:m"
    event = {**EVENT, "outcome": "FAILED", "verdict": None, "error": {"Error": "States.Timeout", "Cause": "slow"}}
    subject, body = compose(Notification.from_event(event), machine)
    assert subject == "[FAILED] flights: flights-1"
    assert "States.Timeout: slow" in body
    assert "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/" in body
    assert body.endswith("arn:aws:states:eu-west-1:1:execution:m:flights-1")
    with pytest.raises(ValueError, match="outcome 'LOST'; allowed: PUBLISHED"):
        Notification.from_event({**EVENT, "outcome": "LOST"})


@pytest.fixture(autouse=True)
def _batch_get_named_query(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one Athena call that moto lacks, made of the one that it has."""

    def batch_get(self: AthenaResponse) -> str:
        queries = [self.athena_backend.get_named_query(item) for item in self._get_param("NamedQueryIds")]
        found = [{"Name": query.name, "QueryString": query.query_string} for query in queries if query]
        return json.dumps({"NamedQueries": found})

    monkeypatch.setattr(AthenaResponse, "batch_get_named_query", batch_get, raising=False)


def _named(name: str, sql: str) -> None:
    boto3.client("athena").create_named_query(Name=name, Database=DATABASE, QueryString=sql, WorkGroup="primary")


def test_a_named_query_answers_rows_bytes_and_cost(call: Call) -> None:
    _named("recent", "SELECT count(*) AS rows FROM runs")
    answer = call("query", {"query": "recent"})
    assert answer["cost_dollars"] == 0.00005, "ten megabytes are the least that is charged"
    assert {"columns", "rows", "scanned_bytes", "truncated"} <= set(answer)


def test_an_unknown_query_names_the_known_and_free_sql_must_be_allowed(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    _named("recent", "SELECT 1")
    with pytest.raises(QueryError, match="no named query 'nope'; there are: recent"):
        call("query", {"query": "nope"})
    with pytest.raises(QueryError, match=r"athena\.allow_free_sql"):
        call("query", {"sql": "DROP TABLE flights"})
    with pytest.raises(QueryError, match=r"^give the name of a named query in 'query'"):
        call("query", {"dataset": "flights"})


def test_a_batch_of_which_athena_answers_fewer_or_more_rows_is_an_error(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def run(_: Any, sql: str, parameters: list[str], timeout: float) -> Answer:
        asked.append((sql, parameters, timeout))
        return answer_of([["6"]])

    monkeypatch.setattr("pipeline_core.athena.Athena.run", run)
    verify = {"dataset": "flights", "batch_id": "flights-1", "rows": 6}
    # More rows than were published: files of the batch lie in the table twice, or somebody else writes there.
    for published in (5, 7, 0):
        with pytest.raises(BatchNotVisibleError, match=f"answers 6 rows of batch flights-1, {published} were"):
            call("query", {"verify": {**verify, "rows": published}})
    assert call("query", {"verify": verify})["rows"] == [["6"]]
    assert asked[0] == ('SELECT count(*) AS rows FROM "flights" WHERE _batch_id = ?', ["'flights-1'"], 50.0)


@pytest.mark.parametrize("snapshot", ["0", "8", "1" * 19])
def test_a_batch_of_an_iceberg_table_is_counted_in_the_snapshot_that_it_was_published_in(
    call: Call, monkeypatch: pytest.MonkeyPatch, snapshot: str
) -> None:
    asked: list[str] = []

    def run(_: Any, sql: str, *__: Any) -> Answer:
        asked.append(sql)
        return answer_of([["6"]])

    monkeypatch.setattr("pipeline_core.athena.Athena.run", run)
    call("query", {"verify": {"dataset": "fleet", "batch_id": "fleet-1", "rows": 6, "snapshot": snapshot}})
    assert asked == [f'SELECT count(*) AS rows FROM "fleet" FOR VERSION AS OF {snapshot} WHERE _batch_id = ?']


@pytest.mark.parametrize("snapshot", ["-1", "x", "1 OR 1=1", "1" * 20, "1\n", "\u0661"])
def test_what_is_no_id_of_a_snapshot_reaches_no_query(call: Call, snapshot: str) -> None:
    verify = {"dataset": "fleet", "batch_id": "fleet-1", "rows": 6, "snapshot": snapshot}
    with pytest.raises(QueryError) as caught:
        call("query", {"verify": verify})
    assert str(caught.value) == f"snapshot {snapshot!r}: the id of a snapshot has digits only"


@pytest.mark.parametrize("answer", [[["0"]], [[None]], [[""]]])
def test_no_rows_answer_for_a_batch_only_if_none_were_published(
    call: Call, monkeypatch: pytest.MonkeyPatch, answer: list[list[Any]]
) -> None:
    monkeypatch.setattr("pipeline_core.athena.Athena.run", lambda *_: answer_of(answer))
    verify = {"dataset": "flights", "batch_id": "flights-1", "rows": 0}
    assert call("query", {"verify": verify})["rows"] == answer
    with pytest.raises(BatchNotVisibleError, match="answers 0 rows of batch flights-1, 1 were published"):
        call("query", {"verify": {**verify, "rows": 1}})


def test_every_dataset_has_its_queries_by_name_and_dataset(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: Any = [{"Name": name, "Type": "int"} for name in ("year", "month")]
    for name, partitions in (("flights", keys), ("airlines", [])):
        table: Any = {"Name": name, "PartitionKeys": partitions}
        cloud.glue.create_table(DatabaseName=DATABASE, TableInput=table)
    asked: list[Any] = []

    def run(_: Any, sql: str, parameters: tuple[str, ...], timeout: float) -> Answer:
        asked.append((sql, parameters))
        return answer_of([["6"]])

    monkeypatch.setattr("pipeline_core.athena.Athena.run", run)
    call("query", {"query": "rows", "dataset": "flights"})
    call("query", {"query": "batch_rows", "dataset": "flights", "parameters": ["it's"]})
    call("query", {"query": "partitions", "dataset": "flights"})
    assert asked == [
        ('SELECT count(*) AS rows FROM "flights"', ()),
        ('SELECT count(*) AS rows FROM "flights" WHERE _batch_id = ?', ("'it''s'",)),
        (
            'SELECT "year", "month", count(*) AS rows FROM "flights" GROUP BY "year", "month" ORDER BY "year", "month"',
            (),
        ),
    ]
    for event, says in (
        ({"query": "rows", "dataset": 'f" UNION SELECT 1 --'}, "a dataset's name has a-z"),
        ({"query": "rows", "dataset": "f" * 51}, "a dataset's name has a-z"),
        ({"query": "recent_runs", "dataset": "flights"}, "there are: rows, batch_rows, partitions"),
        ({"query": "partitions", "dataset": "airlines"}, "airlines has no partitions"),
        ({"query": "partitions", "dataset": "weather"}, "no table 'weather'"),
    ):
        with pytest.raises(QueryError, match=says):
            call("query", event)
    assert len(asked) == 3, "what is refused reaches nobody"


@pytest.mark.parametrize(
    ("value", "text"), [("it's; DROP", "'it''s; DROP'"), (7, "7"), (1.5, "1.5"), (True, "true"), ("", "''")]
)
def test_a_parameter_is_a_literal_and_nothing_else(value: Any, text: str) -> None:
    assert literal(value) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, {"S": "x"}])
def test_what_is_no_literal_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="allowed are text, finite numbers and booleans"):
        literal(value)


def test_a_missing_setting_is_named(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKGROUP")
    with pytest.raises(RuntimeError, match="WORKGROUP"):
        call("query", {"query": "x"})
