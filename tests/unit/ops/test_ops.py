"""An operator sees what happened to files, and has files read again; a dry run does nothing."""

import json
import re
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from ops import __main__ as ops
from ops.plan import Plan, Version
from ops.target import Target, TargetError, load
from tests.unit.lambdas.conftest import ARTIFACTS, RAW, Cloud, candidate
from tests.unit.lambdas.test_batches import decide, one_batch
from tests.unit.lambdas.test_recovery import fail, spark_dies
from tests.unit.ops.conftest import Operator

Call = Callable[..., Any]


def publish(cloud: Cloud, call: Call, *keys: str, quarantined: int = 0) -> str:
    batch_id, manifest = one_batch(cloud, call, *keys)
    cloud.stage(manifest, curated=98, quarantined=quarantined)
    decide(call, batch_id, cloud.batches.state(manifest.dataset).published)
    return batch_id


def failure(result: Result) -> BaseException:
    assert result.exception is not None, result.output
    return result.exception


def outputs(**wrong: Any) -> bytes:
    names = ("raw_bucket", "artifacts_bucket", "ledger_table", "arrivals_queue_url")
    numbers = ("max_files_per_batch", "max_bytes_per_batch", "small_bytes_per_batch", "max_workers")
    right = {**dict.fromkeys(names, "x"), **dict.fromkeys(numbers, 1), "datasets": [], "functions": {}}
    assert set(right) == {field.name for field in fields(Target)}
    return json.dumps({**right, **wrong}).encode()


def purposes(cloud: Cloud, dataset: str) -> dict[str, str]:
    return {file.key: file.purpose for file in cloud.ledger.pending(dataset, 100)}


def test_a_backfill_registers_what_the_ledger_has_never_seen(cloud: Cloud, operator: Operator, call: Call) -> None:
    publish(cloud, call, "flights/2013/a.csv")
    for n in range(12):
        cloud.land(f"flights/2012/{n:02d}.csv", b"x\n1\n")
    cloud.land("airlines/x.csv", b"x\n1\n")
    dry = operator.run("backfill", "flights", "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert re.search(r"never seen: register +│ 12 +│ 48 +│ 4 +│ \$0\.06", dry.output), "4 runs, 2 workers, a minute"
    assert "left alone: PUBLISHED" in dry.output
    assert operator.deliver() == 0, "a dry run asks for nothing"
    answer = operator.run("backfill", "flights", "--prefix", "2012/0", "--yes")
    assert "Asked for 10 files" in answer.output, answer.output
    assert operator.deliver(times=2) == 10
    assert len(purposes(cloud, "flights")) == 10
    (item,) = cloud.files("flights/2012/00.csv")
    assert item["landed_at"].startswith(datetime.now(UTC).strftime("%Y-%m-%dT"))


def test_a_backfill_looks_where_the_contract_says_that_files_lie(cloud: Cloud, operator: Operator) -> None:
    cloud.move("flights", "lake/", "lake/flights/", "old/flights/")
    cloud.move("airlines", "lake/airlines/")
    own = ("lake/a.csv", "lake/flights/a.csv", "old/flights/a.csv", "old/flights/b.csv")
    for key in (*own, "lake/airlines/a.csv", "flights/a.csv", "old/a.csv"):
        cloud.land(key, b"x\n1\n")
    answer = operator.run("backfill", "flights", "--yes")
    assert "Asked for 4 files" in answer.output, answer.output
    operator.deliver()
    assert set(purposes(cloud, "flights")) == set(own), "once each, though one place lies in another"
    answer = operator.run("backfill", "airlines", "--prefix", "a", "--yes")
    assert "Asked for 1 file, request " in answer.output, answer.output
    operator.deliver()
    assert set(purposes(cloud, "airlines")) == {"lake/airlines/a.csv"}


def test_published_files_are_replaced_only_when_that_is_asked_for(cloud: Cloud, operator: Operator, call: Call) -> None:
    publish(cloud, call, "flights/a.csv", "flights/b.csv")
    assert "Nothing to do." in operator.run("backfill", "flights", "--yes").output
    answer = operator.run("backfill", "flights", "--again", "--prefix", "a", input="y\n")
    assert "replace the published rows" in answer.output
    operator.deliver()
    assert purposes(cloud, "flights") == {"flights/a.csv": "replace"}


@pytest.mark.parametrize(("mode", "replaced"), [("append", 1), ("first", 1), ("latest", 0), ("snapshot", 0)])
def test_published_files_are_left_alone_where_a_table_has_no_replacement(
    cloud: Cloud, operator: Operator, call: Call, mode: str, replaced: int
) -> None:
    publish(cloud, call, "flights/kept.csv")
    gone = publish(cloud, call, "flights/gone.csv")
    [item] = cloud.files("flights/gone.csv")
    cloud.ledger.roll_back([candidate(key="flights/gone.csv", version=item["version"])], gone)
    key = "contracts/flights.json"
    contract = json.loads(cloud.s3.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read())
    written = {**contract, "write_mode": mode, "table_format": "iceberg"}
    cloud.s3.put_object(Bucket=ARTIFACTS, Key=key, Body=json.dumps(written))
    plan = json.loads(operator.run("backfill", "flights", "--again", "--dry-run", "--json").stdout)
    asked = {action: [file["key"] for file in each["files"]] for action, each in plan["actions"].items()}
    again = {"replace": ["flights/kept.csv"]} if replaced else {}
    assert asked == {"": ["flights/gone.csv"], **again}, "what was rolled back is read like a file that landed"
    why = f"PUBLISHED, mode {mode}: land it again"
    assert plan["left_alone"] == ({} if replaced else {why: 1})
    words = re.sub(r"[│\s]+", " ", operator.run("backfill", "flights", "--again", "--dry-run").stdout)
    assert (f"left alone: {why}" in words) is not replaced


def test_who_says_no_is_asked_for_nothing(cloud: Cloud, operator: Operator) -> None:
    cloud.land("flights/a.csv", b"x\n1\n")
    assert operator.run("backfill", "flights", input="n\n").exit_code == 1
    assert operator.deliver() == 0


def test_a_replay_takes_what_is_in_quarantine_and_nothing_else(cloud: Cloud, operator: Operator, call: Call) -> None:
    publish(cloud, call, "flights/some.csv", quarantined=2)
    publish(cloud, call, "flights/good.csv")
    batch_id, _ = one_batch(cloud, call, "flights/poison.csv")
    assert spark_dies(cloud, call, batch_id) == "QUARANTINED"
    cloud.land("flights/new.csv", b"x\n1\n")
    answer = operator.run("replay", "flights", "--yes")
    assert "read the quarantined rows again" in answer.output
    assert "left alone: not registered yet" in answer.output
    assert operator.deliver() == 2
    assert purposes(cloud, "flights") == {"flights/some.csv": "rows", "flights/poison.csv": ""}


def test_a_replay_of_one_batch_takes_its_files_only(cloud: Cloud, operator: Operator, call: Call) -> None:
    publish(cloud, call, "flights/a.csv", quarantined=2)
    second = publish(cloud, call, "flights/b.csv", quarantined=2)
    operator.run("replay", "flights", "--batch", second, "--yes")
    operator.deliver()
    assert purposes(cloud, "flights") == {"flights/b.csv": "rows"}
    with pytest.raises(TargetError, match="flights has no batch 'nonsense'"):
        raise failure(operator.run("replay", "flights", "--batch", "nonsense"))


def test_a_range_of_time_is_from_the_first_to_before_the_last(cloud: Cloud, operator: Operator) -> None:
    cloud.land("flights/a.csv", b"x\n1\n")
    today = datetime.now(UTC).date()
    tomorrow = (today + timedelta(days=1)).isoformat()
    assert "Nothing" in operator.run("backfill", "flights", "--until", today.isoformat(), "--dry-run").output
    assert "Nothing" in operator.run("backfill", "flights", "--since", tomorrow, "--dry-run").output
    found = operator.run("backfill", "flights", "--since", today.isoformat(), "--until", tomorrow, "--dry-run")
    assert "never seen: register │ 1 " in found.output


def test_the_ledger_answers_what_happened_to_a_file(cloud: Cloud, operator: Operator, call: Call) -> None:
    batch_id = publish(cloud, call, "flights/a.csv", quarantined=1)
    text = operator.run("file", "flights/a.csv").output
    for word in ("PUBLISHED", batch_id, "rows_curated", "98", "registered_at", "claimed_at", "finished_at"):
        assert word in text
    with pytest.raises(TargetError, match=r"does not know 'flights/b\.csv'"):
        raise failure(operator.run("file", "flights/b.csv"))


def test_keys_and_reasons_are_shown_letter_by_letter(cloud: Cloud, operator: Operator, call: Call) -> None:
    key = "flights/[/x] [x] :x:.csv"
    batch_id, _ = one_batch(cloud, call, key)
    fail(call, batch_id, "Stage", Error="ReconciliationError", Cause="lost [/y] [y] :x:")
    text = operator.run("file", key).output
    assert f"{key} version" in text
    assert "lost [/y] [y] :x:" in text


def test_a_backfill_has_deleted_files_read_when_it_is_asked_to_and_markers_never(
    cloud: Cloud, operator: Operator, call: Call
) -> None:
    keys = ("flights/known.csv", "flights/unknown.csv", "flights/_SUCCESS")
    known, _, marker = (cloud.land(key, b"x\n1\n") for key in keys)
    for key in keys:
        cloud.s3.delete_object(Bucket=RAW, Key=key)
    call("ingestion", {"Records": [known, marker]})
    operator.run("backfill", "flights", "--yes")
    operator.deliver()
    assert purposes(cloud, "flights") == {}, "nobody asked for what was deleted"
    assert {cloud.files(key)[0]["status"] for key in keys} == {"IGNORED"}
    assert operator.run("replay", "flights", "--yes").output.count("left alone: IGNORED") == 1
    answer = operator.run("backfill", "flights", "--deleted", "--yes")
    assert "Asked for 2 files" in answer.output, answer.output
    operator.deliver()
    assert purposes(cloud, "flights") == {"flights/known.csv": "", "flights/unknown.csv": ""}
    (batch_id,) = call("etl_trigger", {})["batches"]
    assert len(cloud.manifest("flights", batch_id).files) == 2, "versions behind delete markers are read from copies"


def test_deleted_and_published_files_are_two_requests(operator: Operator) -> None:
    with pytest.raises(TargetError, match="--again and --deleted are two requests"):
        raise failure(operator.run("backfill", "flights", "--again", "--deleted"))


def test_the_status_counts_ignored_files(cloud: Cloud, operator: Operator, call: Call) -> None:
    call("ingestion", {"Records": [cloud.land(f"airlines/{n}/_SUCCESS", b"") for n in range(7)]})
    assert "IGNORED" in operator.run("file", "airlines/1/_SUCCESS").output
    (line,) = [line for line in operator.run("status").output.splitlines() if "airlines" in line]
    assert re.search(r"\b7\b", line), line


def test_the_status_shows_what_waits_and_what_runs(cloud: Cloud, operator: Operator, call: Call) -> None:
    batch_id, _ = one_batch(cloud, call, "flights/a.csv")
    for n in range(4):
        call("ingestion", {"Records": [cloud.land(f"airlines/{n}.csv", b"x\n1\n")]})
    text = operator.run("status").output
    assert batch_id in text
    assert "airlines: never published, 3+ pending" in text


def test_a_dataset_without_a_contract_is_refused_with_those_that_have_one(operator: Operator) -> None:
    with pytest.raises(TargetError, match="no contract is deployed for 'gates'; there are: airlines, flights"):
        raise failure(operator.run("backfill", "gates"))


def test_more_bytes_ask_for_more_workers_and_cost_more() -> None:
    target = Target(
        raw_bucket=RAW,
        artifacts_bucket="a",
        ledger_table="t",
        arrivals_queue_url="q",
        datasets=[],
        functions={},
        max_files_per_batch=2,
        max_bytes_per_batch=15 * 1024**3,
        small_bytes_per_batch=256_000_000,
        max_workers=10,
    )
    big = Version(key="a.csv.gz", version="v", size=1024**3, landed_at=datetime.now(UTC))
    plan = Plan("flights", "new", {"new": [big] * 4})
    assert (len(plan.batches("new", target)), plan.glue_runs("new", target)) == (2, 2)
    assert plan.least_dollars("new", target) == pytest.approx(2 * 10 * 0.44 / 60)
    smaller = replace(target, max_bytes_per_batch=11 * 1024**3)
    assert len(plan.batches("new", smaller)) == 4, "a gigabyte of gzip counts as six"


@pytest.mark.parametrize(("size", "glue_runs"), [(999, 0), (1_000, 0), (1_001, 2)])
def test_small_batches_are_for_the_function_and_cost_little(operator: Operator, size: int, glue_runs: int) -> None:
    target = replace(load(operator.outputs, None), small_bytes_per_batch=2 * 1_000, max_files_per_batch=2)
    files = [Version(key=f"{n}.csv", version="v", size=size, landed_at=datetime.now(UTC)) for n in range(4)]
    plan = Plan("flights", "new", {"new": files})
    assert len(plan.batches("new", target)) == 2
    assert plan.glue_runs("new", target) == glue_runs
    dollars = plan.least_dollars("new", target)
    glue = 2 * 2 * 0.44 / 60
    assert dollars == pytest.approx(glue) if glue_runs else 0 < dollars < glue / 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "write it with: pulumi stack output --json"),
        (b"nonsense", "not the JSON of `pulumi stack output --json`"),
        (
            b'{"raw_bucket": "\xff"}',
            "not the JSON of `pulumi stack output --json`: 'utf-8' codec can't decode byte 0xff",
        ),
        (b"[" * 100_000, "not the JSON of `pulumi stack output --json`: nested too deeply"),
        (b"null", "not the JSON of `pulumi stack output --json`: an object with the outputs is expected, found None"),
        (b"5", "an object with the outputs is expected, found 5"),
        (b"[]", "an object with the outputs is expected, found \\[\\]"),
        (b'{"raw_bucket": "b"}', "has no output artifacts_bucket, ledger_table"),
        (
            outputs(datasets="flights"),
            "datasets = 'flights': allowed is a valid list; deploy it again with this version",
        ),
        (outputs(datasets=["a", 5]), "datasets.1 = 5: allowed is a valid string"),
        (outputs(max_workers="many"), "max_workers = 'many': allowed is a valid integer"),
        (outputs(raw_bucket=None, max_workers=None), "max_workers = None: allowed is a valid integer"),
    ],
)
def test_outputs_that_are_of_no_use_are_named(tmp_path: Path, text: bytes | None, message: str) -> None:
    path = tmp_path / "outputs.json"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(TargetError, match=message) as caught:
        load(path, None)
    assert str(path) in str(caught.value)


def test_without_a_deployment_a_person_is_told_how_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TargetError, match="--stack <name>, or --outputs"):
        load(None, None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(TargetError, match="the Pulumi CLI is not installed"):
        load(None, "dev")


def test_the_pulumi_cli_is_asked_for_the_outputs_of_a_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "pulumi"
    fake.write_text('#!/bin/sh\necho "$@" >&2\nexit 3\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(TargetError, match="stack output --json --stack dev"):
        load(None, "dev")


def test_what_a_person_can_put_right_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["ops", "status"])
    monkeypatch.delenv("DATA_PIPELINE_OUTPUTS", raising=False)
    with pytest.raises(SystemExit, match="1"):
        ops.run()
    assert capsys.readouterr().err.startswith("error: say which deployment")
