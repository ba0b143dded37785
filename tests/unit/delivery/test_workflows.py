"""The workflows keep what actionlint and zizmor do not know of this repository."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bootstrap.account import SESSION_SECONDS
from recording.program import ROOT
from tests.unit.bootstrap.account import SETTINGS, account

FOLDER = ROOT / ".github"
FILES = sorted([*FOLDER.glob("workflows/*.yml"), *FOLDER.glob("actions/*/action.yml")])
UNTRUSTED = re.compile(r"\$\{\{[^}]*(github\.(event|head_ref|base_ref|ref_name|actor)|inputs\.|matrix\.|vars\.)")
WRITERS = {"comment.yml"}
"""Workflows with a token that may write to the repository."""


def workflows() -> dict[str, Any]:
    found = {file.name: yaml.safe_load(file.read_text(encoding="utf-8")) for file in FILES if "workflows" in file.parts}
    assert len(found) >= 6
    return found


def triggers(workflow: Any) -> Any:
    # YAML 1.1 takes the key `on` for true.
    return workflow[True]


def jobs() -> Iterator[tuple[str, str, Any]]:
    for name, workflow in workflows().items():
        for job, found in workflow["jobs"].items():
            yield name, job, found


def steps() -> Iterator[tuple[str, Any]]:
    for file in FILES:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        for job in [*content.get("jobs", {}).values(), content.get("runs", {})]:
            for step in job.get("steps", []):
                yield file.name, step


def test_every_action_is_pinned_by_its_digest_and_says_its_version() -> None:
    uses = [line.strip() for file in FILES for line in file.read_text().splitlines() if "uses:" in line]
    foreign = [line for line in uses if "uses: ./" not in line]
    assert len(foreign) > 10
    pinned = re.compile(r"^(- )?uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
    assert [line for line in foreign if not pinned.match(line)] == []
    versions: dict[str, set[str]] = {}
    for line in foreign:
        versions.setdefault(line.split("uses: ")[1].split("@")[0], set()).add(line.split("@")[1])
    assert {action: found for action, found in versions.items() if len(found) > 1} == {}


def test_no_workflow_has_a_permission_that_its_jobs_do_not_ask_for() -> None:
    assert {name for name, workflow in workflows().items() if workflow["permissions"] != {}} == set()
    assert [(name, job) for name, job, found in jobs() if "permissions" not in found] == []


def test_only_the_workflow_that_runs_no_code_of_a_pull_request_may_write() -> None:
    writing = {
        name
        for name, _, job in jobs()
        if {kind for kind, how in job["permissions"].items() if how == "write"} - {"id-token"}
    }
    assert writing == WRITERS
    for name in writing:
        steps_ = [step for job in workflows()[name]["jobs"].values() for step in job["steps"]]
        assert {step["uses"].split("@")[0] for step in steps_} == {"actions/download-artifact", "actions/github-script"}
        assert triggers(workflows()[name]).keys() == {"workflow_run"}


def test_no_trigger_gives_a_fork_what_is_ours() -> None:
    assert [name for name, workflow in workflows().items() if "pull_request_target" in triggers(workflow)] == []
    for name, job, found in jobs():
        if "pull_request" in triggers(workflows()[name]) and "id-token" in found["permissions"]:
            assert "github.event.pull_request.head.repo.full_name == github.repository" in found["if"], (name, job)


def test_whoever_asks_for_a_role_does_so_from_an_environment_that_the_role_trusts() -> None:
    asking = [(name, job, found) for name, job, found in jobs() if "id-token" in found["permissions"]]
    roles = [one for one in account().resources if one.type == "aws:iam/role:Role"]
    subjects = {
        one.json("assumeRolePolicy")["Statement"][0]["Condition"]["StringEquals"][
            "token.actions.githubusercontent.com:sub"
        ]
        for one in roles
    }
    trusted = {subject.removeprefix(f"{SETTINGS['subject']}:environment:") for subject in subjects}
    assert trusted == {"dev", "staging", "prod", "preview"}
    calling = {"./.github/workflows/stack.yml"}
    # Made by who prepares the account for reviews (docs/deployment.md), not by bootstrap/.
    trusted |= {"review"}
    for name, job, found in asking:
        if "uses" in found:
            assert {found["uses"]} == calling, (name, job)
            assert found["with"]["stack"] in trusted
        else:
            assert found["environment"] in trusted | {"${{ inputs.stack }}"}, (name, job)


def test_a_deployment_is_never_cancelled_and_never_beside_another_of_its_stack() -> None:
    deploying = [
        (name, job, found)
        for name, job, found in jobs()
        if any("deploy.py" in step.get("run", "") for step in found.get("steps", [])) and name != "preview.yml"
    ]
    assert {name for name, *_ in deploying} == {"stack.yml", "drift.yml"}
    for name, job, found in deploying:
        assert found["concurrency"]["cancel-in-progress"] is False, (name, job)
    groups = {name: found["concurrency"]["group"] for name, _, found in deploying}
    assert groups["stack.yml"] == "stack-${{ inputs.stack }}"
    assert groups["drift.yml"] == "drift-${{ matrix.stack }}", "who waits in a group is cancelled by who comes after"


def test_a_delivery_that_comes_late_brings_no_older_commit(tmp_path: Path) -> None:
    steps_ = workflows()["stack.yml"]["jobs"]["deploy"]["steps"]
    names = [step.get("name", step.get("uses", "")) for step in steps_]
    assert steps_[0]["with"]["ref"] == "${{ github.sha }}"
    (refusing,) = [step for step in steps_ if step.get("name", "").startswith("Refuse a commit")]
    assert names.index(refusing["name"]) < names.index("./.github/actions/pulumi"), "before there is a role"
    gh = tmp_path / "gh"
    gh.write_text('#!/bin/sh\ntest "$1 $2" = "api repos/o/r/commits/main" && echo "$NEWEST"\n')
    gh.chmod(0o755)

    def code(commit: str, newest: str) -> int:
        env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "GITHUB_REPOSITORY": "o/r", "GITHUB_SHA": commit, "NEWEST": newest}
        # As GitHub runs a step without a shell of its own.
        return subprocess.run(
            ["bash", "-e", "-c", refusing["run"]], env=env, capture_output=True, check=False
        ).returncode

    assert code("new", "new") == 0
    assert code("old", "new") == 1
    assert code("old", "") == 1, "and where GitHub does not answer"


def test_dev_and_staging_and_their_smoke_tests_come_before_prod() -> None:
    order = {job: found.get("needs") for job, found in workflows()["deliver.yml"]["jobs"].items()}
    assert order == {"checks": None, "dev": "checks", "staging": "dev", "prod": "staging"}
    runs = [step["run"] for _, step in steps() if "deploy.py" in step.get("run", "")]
    assert [run for run in runs if "--no-smoke" in run] == []
    assert triggers(workflows()["deliver.yml"]) == {"push": {"branches": ["main"]}}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_nothing_that_others_write_gets_into_a_script(file: Any) -> None:
    for name, step in steps():
        if name == file.name:
            script = step.get("run", "") + str(step.get("with", {}).get("script", ""))
            assert not UNTRUSTED.search(script), f"{name}: hand it over in env"


def test_a_session_lasts_as_long_as_its_job_may_and_no_longer_than_the_role_allows() -> None:
    action = yaml.safe_load((FOLDER / "actions" / "pulumi" / "action.yml").read_text(encoding="utf-8"))
    (assuming,) = [one for one in action["runs"]["steps"] if "configure-aws-credentials" in one.get("uses", "")]
    assert assuming["with"]["role-duration-seconds"] == "${{ inputs.seconds }}"
    sessions = {
        name: (found["timeout-minutes"] * 60, int(step["with"].get("seconds", action["inputs"]["seconds"]["default"])))
        for name, _, found in jobs()
        for step in found.get("steps", [])
        if step.get("uses") == "./.github/actions/pulumi"
    }
    assert sessions.keys() == {"stack.yml", "drift.yml", "preview.yml", "review.yml"}
    assert {name for name, (job, session) in sessions.items() if not job <= session <= SESSION_SECONDS} == set()
    (most,) = {one.inputs["maxSessionDuration"] for one in account().resources if one.type == "aws:iam/role:Role"}
    assert most == SESSION_SECONDS


def test_a_repository_without_an_account_is_not_red() -> None:
    needing = {
        (name, job): found for name, job, found in jobs() if "id-token" in found["permissions"] and name != "stack.yml"
    }
    first = {(name, job): found for (name, job), found in needing.items() if found.get("needs") in (None, "checks")}
    assert first.keys() == {
        ("preview.yml", "account"),
        ("drift.yml", "drift"),
        ("deliver.yml", "dev"),
        ("review.yml", "review"),
    }
    asks = {where: "REVIEW_ROLE" if where[0] == "review.yml" else "PREVIEW_ROLES" for where in first}
    assert [where for where, found in first.items() if f"vars.{asks[where]} != ''" not in found.get("if", "")] == []
    # What needs a job that is skipped is skipped, unless it has a condition of its own.
    assert [where for where, found in needing.items() if where not in first and "if" in found] == []


def test_a_review_is_taken_down_whatever_happens_and_when_its_pull_request_is_closed() -> None:
    workflow = workflows()["review.yml"]
    assert triggers(workflow) == {"pull_request": {"types": ["opened", "reopened", "synchronize", "closed"]}}
    assert workflow["concurrency"]["cancel-in-progress"] is False
    steps_ = workflow["jobs"]["review"]["steps"]
    (up,) = [step for step in steps_ if "review up" in step.get("run", "")]
    (down,) = [step for step in steps_ if "review down" in step.get("run", "")]
    assert steps_.index(up) < steps_.index(down)
    assert up["if"] == "${{ github.event.action != 'closed' }}"
    assert down["if"] == "${{ always() }}", "after a failure, after a cancellation, and when it is closed"
    assert up["timeout-minutes"] + down["timeout-minutes"] < workflow["jobs"]["review"]["timeout-minutes"]


def test_a_review_that_says_nothing_is_no_red_comment() -> None:
    """It says nothing where no account is prepared, for forks, and when the pull request is closed."""
    job = workflows()["comment.yml"]["jobs"]["comment"]
    assert "github.event.workflow_run.conclusion != 'skipped'" in job["if"]
    download, write = job["steps"]
    assert download["continue-on-error"] == "${{ github.event.workflow_run.name == 'review' }}", (
        "a preview says something"
    )
    assert write["if"] == "${{ steps.said.outcome == 'success' }}"


COMMENT = r"""
const [script, part, text, old] = process.argv.slice(1);
const fs = require('fs'), os = require('os'), path = require('path');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'comment-'));
fs.writeFileSync(`${folder}/number`, '7');
fs.writeFileSync(`${folder}/${part}.md`, text);
Object.assign(process.env, { FOLDER: folder, HEAD: 'abc', PART: part });
const write = async ({ body }) => console.log(JSON.stringify(body));
const github = {
  rest: {
    pulls: { get: async () => ({ data: { head: { sha: 'abc' } } }) },
    issues: { updateComment: write, createComment: write },
  },
  paginate: async () => (old ? [{ id: 1, user: { type: 'Bot' }, body: old }] : []),
};
const context = { repo: { owner: 'o', repo: 'r' } };
const run = Object.getPrototypeOf(async () => {}).constructor('github', 'context', 'core', 'require', script);
run(github, context, { notice: () => {} }, require).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
"""


def commented(part: str, text: str, old: str = "") -> str:
    """What comment.yml writes, by its own script in Node."""
    (step,) = [one for one in workflows()["comment.yml"]["jobs"]["comment"]["steps"] if "script" in one.get("with", {})]
    done = subprocess.run(
        ["node", "-e", COMMENT, "--", step["with"]["script"], part, text, old],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout))


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node, which GitHub's images have")
def test_preview_and_review_share_one_comment_and_each_keeps_its_part_up_to_date() -> None:
    first = commented("preview", "changes @all <!-- review --> `x`")
    both = commented("review", "samples", first)
    again = commented("preview", "other changes", both)
    assert first.startswith("<!-- data-pipeline -->\n<!-- preview -->\nchanges @\u200ball &lt;!-- review -->")
    assert "changes @" in both
    assert "samples" in both
    assert "changes @" not in again
    assert again.index("other changes") < again.index("samples")
    assert again.count("<!-- preview -->") == again.count("<!-- review -->") == 1
    assert len(commented("preview", "x" * 99_000, commented("review", "y" * 99_000))) < 65_536


def test_comments_of_two_repositories_do_not_wait_for_each_other() -> None:
    group = workflows()["comment.yml"]["concurrency"]["group"]
    assert "github.event.workflow_run.head_repository.full_name" in group
    assert "github.event.workflow_run.head_branch" in group


def test_every_checkout_forgets_its_credentials_and_every_job_ends() -> None:
    checkouts = [(name, step) for name, step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) > 4
    assert [name for name, step in checkouts if step["with"]["persist-credentials"] is not False] == []
    assert [(name, job) for name, job, found in jobs() if "uses" not in found and found["timeout-minutes"] > 90] == []


def test_the_cli_that_deploys_is_as_old_as_the_sdk() -> None:
    action = (FOLDER / "actions" / "pulumi" / "action.yml").read_text(encoding="utf-8")
    pinned = re.findall(r"pulumi-version: (\S+)", action)
    sdk = re.findall(r"^pulumi==(\S+)$", (ROOT / "requirements" / "program.in").read_text(), re.MULTILINE)
    assert pinned == sdk


FAULTS = {
    "${{ github.sha }}": "${{ github.shaa }}",
    "runs-on: ubuntu-24.04": "runs-on: ubuntu-24.4",
    "steps:": "stepz:",
}
WORKFLOW = """
on: push
jobs:
  one:
    runs-on: ubuntu-24.04
    steps:
      - run: echo "$SHA"
        env:
          SHA: ${{ github.sha }}
"""


def test_every_run_of_the_tests_has_actionlint_look_at_the_workflows() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lint = re.findall(r"^lint:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert "\t$(BIN)/actionlint -shellcheck= -pyflakes=\n" in lint[0]
    assert re.search(r"^test: .*\n\t\$\(MAKE\) --jobs 2 .*\blint\b", makefile, re.MULTILINE)
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_actionlint_finds_faults_that_are_planted() -> None:
    def code(workflow: str) -> int:
        # The virtual environment's own, whatever else is installed.
        command = [str(Path(sys.executable).with_name("actionlint")), "-shellcheck=", "-pyflakes=", "-"]
        return subprocess.run(command, input=workflow, capture_output=True, text=True, check=False).returncode

    assert code(WORKFLOW) == 0
    for right, wrong in FAULTS.items():
        assert right in WORKFLOW
        assert code(WORKFLOW.replace(right, wrong)) == 1, wrong


def test_every_make_target_that_ci_calls_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = {
        word
        for _, step in steps()
        for words in re.findall(r"^make ([a-z ]+)$", step.get("run", ""), re.MULTILINE)
        for word in words.split()
    }
    called |= set(workflows()["checks.yml"]["jobs"]["tests"]["strategy"]["matrix"]["part"])
    assert {"lint", "types", "setup", "unit", "integration"} <= called
    assert called <= targets
