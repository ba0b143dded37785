"""What `pulumi new <repository>` makes: a project of another name that deploys."""

import shutil
from pathlib import Path

import yaml

from tests.engine.engine import Engine


def template(engine: Engine) -> Path:
    """A checkout as Pulumi would clone it: without an environment, and with nothing to install in a test."""
    made = engine.root / "template"
    shutil.copytree(engine.project, made, symlinks=True, ignore=shutil.ignore_patterns(".venv", ".local"))
    (made / "requirements.txt").write_text("")
    return made


def new(engine: Engine, *config: str) -> Path:
    """Make a project as a user would, but that nobody is asked."""
    lake = engine.root / "lake"
    given = [part for one in config for part in ("--config", one)]
    command = ["pulumi", "new", str(template(engine)), "--dir", str(lake), "--name", "lake", "--description", "Ours: x"]
    done = engine.run(*command, "--stack", "dev", "--yes", "--non-interactive", *given, cwd=engine.root)
    assert done.code == 0, done.text
    assert "pulumi preview" in done.text, "the quickstart is shown"
    shutil.rmtree(lake / ".venv")
    for part in (".venv", ".local"):
        (lake / part).symlink_to(engine.project / part)
    return lake


def test_a_new_project_has_its_own_name_and_deploys(engine: Engine) -> None:
    lake = new(engine, "data-pipeline:alarm_address=on-call@example.org", "aws:region=eu-west-1")
    project = yaml.safe_load((lake / "Pulumi.yaml").read_text())
    assert (project["name"], project["description"]) == ("lake", "Ours: x")
    assert "template" not in project
    config = yaml.safe_load((lake / "Pulumi.dev.yaml").read_text())["config"]
    assert config["aws:region"] == "eu-west-1"
    assert config["data-pipeline:settings"]["environment"] == "dev"

    up = engine.pulumi("up --yes --skip-preview", "dev", cwd=lake)
    assert up.code == 0, up.text
    (subscription,) = engine.kept(":TopicSubscription::")
    assert "on-call@example.org" in subscription.read_text()
    assert "data-pipeline-dev" in engine.kept(":Workgroup::")[0].read_text()
    left = engine.pulumi("preview --expect-no-changes", "dev", cwd=lake)
    assert left.code == 0, left.text

    engine.run("pulumi", "config", "set", "settings", "x", "--stack", "dev", cwd=lake)
    stray = engine.pulumi("preview", "dev", cwd=lake)
    assert stray.code != 0
    assert "lake:settings: allowed is data-pipeline:settings only" in stray.text


def test_a_new_project_needs_no_alarm_address(engine: Engine) -> None:
    lake = new(engine)
    config = yaml.safe_load((lake / "Pulumi.dev.yaml").read_text())["config"]
    assert config["aws:region"] == "eu-central-1"
    assert "data-pipeline:alarm_address" not in config
    seen = engine.pulumi("preview", "dev", cwd=lake)
    assert seen.code == 0, seen.text
