"""The smoke test gives up at the right moment, and says where the canary got stuck."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ops import __main__ as ops
from ops.smoke import OUTCOME, ROWS, Canary, Deployed, Landed, Observation, SmokeError, smoke
from tests.unit.lambdas.conftest import RAW, TABLE, Cloud, call, cloud, contracts

__all__ = ["call", "cloud"]

PENDING = Observation(status="PENDING")
RUNNING = Observation(status="CLAIMED", batch_id="canary-1", execution="RUNNING")
DONE = Observation(status="PUBLISHED", batch_id="canary-1", execution="SUCCEEDED", outcome=OUTCOME)


class Watched(Canary):
    """A canary that is seen in the given states one after the other, the last one for ever."""

    def __init__(self, *sights: Observation, rows: int = ROWS) -> None:
        self.ticks = self.landings = 0
        self._sights, self._rows = list(sights), rows
        self._landed = [Landed(run="0a", day="2026-11-24", key="canary/2026-11-24/0a.csv", version="v")]

    def land(self) -> None:
        self.landings += 1

    def look(self) -> Observation:
        return self._sights.pop(0) if len(self._sights) > 1 else self._sights[0]

    def tick(self) -> list[str]:
        self.ticks += 1
        return []

    def count(self) -> int:
        return self._rows


def watch(canary: Canary, patience: float = 1, tick: float = 0, again: float = 60) -> Observation:
    return smoke(canary, patience_seconds=patience, look_seconds=0, tick_seconds=tick, land_again_seconds=again)


def test_it_waits_until_the_execution_of_a_published_canary_has_ended() -> None:
    publishing = Observation(status="PUBLISHED", batch_id="canary-1", execution="RUNNING", outcome=OUTCOME)
    assert watch(Watched(Observation(), PENDING, RUNNING, publishing, DONE)) == DONE


def test_a_pending_file_is_asked_for_again_after_a_while_and_a_claimed_one_is_not() -> None:
    often = Watched(Observation(), PENDING, PENDING, RUNNING, RUNNING, PENDING, DONE)
    watch(often)
    assert often.ticks == 3, "a file that was given back has to be taken again"
    seldom = Watched(PENDING, PENDING, PENDING, DONE)
    watch(seldom, tick=60)
    assert seldom.ticks == 1


def test_another_file_is_landed_while_the_ledger_knows_of_none_and_no_longer() -> None:
    unheard = Watched(Observation(), Observation(), Observation(), PENDING, PENDING, RUNNING, DONE)
    watch(unheard, again=0)
    assert unheard.landings == 1 + 3, "the first, and one each time that nobody had heard of any"


def test_it_gives_the_event_of_a_file_its_time() -> None:
    soon = Watched(Observation(), Observation(), Observation(), PENDING, DONE)
    watch(soon, again=60)
    assert soon.landings == 1


@pytest.mark.parametrize(
    ("stuck", "says"),
    [
        (Observation(), "not in the ledger; ingestion has not registered it"),
        (PENDING, "PENDING; no batch has taken it: look at the function etl_trigger"),
        (RUNNING, "CLAIMED, batch canary-1 with its execution RUNNING; its batch is under way"),
        (
            Observation(status="PUBLISHED", batch_id="canary-1", execution="RUNNING"),
            "PUBLISHED, batch canary-1 with its execution RUNNING; it is published, and the execution is to end",
        ),
    ],
)
def test_a_canary_that_takes_too_long_is_said_to_be_where_it_is(stuck: Observation, says: str) -> None:
    with pytest.raises(SmokeError) as raised:
        watch(Watched(stuck), patience=0.01)
    assert str(raised.value).startswith("s3://.../canary/2026-11-24/0a.csv did not arrive in 0 s: it is " + says)


@pytest.mark.parametrize("status", ["REJECTED", "QUARANTINED", "FAILED"])
def test_a_canary_that_was_refused_is_not_waited_for(status: str) -> None:
    refused = Observation(status=status, reason="missing_column:run", batch_id="canary-1", execution="FAILED")
    with pytest.raises(
        SmokeError, match=rf"was not published: it is {status}, reason: missing_column:run, batch canary-1"
    ):
        watch(Watched(RUNNING, refused), patience=0.5)


def test_published_rows_are_not_enough_if_the_execution_failed() -> None:
    failed = Observation(status="PUBLISHED", batch_id="canary-1", execution="FAILED", outcome=OUTCOME)
    with pytest.raises(SmokeError, match="published, but its batch canary-1 ended FAILED"):
        watch(Watched(failed))


def test_every_row_has_to_be_accounted_for() -> None:
    lost = Observation(
        status="PUBLISHED", batch_id="b", execution="SUCCEEDED", outcome={**OUTCOME, "rows_quarantined": 1}
    )
    with pytest.raises(SmokeError, match=r"do not add up: .*'rows_quarantined': 1"):
        watch(Watched(lost))


def test_athena_has_to_answer_exactly_the_rows_of_the_run() -> None:
    with pytest.raises(SmokeError, match="Athena answers 2 rows of run 0a; 3 were published"):
        watch(Watched(DONE, rows=2))


class Lambda:
    """The functions, by the names that the stack gave them; etl_trigger is the real one."""

    def __init__(self, call: Callable[..., Any], answers: dict[str, Any]) -> None:
        self._call, self._answers = call, answers

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803  boto3's names
        if FunctionName in self._answers:
            return {"Payload": Body(self._answers[FunctionName]), "FunctionError": "Unhandled"}
        return {"Payload": Body(self._call(FunctionName.removeprefix("data-pipeline-dev-"), json.loads(Payload)))}


class Body:
    def __init__(self, value: Any) -> None:
        self._value = value

    def read(self) -> bytes:
        return json.dumps(self._value).encode()


@pytest.fixture
def deployed(cloud: Cloud) -> Deployed:
    machine = cloud.sfn.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    names = {name: f"data-pipeline-dev-{name}" for name in ("etl_trigger", "query")}
    return Deployed(
        raw_bucket=RAW, ledger_table=TABLE, state_machine_arn=machine, functions=names, datasets=["canary", "flights"]
    )


@pytest.fixture
def landed(cloud: Cloud, call: Callable[..., Any], deployed: Deployed) -> Iterator[Canary]:
    canary = Canary(deployed)
    canary.land()
    yield canary
    (found,) = cloud.keys(RAW)
    assert found == canary.key


def ingest(cloud: Cloud, call: Callable[..., Any], key: str) -> None:
    (item,) = cloud.s3.list_object_versions(Bucket=RAW, Prefix=key)["Versions"]
    detail = {
        "bucket": {"name": RAW},
        "object": {"key": key, "size": item["Size"], "version-id": item["VersionId"]},
    }
    event = {"detail-type": "Object Created", "source": "aws.s3", "time": "2026-01-01T00:00:00Z", "detail": detail}
    record = {"messageId": "m", "body": json.dumps(event), "eventSource": "aws:sqs", "receiptHandle": "r"}
    assert call("ingestion", {"Records": [{**record, "attributes": {}}]}) == {"batchItemFailures": []}


def test_what_is_landed_is_what_the_contract_describes(cloud: Cloud, landed: Canary) -> None:
    contract = next(contract.document for contract in contracts() if contract.name == "canary")
    text = cloud.s3.get_object(Bucket=RAW, Key=landed.key)["Body"].read().decode()
    rows = list(csv.DictReader(text.splitlines()))
    assert list(rows[0]) == [column["name"] for column in contract["columns"]]
    patterns = {column["name"]: column["pattern"] for column in contract["columns"] if "pattern" in column}
    assert [row for row in rows if not re.fullmatch(patterns["run"], row["run"])] == []
    keys = {tuple(row[name] for name in contract["primary_key"]) for row in rows}
    assert (len(rows), len(keys)) == (OUTCOME["rows_read"], ROWS)
    assert contract["frequency_hours"] is None, "an alarm would wait for it"


def test_what_is_seen_is_what_the_ledger_and_step_functions_say(
    cloud: Cloud, call: Callable[..., Any], landed: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landed, "_functions", Lambda(call, {}))
    assert landed.look() == Observation()
    ingest(cloud, call, landed.key)
    assert landed.look() == PENDING, "the contract takes what the smoke test lands"
    (batch_id,) = landed.tick()
    assert landed.look() == Observation(status="CLAIMED", batch_id=batch_id, execution="RUNNING")


@pytest.mark.parametrize("heard", [0, 1, 2])
def test_of_several_files_the_one_that_the_ledger_knows_is_followed_to_athena(
    cloud: Cloud, call: Callable[..., Any], deployed: Deployed, monkeypatch: pytest.MonkeyPatch, heard: int
) -> None:
    canary = Canary(deployed)
    keys, runs = [], []
    for _ in range(3):
        canary.land()
        keys.append(canary.key)
        runs.append(canary.run)
    assert len(set(keys)) == len(set(runs)) == 3, "another name and other rows, or they were duplicates"
    assert canary.look() == Observation()
    ingest(cloud, call, keys[heard])
    assert canary.look() == PENDING
    assert (canary.key, canary.run) == (keys[heard], runs[heard])
    for key in set(keys) - {keys[heard]}:
        ingest(cloud, call, key)
    assert canary.look() == PENDING
    assert canary.key == keys[heard], "what comes late changes nothing"


def test_what_a_function_answers_in_anger_is_passed_on(
    call: Callable[..., Any], landed: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = {"errorType": "QueryError", "errorMessage": "no named query"}
    monkeypatch.setattr(landed, "_functions", Lambda(call, {"data-pipeline-dev-query": error}))
    with pytest.raises(SmokeError, match="data-pipeline-dev-query failed: QueryError: no named query"):
        landed.count()


def test_a_stack_without_the_contract_is_refused_before_anything_lands(cloud: Cloud, deployed: Deployed) -> None:
    without = Deployed(**{**vars(deployed), "datasets": ["flights"]})
    with pytest.raises(SmokeError, match=r"only for flights; keep contracts/canary.odcs.yaml"):
        Canary(without)


def test_the_command_asks_for_every_output_that_it_needs(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps({"raw_bucket": RAW, "datasets": []}))
    result = CliRunner().invoke(ops.app, ["smoke", "--outputs", str(outputs)])
    assert "has no output ledger_table, state_machine_arn, functions" in str(result.exception)


def test_why_the_canary_waits_is_shown_letter_by_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deployed: Deployed
) -> None:
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps(asdict(deployed)))
    waits = Observation(status="CLAIMED", reason="[/x]", batch_id="canary-1", execution="RUNNING")
    monkeypatch.setattr("ops.smoke.time.sleep", lambda _: None)
    monkeypatch.setattr(ops, "Canary", lambda _: Watched(waits, replace(DONE, batch_id="canary-[x]:x:")))
    result = CliRunner().invoke(ops.app, ["smoke", "--outputs", str(outputs)])
    assert "batch canary-[x]:x:." in result.output.replace("\n", ""), result.exception
