"""The stack of a pull request in front of the real engine: it comes, goes, and goes too when its deployment failed."""

import json
import os
import sys

from tests.engine.engine import ROOT, Engine, Run
from tests.integration.answers import COLUMNS, REVIEW, Answer, parts_of, shape, told

STACK = "review-12"
PAGE = ROOT / "docs" / "answers.md"
BUCKET = "aws:s3/bucket:Bucket"


def review(engine: Engine, *command: str, columns: int = 200) -> Run:
    return engine.run(
        sys.executable, "-m", "ops", "review", *command, PYTHONPATH=".:lambdas/layers", COLUMNS=str(columns)
    )


def up(engine: Engine) -> Run:
    return review(engine, "up", "12", "--no-smoke", "--no-samples", "--to", "review.md")


def left(engine: Engine) -> list[str]:
    """What is in the cloud, by type; objects that the program retains go with their bucket."""
    urns = [json.loads(file.read_text())["urn"] for file in engine.cloud.glob("*.json")]
    types = {urn.split("::")[2].split("$")[-1] for urn in urns}
    return sorted(types if BUCKET in types else types - {"aws:s3/bucketObjectv2:BucketObjectv2"})


def listed(engine: Engine) -> list[str]:
    found = review(engine, "list", "--json")
    assert found.code == 0, found.text
    return [one["name"] for one in json.loads(found.stdout)]


def prepare(engine: Engine) -> None:
    """The CLI makes a stack only where it is told who encrypts its secrets."""
    engine.env["DATA_PIPELINE_SECRETS_PROVIDER"] = "passphrase"


def test_a_review_comes_and_goes_with_all_that_it_has(engine: Engine) -> None:
    prepare(engine)
    # Of another pull request, and of nobody: neither is touched.
    engine.new_stack("review-1", like="dev")
    engine.new_stack("feature-x", like="dev")
    made = up(engine)
    assert made.code == 0, made.text
    found = engine.resources(STACK).values()
    buckets = [one for one in found if one["type"] == BUCKET]
    assert buckets
    assert all(one["inputs"]["forceDestroy"] is True for one in buckets), "what was landed must not keep it"
    assert not [one["urn"] for one in found if one.get("protect")]
    assert not [
        one["urn"] for one in found if one["type"] == "aws:glue/crawler:Crawler" and one["inputs"].get("schedule")
    ]
    groups = [one["inputs"]["retentionInDays"] for one in found if one["type"] == "aws:cloudwatch/logGroup:LogGroup"]
    assert {*groups} == {1}
    assert "a month idle" in (engine.project / "review.md").read_text(encoding="utf-8")
    assert {*listed(engine)} == {"review-1", STACK}
    # The job that takes it down has a checkout of its own, without the stack's file.
    (engine.project / f"Pulumi.{STACK}.yaml").unlink()
    gone = review(engine, "down", "12", "--json")
    assert gone.code == 0, gone.text
    assert json.loads(gone.stdout) == {"stack": STACK, "destroyed": True}
    assert left(engine) == []
    assert listed(engine) == ["review-1"]
    again = review(engine, "down", "12", "--json")
    assert again.code == 0, again.text
    assert json.loads(again.stdout) == {"stack": STACK, "destroyed": False}
    assert not (engine.project / f"Pulumi.{STACK}.yaml").exists()


def test_what_it_says_is_on_the_page_of_answers(engine: Engine) -> None:
    prepare(engine)
    # What Rich takes for a terminal, one without colours.
    engine.env |= {"TTY_COMPATIBLE": "1", "TERM": "dumb"}
    answers = []
    for step in REVIEW:
        done = review(engine, *step.command.split()[1:], columns=COLUMNS)
        assert done.code == step.code, done.text
        answers.append(Answer(step=step, command=step.command, text=done.stdout))
    assert [line for one in answers for line in one.text.splitlines() if len(line) > COLUMNS] == []
    before, page = parts_of(PAGE.read_text(encoding="utf-8"))
    if os.environ.get("ANSWERS"):
        page = told(answers)
        PAGE.write_text(before + page, encoding="utf-8")
    assert shape(told(answers)) == shape(page), "make answers writes docs/answers.md again"


def test_a_review_whose_deployment_failed_goes_too(engine: Engine) -> None:
    prepare(engine)
    # After some resources are there, one is refused.
    engine.env["STAND_IN_REFUSES"] = "aws:lambda/function:Function"
    failed = up(engine)
    assert failed.code == 1, failed.text
    assert "data-pipeline review down 12" in failed.text
    assert "It failed:" in (engine.project / "review.md").read_text(encoding="utf-8")
    assert left(engine), "it failed on the way"
    gone = review(engine, "down", "12")
    assert gone.code == 0, gone.text
    assert left(engine) == []
    assert listed(engine) == []
