"""The deploy command in front of the real engine: what it shows first, and that it does just that."""

import json

from tests.engine.engine import Engine


def test_a_new_stack_is_deployed_as_it_was_planned(engine: Engine) -> None:
    engine.new_stack("dev")
    done = engine.deploy("dev")
    assert done.code == 0, done.text
    assert "to be created" in done.text
    assert json.loads(done.stdout)["datasets"]
    again = engine.deploy("dev")
    assert again.code == 0, again.text
    left = engine.pulumi("preview --expect-no-changes", "dev")
    assert left.code == 0, left.text


def test_changes_are_deployed_as_they_were_planned(dev: Engine) -> None:
    dev.append("lambdas/ingestion/handler.py", "# changed\n")
    dev.append("glue_jobs/raw_to_curated.py", "# changed\n")
    done = dev.deploy("dev")
    assert done.code == 0, done.text
    left = dev.pulumi("preview --expect-no-changes", "dev")
    assert left.code == 0, left.text


def test_a_refresh_takes_over_what_aws_has(dev: Engine) -> None:
    dev.kept(":MetricAlarm::")[0].unlink()
    before = dev.of_aws("dev")
    done = dev.deploy("dev", "--refresh")
    assert done.code == 0, done.text
    assert len(before) - len(dev.of_aws("dev")) == 1
