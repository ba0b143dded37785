"""The program takes over the state that the last release left, and ends nothing that holds data or a name in use."""

import json
from collections import Counter
from typing import Any

import pytest

from tests.engine.engine import ROOT, Engine, Run, changes
from tests.engine.upgrades import KEPT_STACKS, kept, lost, read_state

ZONE = '"pipeline:storage:Zone"'


@pytest.fixture(params=KEPT_STACKS)
def left(engine: Engine, request: pytest.FixtureRequest) -> tuple[Engine, str]:
    """An engine whose stack has the kept state."""
    stack = str(request.param)
    engine.new_stack(stack)
    engine.write("state.json", read_state(stack))
    taken = engine.run("pulumi", "stack", "import", "--stack", stack, "--file", "state.json")
    assert taken.code == 0, taken.text
    return engine, stack


def preview(engine: Engine, stack: str) -> tuple[Run, list[dict[str, Any]]]:
    found = engine.pulumi("preview --json", stack)
    return found, json.loads(found.stdout)["steps"]


@pytest.mark.parametrize("stack", KEPT_STACKS)
def test_the_kept_state_says_nothing_of_the_machine_that_wrote_it(stack: str) -> None:
    text = read_state(stack)
    for place in ("/tmp", "/home", "/root", str(ROOT)):
        assert f'"{place}' not in text


def test_an_upgrade_keeps_what_holds_data_and_names_in_use(left: tuple[Engine, str]) -> None:
    engine, stack = left
    before = engine.resources(stack)
    assert len(kept(before)) > 40, "a rule about nothing proves nothing"
    planned, steps = preview(engine, stack)
    assert planned.code == 0, planned.text
    assert lost(steps) == [], (
        "give what was renamed or moved an alias, or say in CHANGELOG.md how its data is kept "
        "(docs/deployment.md, Upgrades)"
    )
    done = engine.up(stack)
    assert done.code == 0, done.text
    after = engine.resources(stack)
    ids = {one["id"] for one in after.values() if "id" in one}
    assert [urn for urn in kept(before) if before[urn]["id"] not in ids] == []
    again = engine.pulumi("preview --expect-no-changes", stack)
    assert (again.code, changes(again.counts)) == (0, Counter()), again.text


def test_a_component_that_is_renamed_without_an_alias_is_noticed(left: tuple[Engine, str]) -> None:
    engine, stack = left
    engine.edit("components/storage/zone.py", ZONE, '"pipeline:storage:Area"')
    _, steps = preview(engine, stack)
    found = lost(steps)
    assert len([one for one in found if "$aws:s3/bucket:Bucket::" in one]) == 5, found
