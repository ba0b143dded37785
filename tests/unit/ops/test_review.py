"""A pull request's stack: its settings, when it should be gone, where samples may land, and what is said of it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pipeline_core.athena import QueryError
from typer.testing import CliRunner

from config.load import parse
from config.stack_file import SETTINGS
from config.stack_file import read as read_stack_file
from ops import __main__ as ops
from ops import query
from ops.exit_codes import RefusedError
from ops.review import report, samples
from ops.review.samples import Answer, Landed, Review
from ops.review.stack import SAMPLES, ReviewStack, write_settings
from ops.target import TargetError
from tests.unit.infrastructure.cloud import ROOT
from tests.unit.ops.test_hostile_text import HOSTILE, unfit

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
LIKE = {
    "config": {
        "aws:region": "eu-west-1",
        "aws:accessKey": {"secure": "v1:a:b"},
        SETTINGS: {
            "environment": "dev",
            "monitoring": {"dashboard": True, "monthly_budget_dollars": 50},
            "security": {"account_id": "111122223333", "vpc": {"availability_zones": ["eu-west-1a"]}},
        },
    }
}


def settings(root: Path, provider: str | None = None) -> tuple[dict[str, Any], str]:
    (root / "scripts").mkdir()
    (root / "scripts" / "deploy.py").touch()
    (root / "Pulumi.dev.yaml").write_text(yaml.safe_dump(LIKE), encoding="utf-8")
    file = write_settings(12, provider, root)
    return read_stack_file("review-12", root), file.read_text(encoding="utf-8")


def test_a_review_is_small_and_cheap_and_in_the_account_of_dev(tmp_path: Path) -> None:
    config, text = settings(tmp_path)
    made = parse(config[SETTINGS], "Pulumi.review-12.yaml", stack="review-12", region=config["aws:region"])
    assert made.storage.allow_destroy
    assert (made.glue.crawl_daily_at_utc, made.monitoring.dashboard) == (None, False)
    assert (made.monitoring.log_retention_days, made.storage.raw_expires_after_days) == (1, 1)
    assert made.batches.schedule_minutes == 60
    assert (made.security.account_id, made.security.vpc) == ("111122223333", None)
    assert (config["aws:region"], "secure" in text, "secretsprovider" in text) == ("eu-west-1", False, False)


def test_a_key_encrypts_its_secrets_and_what_is_there_is_kept(tmp_path: Path) -> None:
    _, text = settings(tmp_path, "awskms://alias/x?region=eu-west-1")
    assert yaml.safe_load(text)["secretsprovider"] == "awskms://alias/x?region=eu-west-1"
    (tmp_path / "Pulumi.review-12.yaml").write_text("encryptedkey: abc\n", encoding="utf-8")
    assert write_settings(12, None, tmp_path).read_text(encoding="utf-8") == "encryptedkey: abc\n"


@pytest.mark.parametrize("command", [["up", "12"], ["down", "12"]])
def test_a_checkout_without_the_stacks_file_is_told_who_encrypts(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the CLI would ask for a passphrase, in the job that takes the stack down."""
    given: list[object] = []

    def write(_: int, provider: str | None, *__: object) -> None:
        given.append(provider)
        raise TargetError("enough")

    monkeypatch.setattr("ops.review.stack.write_settings", write)
    monkeypatch.setenv("DATA_PIPELINE_SECRETS_PROVIDER", "awskms://alias/x")
    CliRunner().invoke(ops.app, ["review", *command])
    assert given == ["awskms://alias/x"]


@pytest.mark.parametrize(("minutes", "overdue"), [(59, False), (60, False), (61, True)])
def test_a_stack_says_that_it_should_be_gone(minutes: int, overdue: bool) -> None:
    one = ReviewStack(name="review-1", last_update=NOW - timedelta(minutes=minutes), resources=3)
    assert one.is_overdue(NOW, 1) is overdue
    assert one.to_document(NOW, 1)["overdue"] is overdue
    assert ReviewStack(name="review-1", last_update=None, resources=0).is_overdue(NOW, 1), "made, and never deployed"


def test_the_list_names_overdue_reviews_and_no_other_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recent = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    found = [
        {"name": "review-1", "lastUpdate": recent, "resourceCount": 210},
        {"name": "review-2", "lastUpdate": "2026-01-01T00:00:00.000Z", "resourceCount": 9},
        {"name": "review-docs"},
        {"name": "prod", "lastUpdate": "2026-01-01T00:00:00.000Z"},
    ]
    pulumi = tmp_path / "pulumi"
    pulumi.write_text(f"#!/bin/sh\ncat <<'E'\n{json.dumps(found)}\nE\n")
    pulumi.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    listed = CliRunner().invoke(ops.app, ["review", "list"])
    assert isinstance(listed.exception, RefusedError)
    assert "older than 24 hours: review-2; take them down" in str(listed.exception)
    assert "review-docs" not in listed.output
    assert "prod" not in listed.output
    found = found[:1]
    pulumi.write_text(f"#!/bin/sh\ncat <<'E'\n{json.dumps(found)}\nE\n")
    listed = CliRunner().invoke(ops.app, ["review", "list", "--json"])
    assert listed.exit_code == 0
    assert [(one["name"], one["overdue"]) for one in json.loads(listed.output)] == [("review-1", False)]


@pytest.mark.parametrize("environment", ["staging", "prod", None])
def test_samples_never_land_where_rows_are_real(environment: str | None, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps({"environment": environment, "raw_bucket": "b"}))
    asked = CliRunner().invoke(ops.app, ["review", "check", "--outputs", str(outputs)])
    assert isinstance(asked.exception, RefusedError)
    assert "samples are invented rows" in str(asked.exception)


def test_what_failed_stands_in_the_comment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise TargetError("no role\n```\n@team")

    monkeypatch.setattr("ops.review.stack.write_settings", failing)
    to = tmp_path / "review.md"
    asked = CliRunner().invoke(ops.app, ["review", "up", "12", "--to", str(to)])
    assert isinstance(asked.exception, TargetError)
    assert "It failed:\n\n````\nTargetError: no role\n```\n@team\n````\n" in to.read_text(encoding="utf-8")


def landed(status: str = "PUBLISHED", reason: str = "") -> Landed:
    return Landed(dataset="flights", key="flights/f.csv", status=status, reason=reason, counts={"rows_read": 3})


@pytest.mark.parametrize(
    ("status", "fine"),
    [
        *(("PUBLISHED", True), ("QUARANTINED", True), ("REJECTED", True)),
        *(("FAILED", False), ("PENDING", False), ("CLAIMED", False), ("NOT REGISTERED", False)),
    ],
)
def test_a_sample_may_be_published_or_refused_and_must_come_to_an_end(status: str, fine: bool) -> None:
    seen = Review(landed=(landed(status),), answers=())
    assert (seen.problems == []) is fine
    assert seen.to_document()["problems"] == ([] if fine else [f"flights/f.csv is {status}"])


def test_a_report_is_fit_to_be_looked_at_and_fits() -> None:
    evil = f"{HOSTILE}````<!-- preview -->"
    answer = Answer(query="q", columns=(evil,), rows=((evil,),) * 5, count=7)
    seen = Review(landed=(landed("REJECTED", evil),), answers=(answer, Answer(query="other", problem=evil)))
    written = report.write(evil, evil, seen, longest=10_000)
    assert unfit(written) == set()
    assert "Query q: 7 rows" in written
    assert "query other: " in written
    assert "REJECTED" in written
    long = report.write("t", "c", Review(landed=(landed(),) * 5_000, answers=(answer,)))
    assert len(long) <= report.LONGEST
    assert "The rest is left out" in long


def test_every_named_query_with_parameters_has_some_to_be_asked_by(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, list[str]] = {}

    def answer(_: object, name: str, sql: None, parameters: list[str], **__: object) -> Any:
        asked[name] = parameters
        raise QueryError("enough")

    monkeypatch.setattr(query, "answer", answer)
    answers = list(samples.ask(query.Deployed(database="d", workgroup="w")))
    assert [one.problem for one in answers] == ["enough"] * len(answers)
    assert asked["busiest_routes"] == ["2013", "7"]
    assert asked.keys() == {file.stem for file in (ROOT / "queries").glob("*.sql")}
    assert yaml.safe_load((ROOT / SAMPLES / "queries.yaml").read_text(encoding="utf-8")).keys() <= asked.keys()
