"""The deploy script: what it asks of the Pulumi CLI, what it refuses, what it says, and how it ends."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import Result

from ops.smoke import Observation, SmokeError
from scripts import deploy, stacks
from scripts.stacks import SECRET, DeployError, check_credentials
from tests.unit.delivery.conftest import OUTPUTS, URN, Cli, done, previews, step, summary
from tests.unit.delivery.test_smoke import DONE, Watched
from tests.unit.ops.test_stack_files import WRONG_STACK_FILES

Script = Callable[..., Result]


def test_a_deployment_writes_the_outputs_and_nothing_else_to_stdout(cli: Cli, script: Script) -> None:
    result = script("--environment", "dev")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {**OUTPUTS, "token": SECRET}
    assert "+ created Bucket data-pipeline-raw" in result.stderr
    assert "~ updated Bucket data-pipeline-raw" in result.stderr
    assert "198" in result.stderr
    assert cli.calls[0] == ["stack", "select", "--stack", "dev"]
    assert cli.engine()[-2:] == ["--stack", "dev"]


def test_what_a_resource_is_called_is_shown_letter_by_letter(cli: Cli, script: Script) -> None:
    begun = {"resourcePreEvent": {"metadata": step("create", f"{URN}[/x]:x:")}}
    cli.answer("up", events=[begun, done("create", urn=f"{URN}[/x]:x:", diffs=['tags[a]["b"]']), summary(create=1)])
    result = script("--environment", "dev")
    assert result.exit_code == 0, result.output
    assert '+ created Bucket data-pipeline-raw[/x]:x: (tags[a]["b"])' in result.stderr


def test_secrets_are_shown_neither_in_the_outputs_nor_in_the_log(cli: Cli, script: Script, tmp_path: Path) -> None:
    file = tmp_path / "outputs.json"
    result = script("--environment", "dev", "--outputs", str(file), "--verbose")
    assert result.stdout == ""
    assert json.loads(file.read_text())["token"] == SECRET
    assert "hunter2" not in file.read_text() + result.output
    assert ["stack", "history", "--json", "--page-size", "1", "--page", "1", "--stack", "dev"] in cli.calls


@pytest.mark.parametrize("code", [0, 255])
def test_the_signed_address_of_the_state_is_not_in_the_log(cli: Cli, script: Script, code: int) -> None:
    said = "Updating (dev):\nPermalink: https://state.s3.amazonaws.com/dev.json?X-Amz-Signature=0a1b"
    cli.answer("up", stdout=said, code=code)
    result = script("--environment", "dev", "--verbose")
    assert result.exit_code == (1 if code else 0), result.output
    assert "Updating (dev):" in result.stderr
    assert "X-Amz-Signature" not in result.output


def test_events_of_a_present_cli_arrive_by_grpc(cli: Cli, script: Script) -> None:
    cli.answer("version", stdout="v3.272.0")
    result = script("--environment", "dev")
    assert result.exit_code == 0, result.output
    assert "+ created Bucket data-pipeline-raw" in result.stderr


def test_a_preview_says_what_would_change_and_why(cli: Cli, script: Script) -> None:
    result = script("--environment", "prod", "--preview")
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert "Bucket data-pipeline-raw (tags)" in result.stderr
    assert "to be updated" in result.stderr
    assert cli.engine()[0] == "preview"
    assert "--refresh" not in cli.engine()


def test_drift_has_an_exit_code_of_its_own(cli: Cli, script: Script) -> None:
    events = [done("update", diffs=["tags"]), summary(update=1, same=199)]
    cli.answer("preview", events=events, code=255, stderr="error: no changes were expected but changes were proposed")
    result = script("--environment", "dev", "--preview", "--refresh", "--expect-no-changes")
    assert result.exit_code == 3, result.output
    assert "error: 1 resources of dev differ from the program" in result.stderr
    assert {"--refresh", "--expect-no-changes"} <= {*cli.engine()}


def test_no_drift_is_no_error(cli: Cli, script: Script) -> None:
    cli.answer("preview", events=[done("same"), done("refresh"), summary(same=200, refresh=12)])
    result = script("--environment", "dev", "--preview", "--refresh", "--expect-no-changes")
    assert result.exit_code == 0, result.output


def test_a_drift_check_that_could_not_look_is_not_taken_for_drift(cli: Cli, script: Script) -> None:
    denied = {"diagnosticEvent": {"severity": "error", "message": "<{%reset%}>AccessDenied: s3:GetBucketPolicy\n"}}
    cli.answer("preview", events=[done("update"), denied], code=255, stderr="error: preview failed")
    result = script("--environment", "dev", "--preview", "--refresh", "--expect-no-changes")
    assert result.exit_code == 1, result.output
    assert "AccessDenied: s3:GetBucketPolicy" in result.stderr
    assert "→ the role lacks a permission" in result.stderr
    assert "<{%" not in result.stderr


def test_refresh_alone_changes_the_state_only(cli: Cli, script: Script) -> None:
    cli.answer("refresh", events=[done("refresh"), summary(refresh=200)])
    result = script("--environment", "dev", "--refresh")
    assert result.exit_code == 0, result.output
    assert cli.engine()[0] == "refresh"
    assert json.loads(result.stdout)["raw_bucket"] == OUTPUTS["raw_bucket"]


@pytest.mark.parametrize("confirm", [[], ["--confirm", "yes"], ["--confirm", "DEV"]])
def test_nothing_is_destroyed_without_the_name_of_the_stack(cli: Cli, script: Script, confirm: list[str]) -> None:
    result = script("--environment", "dev", "--destroy", *confirm)
    assert result.exit_code == 2, result.output
    assert "give --confirm dev" in result.stderr
    assert cli.calls == []


def test_whoever_names_the_stack_may_destroy_it(cli: Cli, script: Script) -> None:
    cli.answer("destroy", events=[done("delete"), summary(delete=200)])
    result = script("--environment", "dev", "--destroy", "--confirm", "dev")
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert "- deleted Bucket data-pipeline-raw" in result.stderr
    assert {"destroy", "--yes", "--skip-preview"} <= {*cli.engine()}


@pytest.mark.parametrize("stack", ["staging", "prod"])
@pytest.mark.parametrize("confirm", [True, False])
def test_a_stack_that_keeps_its_data_is_not_destroyed_whoever_names_it(
    cli: Cli, script: Script, stack: str, confirm: bool
) -> None:
    result = script("--environment", stack, "--destroy", *(["--confirm", stack] if confirm else []))
    assert result.exit_code == 2, result.output
    assert f"storage.allow_destroy is false in Pulumi.{stack}.yaml" in " ".join(result.stderr.split())
    assert cli.calls == [], "the engine deletes what is not protected before it meets what is"


ACTIONS = {"up": [], "refresh": ["--refresh"], "destroy": ["--destroy", "--confirm", "dev"]}


@pytest.mark.parametrize("does", ACTIONS)
def test_what_changes_something_is_previewed_and_shown_first(cli: Cli, script: Script, does: str) -> None:
    cli.answer(does, events=[done("delete"), summary(delete=200)])
    result = script("--environment", "dev", *ACTIONS[does])
    assert result.exit_code == 0, result.output
    first, second = cli.engines()
    assert previews(first)
    assert first[0] == ("preview" if does == "up" else does)
    assert second[0] == does
    assert not previews(second)
    assert result.stderr.index("to be ") < result.stderr.rindex("deleted")


@pytest.mark.parametrize("does", ACTIONS)
def test_what_the_engine_refuses_in_the_preview_is_not_begun(cli: Cli, script: Script, does: str) -> None:
    said = {"diagnosticEvent": {"severity": "error", "message": "x is currently marked for protection"}}
    refused = {"events": [said, said], "code": 255, "stderr": "error: preview failed"}
    cli.answer("preview" if does == "up" else f"{does} --preview-only", **refused)
    result = script("--environment", "dev", *ACTIONS[does])
    assert result.exit_code == 1, result.output
    assert result.stderr.count("x is currently marked for protection") == 1
    assert "storage.allow_destroy" in result.stderr
    (call,) = cli.engines()
    assert previews(call)


def test_a_deployment_does_what_was_shown(cli: Cli, script: Script) -> None:
    """The stand-in for the CLI fails if the plan is not the one that the preview has saved."""
    assert script("--environment", "dev").exit_code == 0
    planned, carried_out = cli.engines()[-2:]
    saved = planned[planned.index("--save-plan") + 1]
    assert carried_out[carried_out.index("--plan") + 1] == saved
    assert not Path(saved).exists(), "a plan holds the stack's settings"


def test_a_plan_that_no_longer_fits_is_explained(cli: Cli, script: Script) -> None:
    said = {"diagnosticEvent": {"severity": "error", "message": "resource urn violates plan: properties changed"}}
    cli.answer("up", events=[said], code=255, stderr="error: update failed")
    result = script("--environment", "dev")
    assert result.exit_code == 1
    assert "→ the program, the settings or what AWS has changed since the preview: deploy again" in result.stderr


def test_an_error_of_an_action_that_ends_well_is_one_all_the_same(cli: Cli, script: Script) -> None:
    said = {"diagnosticEvent": {"severity": "error", "message": "the hook failed"}}
    cli.answer("up", events=[said, summary(same=200)])
    result = script("--environment", "dev")
    assert result.exit_code == 1
    assert result.stderr.count("the hook failed") == 1


def test_a_stack_of_a_persons_own_is_deployed_by_its_name(
    cli: Cli, script: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(stacks, "ROOT", tmp_path)
    text = "config: {aws:region: eu-central-1, data-pipeline:settings: {environment: %s}}"
    (tmp_path / "Pulumi.feature-x.yaml").write_text(text % "dev")
    result = script("--stack", "feature-x")
    assert result.exit_code == 0, result.output
    assert cli.engine()[-2:] == ["--stack", "feature-x"]
    (tmp_path / "Pulumi.mine.yaml").write_text(text % "local")
    assert "the stack mine is the emulator's" in script("--stack", "mine").stderr
    assert "there is no Pulumi.yours.yaml" in script("--stack", "yours").stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--preview", "--destroy"], "two actions"),
        (["--expect-no-changes"], "goes with --preview"),
        (["--preview", "--outputs", "o.json"], "preview has none"),
        (["--confirm", "dev"], "goes with --destroy"),
        (["--environment", "local"], "the stack local is the emulator's"),
    ],
)
def test_what_does_not_go_together_is_refused(cli: Cli, script: Script, arguments: list[str], says: str) -> None:
    result = script("--environment", "dev", *arguments)
    assert result.exit_code == 2, result.output
    assert says in result.stderr
    assert cli.calls == []


def test_without_the_pulumi_cli_it_says_where_to_get_it(
    script: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = script("--environment", "dev")
    assert result.exit_code == 1
    assert "the Pulumi CLI is not installed, or not on the PATH: https://www.pulumi.com" in result.stderr


def test_a_cli_that_is_too_old_is_said_to_be(cli: Cli, script: Script) -> None:
    cli.answer("version", stdout="v2.9.0")
    result = script("--environment", "dev")
    assert result.exit_code == 1
    assert "cannot be used with this SDK" in result.stderr


@pytest.mark.parametrize(
    ("stderr", "says"),
    [
        ("error: no stack named 'dev' found", "there is no stack 'dev' in this state; deploy it for the first time"),
        ("error: PULUMI_ACCESS_TOKEN must be set for login", "→ log in to the state first: pulumi login 's3://"),
        ("error: unable to find either `PULUMI_CONFIG_PASSPHRASE`", "→ the stack has no secrets provider: commit"),
        ("error: something else", "error: something else"),
    ],
)
def test_a_stack_that_cannot_be_opened_is_explained(cli: Cli, script: Script, stderr: str, says: str) -> None:
    cli.answer("stack select", code=255, stderr=stderr)
    result = script("--environment", "dev")
    assert result.exit_code == 1, result.output
    assert says in result.stderr
    assert "Traceback" not in result.output


def test_a_new_stack_is_made_with_its_secrets_provider(cli: Cli, script: Script) -> None:
    cli.answer("stack select", code=255, stderr="error: no stack named 'dev' found")
    provider = "awskms://alias/data-pipeline-state?region=eu-central-1"
    assert script("--environment", "dev", "--secrets-provider", provider).exit_code == 0
    assert ["stack", "init", "dev", "--secrets-provider", provider] in cli.calls
    cli.answer("stack init", code=255, stderr="error: boom")
    assert script("--environment", "dev", "--preview", "--secrets-provider", provider).exit_code == 1
    assert sum(call[:2] == ["stack", "init"] for call in cli.calls) == 1, "a preview makes nothing"


def test_a_locked_stack_says_how_to_unlock_it(cli: Cli, script: Script) -> None:
    cli.answer("up", code=255, stderr="error: the stack is currently locked by 1 lock(s).")
    result = script("--environment", "staging")
    assert result.exit_code == 1
    assert "pulumi cancel --stack staging" in result.stderr


def test_a_deployment_that_fails_repeats_at_the_end_what_failed(cli: Cli, script: Script) -> None:
    failed = {"resOpFailedEvent": {"metadata": {**done("create")["resOutputsEvent"]["metadata"]}}}
    said = {"diagnosticEvent": {"severity": "error", "message": "creating S3 Bucket: BucketAlreadyExists"}}
    cli.answer("up", events=[failed, said], code=255, stderr="error: update failed")
    result = script("--environment", "dev")
    assert result.exit_code == 1
    assert "✗ create failed Bucket data-pipeline-raw" in result.stderr
    assert result.stderr.rstrip().endswith("error: creating S3 Bucket: BucketAlreadyExists")
    assert result.stdout == ""


def test_a_deployment_is_followed_by_the_smoke_test(cli: Cli, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    class Refused:
        def __init__(self, deployed: Any) -> None:
            asked.append(deployed)
            raise SmokeError("it is PENDING")

    monkeypatch.setattr(deploy, "Canary", Refused)
    monkeypatch.setattr(boto3, "setup_default_session", lambda **_: None)
    result = script("--environment", "dev", smoke=True)
    assert result.exit_code == 4, result.output
    assert "dev is deployed, but the smoke test failed: it is PENDING" in result.stderr
    assert json.loads(result.stdout), "the outputs help to find out why"
    assert asked[0].functions == OUTPUTS["functions"]
    for action in ("--preview", "--refresh"):
        assert script("--environment", "dev", action, smoke=True).exit_code == 0
    assert len(asked) == 1, "only a deployment is followed by it"


def test_why_the_canary_waits_is_shown_letter_by_letter(
    cli: Cli, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = Observation(status="CLAIMED", reason="[/x]", batch_id="canary-1", execution="RUNNING")
    monkeypatch.setattr(deploy, "Canary", lambda _: Watched(waits, replace(DONE, batch_id="canary-[x]:x:")))
    monkeypatch.setattr("ops.smoke.time.sleep", lambda _: None)
    monkeypatch.setattr(boto3, "setup_default_session", lambda **_: None)
    result = script("--environment", "dev", smoke=True)
    assert result.exit_code == 0, result.output
    assert "(batch canary-[x]:x:)" in result.stderr


@pytest.mark.parametrize("action", [[], ["--preview"], ["--refresh"], ["--destroy", "--confirm", "prod"]])
def test_a_stack_that_claims_another_environment_is_refused_before_anything_begins(
    cli: Cli, script: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, action: list[str]
) -> None:
    monkeypatch.setattr(stacks, "ROOT", tmp_path)
    (tmp_path / "Pulumi.prod.yaml").write_text(
        "config: {aws:region: eu-central-1, data-pipeline:settings: {environment: dev}}"
    )
    result = script("--environment", "prod", *action)
    assert result.exit_code == 1, result.output
    assert "Pulumi.prod.yaml: " in result.stderr
    assert "\n  environment = 'dev': allowed is 'prod', as the stack is called 'prod'" in result.stderr
    assert cli.calls == []


@pytest.mark.parametrize(("text", "says"), [*WRONG_STACK_FILES.items()])
def test_a_stack_file_that_cannot_be_used_is_an_error_that_names_it(
    cli: Cli, script: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, says: str
) -> None:
    monkeypatch.setattr(stacks, "ROOT", tmp_path)
    (tmp_path / "Pulumi.dev.yaml").write_text(text)
    result = script("--environment", "dev")
    assert result.exit_code == 1, result.output
    assert f"error: Pulumi.dev.yaml{says}" in result.stderr
    assert "Traceback" not in result.output
    assert cli.calls == []


class Sts:
    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "999999999999", "Arn": "arn:aws:iam::999999999999:user/me"}


def test_credentials_of_another_account_are_refused_before_anything_begins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(boto3.Session, "client", lambda *_: Sts())
    monkeypatch.setattr(stacks, "ROOT", tmp_path)
    (tmp_path / "Pulumi.dev.yaml").write_text(
        "config: {aws:region: eu-central-1, data-pipeline:settings: {environment: dev}}"
    )
    assert check_credentials("dev").endswith("user/me")
    text = "config: {aws:region: eu-central-1, data-pipeline:settings: {security: {account_id: '111122223333'}}}"
    (tmp_path / "Pulumi.prod.yaml").write_text(text)
    with pytest.raises(DeployError, match=r"account 999999999999 .*Pulumi.prod.yaml allows security.account_id 1111"):
        check_credentials("prod")
    with pytest.raises(DeployError, match=r"there is no Pulumi.staging.yaml"):
        check_credentials("staging")


def test_an_account_that_is_a_secret_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(boto3.Session, "client", lambda *_: Sts())
    monkeypatch.setattr(stacks, "ROOT", tmp_path)
    text = "config: {aws:region: x, data-pipeline:settings: {security: {account_id: {secure: 'v1:abc:def'}}}}"
    (tmp_path / "Pulumi.prod.yaml").write_text(text)
    with pytest.raises(DeployError, match=r"security.account_id = \[secret\]: allowed is a plain value") as caught:
        check_credentials("prod")
    assert "v1:abc" not in str(caught.value)


def test_without_credentials_it_says_how_to_get_some(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(DeployError, match=r"no AWS credentials that work: .*aws sso login"):
        check_credentials("dev")
