"""Stacks of the real program through the real engine: new, unchanged, drifted, beside each other, interrupted, gone."""

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from recording.program import NAME_PROPERTIES, STACKS
from tests.engine.engine import Engine, changes, copy_project

SETTINGS = "data-pipeline:settings"


@pytest.mark.parametrize("stack", STACKS)
def test_a_new_stack_is_created_and_then_nothing_changes(engine: Engine, stack: str) -> None:
    engine.new_stack(stack)
    planned = engine.pulumi("preview", stack)
    assert planned.code == 0, planned.text
    assert planned.counts.keys() == {"create"}
    assert engine.log() == [], "a preview changes nothing"
    made = engine.up(stack)
    assert made.counts == planned.counts, made.text
    again = engine.up(stack)
    assert (again.code, changes(again.counts)) == (0, Counter()), again.text
    refreshed = engine.pulumi("refresh --yes --run-program", stack)
    assert (refreshed.code, changes(refreshed.counts)) == (0, Counter()), refreshed.text


def test_another_clone_umask_and_time_zone_change_nothing(dev: Engine) -> None:
    before, clone = os.umask(0o077), dev.root / "clone"
    try:
        copy_project(clone)
    finally:
        os.umask(before)
    (clone / "Pulumi.dev.yaml").write_bytes((dev.project / "Pulumi.dev.yaml").read_bytes())
    found = dev.pulumi("preview --expect-no-changes", "dev", cwd=clone, TZ="Asia/Tokyo")
    assert found.code == 0, found.text


def test_a_stack_of_somebodys_own_takes_no_name_of_devs(dev: Engine) -> None:
    dev.new_stack("feature-x", like="dev")
    made = dev.up("feature-x")
    assert made.code == 0, made.text
    first, second = names(dev, "dev"), names(dev, "feature-x")
    assert len(first) > 100
    assert first & second == set()
    gone = dev.pulumi("destroy --yes --skip-preview", "feature-x")
    assert gone.code == 0, gone.text
    left = dev.pulumi("refresh --yes --run-program", "dev")
    assert changes(left.counts) == Counter(), "what the other stack had was its own"


def names(engine: Engine, stack: str) -> set[tuple[str, str]]:
    """What has a name that an account or a region has once, as AWS would know it."""
    inside = ("Permission", "Target", "NamedQuery", "CatalogTable", "RolePolicy", "BucketObjectv2")
    found = set()
    for one in engine.resources(stack).values():
        name = one.get("outputs", {}).get(NAME_PROPERTIES.get(one["type"], "name"))
        if one["type"].startswith("aws:") and not one["type"].endswith(inside):
            found.add((one["type"], name))
    return found


def test_drift_is_found_and_mended(dev: Engine) -> None:
    altered, gone = dev.kept(":EventRule::data-pipeline-schedule")[0], dev.kept(":MetricAlarm::")[0]
    content = json.loads(altered.read_text())
    content["properties"]["scheduleExpression"] = "rate(59 minutes)"
    altered.write_text(json.dumps(content))
    gone.unlink()
    found = dev.deploy("dev", "--preview", "--refresh", "--expect-no-changes")
    assert found.code == 3, found.text
    refreshed = dev.pulumi("refresh --yes --run-program", "dev")
    assert changes(refreshed.counts) == Counter(update=1, delete=1), refreshed.text
    mended = dev.up("dev")
    assert changes(mended.counts) == Counter(update=1, create=1), mended.text
    assert "59 minutes" not in altered.read_text()


def test_a_changed_setting_changes_what_it_is_about(dev: Engine) -> None:
    path = f"{SETTINGS}.batches.schedule_minutes"
    assert dev.run("pulumi", "config", "set", "--stack", "dev", "--path", path, "7").code == 0
    changed = dev.up("dev")
    assert changes(changed.counts) == Counter(update=1), changed.text
    assert dev.log()[-1][1].endswith("::data-pipeline-schedule")


def test_a_secret_endpoint_is_nowhere_in_clear(engine: Engine) -> None:
    secret = "somebody.nobody.knows@example.com"
    engine.new_stack("dev")
    where = f"{SETTINGS}.monitoring.alarm_subscriptions[0]"
    for key, value in (("name", "night"), ("protocol", "email")):
        engine.run("pulumi", "config", "set", "--stack", "dev", "--path", f"{where}.{key}", value)
    done = engine.run("pulumi", "config", "set", "--stack", "dev", "--secret", "--path", f"{where}.endpoint", secret)
    assert done.code == 0, done.text
    said = [engine.pulumi("preview --diff", "dev").text, engine.deploy("dev").text, engine.up("dev").text]
    assert dict(engine.log()).get("create"), said[1]
    assert secret in "".join(file.read_text() for file in engine.kept(":TopicSubscription::")), "it arrives"
    assert [text for text in said if secret in text] == []
    files = [file for file in (engine.root / "state").rglob("*") if file.is_file()]
    assert files
    assert [file for file in [*files, engine.project / "Pulumi.dev.yaml"] if secret.encode() in file.read_bytes()] == []


@pytest.mark.parametrize("after", [1, 60, 200])
def test_an_interrupted_deployment_goes_on(engine: Engine, after: int) -> None:
    engine.new_stack("dev")
    engine.interrupted_up("dev", after)
    assert engine.resources("dev").keys() != set()
    done = engine.up("dev")
    assert done.code == 0, done.text
    left = engine.pulumi("preview --expect-no-changes", "dev")
    assert left.code == 0, left.text


def test_a_stack_that_may_go_leaves_nothing(dev: Engine) -> None:
    gone = dev.deploy("dev", "--destroy", "--confirm", "dev")
    assert gone.code == 0, gone.text
    assert dev.resources("dev").keys() == set()


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_a_stack_that_keeps_its_data_does_not_go(with_stack: Callable[[str], Engine], stack: str) -> None:
    engine = with_stack(stack)
    before, done = engine.of_aws(stack), len(engine.log())
    for refused in (engine.pulumi("destroy --yes", stack), engine.deploy(stack, "--destroy", "--confirm", stack)):
        assert refused.code != 0, refused.text
        assert "Traceback" not in refused.text
    assert engine.of_aws(stack) == before
    assert len(engine.log()) == done


def test_what_was_protected_when_it_was_deployed_is_not_destroyed(prod: Engine) -> None:
    """A stack file that has just been changed is not asked alone: the engine's preview refuses, and nothing begins."""
    prod.edit("scripts/deploy.py", "not settings.storage.allow_destroy", "False")
    done = len(prod.log())
    refused = prod.deploy("prod", "--destroy", "--confirm", "prod")
    assert refused.code == 1, refused.text
    assert "protect" in refused.text
    assert len(prod.log()) == done


def test_the_account_can_be_prepared(engine: Engine) -> None:
    folder = engine.project / "bootstrap"
    (folder / "Pulumi.boot.yaml").write_bytes((folder / "Pulumi.example.yaml").read_bytes())
    engine.new_stack("boot", cwd=folder)
    done = engine.pulumi("up --yes --skip-preview", "boot", cwd=folder)
    assert done.code == 0, done.text
    again = engine.pulumi("preview --expect-no-changes", "boot", cwd=folder)
    assert again.code == 0, again.text


def test_a_clean_clone_is_installed_and_previewed(engine: Engine) -> None:
    """As `pulumi install && pulumi preview`: the environment has what requirements.txt names, and nothing else."""
    environment = engine.project / ".venv"
    environment.unlink()
    installed = engine.run("pulumi", "install")
    assert installed.code == 0, installed.text
    assert environment.is_dir()
    assert not environment.is_symlink()
    engine.new_stack("dev")
    done = engine.pulumi("preview", "dev")
    assert done.code == 0, done.text
    listed = subprocess.run(
        [environment / "bin" / "python", "-m", "pip", "list", "--format", "json"], capture_output=True, check=True
    )
    names = {one["name"].lower().replace("_", "-") for one in json.loads(listed.stdout)}
    assert {"pulumi", "pulumi-aws", "pydantic"} <= names
    assert {"pytest", "mypy", "pyspark", "moto"} & names == set()
    assert Path(engine.project, "requirements.txt").read_text().count("-r ") == 1
