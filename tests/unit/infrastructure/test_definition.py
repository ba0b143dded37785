"""What AWS would refuse of the workflow half way through a deployment is refused before anything is declared."""

import copy
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.workflow.definition import PLACEHOLDERS, DefinitionError, load_definition, render
from tests.unit.infrastructure.cloud import ROOT

DEFINITION = ROOT / "state_machines" / "batch_workflow.asl.json"
USED = {name: f"${{{name}}}" for name in PLACEHOLDERS}


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states), ""), "States": states}


def problems(tmp_path: Path, content: Any) -> list[str]:
    file = tmp_path / "flow.asl.json"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        file.write_text(json.dumps({"Comment": USED, **content}) if isinstance(content, dict) else content)
    try:
        load_definition(file)
    except DefinitionError as error:
        return str(error).splitlines()
    return []


def test_the_workflow_as_it_is_can_be_used() -> None:
    assert set(re.findall(r"\$\{(\w+)\}", load_definition(DEFINITION))) == set(PLACEHOLDERS)


def test_placeholders_are_filled_in_and_what_is_no_json_then_is_said() -> None:
    assert json.loads(render('{"a": "${Job}"}', {"Job": "x"})) == {"a": "x"}
    with pytest.raises(DefinitionError, match="not JSON"):
        render('{"a": ${Job}}', {"Job": "x y"})


END, GO = {"Type": "Pass", "End": True}, {"Type": "Pass", "Next": "B"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xff", "cannot be read as text in UTF-8"),
        ('{"a": ', "not JSON: "),
        ("[" * 100_000, "not JSON: "),
        ("[]", "States is missing, empty or no mapping"),
        ({}, "the state machine: States is missing"),
        ({"StartAt": "A", "States": {}}, "States is missing, empty"),
        ({"StartAt": "Z", "States": {"A": END}}, "StartAt = 'Z': allowed is one of A"),
        (machine(A={"Type": "Taks", "End": True}), "A: Type = 'Taks': allowed is one of Choice, Fail, Map"),
        (machine(A=[]), "A: a state is a mapping, found list"),
        (machine(A={"Type": "Pass"}), "A: neither Next nor End: true"),
        (machine(A={"Type": "Pass", "End": False}), "A: neither Next nor End: true"),
        (machine(A=GO), "A: Next = 'B': there is no such state"),
        (machine(A=END, B=END), "B: no state leads to it"),
        (machine(A={"Type": "Choice", "Choices": [{"Next": "B"}]}), "A: Choices.Next = 'B': there is no such state"),
        (machine(A={"Type": "Choice", "Choices": [], "Default": "B"}), "A: Default = 'B': there is no such state"),
        (machine(A={**END, "Catch": [{"Next": "B"}]}), "A: Catch.Next = 'B': there is no such state"),
        (machine(A={**END, "Type": "Parallel", "Branches": [machine(C=GO)]}), "C: Next = 'B': there is no such state"),
        (machine(A={**END, "Type": "Map", "ItemProcessor": {}}), "A.ItemProcessor: States is missing"),
    ],
)
def test_what_is_no_state_machine_is_refused(tmp_path: Path, content: Any, says: str) -> None:
    found = problems(tmp_path, content)
    assert [line for line in found if line.startswith("flow.asl.json: ") and says in line], found


@pytest.mark.parametrize(
    "content",
    [
        machine(A=END),
        machine(A=GO, B=END),
        machine(
            A={"Type": "Choice", "Choices": [{"Next": "B"}], "Default": "C"}, B={"Type": "Succeed"}, C={"Type": "Fail"}
        ),
        machine(A={**END, "Catch": [{"Next": "B"}]}, B={"Type": "Fail"}),
        machine(A={**END, "Type": "Parallel", "Branches": [machine(C=END), machine(A=END)]}),
    ],
)
def test_state_machines_are_taken(tmp_path: Path, content: Any) -> None:
    assert problems(tmp_path, content) == []


def test_placeholders_that_are_unknown_or_not_used_are_all_named(tmp_path: Path) -> None:
    used = {name: shown for name, shown in USED.items() if name != "JobName"}
    found = problems(tmp_path, {"Comment": {**used, "x": "${Job}"}, **machine(A=END)})
    assert [line.partition(";")[0] for line in found] == [
        "flow.asl.json: ${Job} has no value",
        "flow.asl.json: ${JobName} does not occur",
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["Pass", "Choice", "Parse"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["Next", "Type", "States"]), inner),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


SHIPPED = json.loads(re.sub(r"(?<=: )(\$\{\w+\})", r'"\1"', load_definition(DEFINITION)))
PLACES = [path for path in places(SHIPPED) if path]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PLACES), JSON)
def test_whatever_stands_anywhere_is_taken_or_said(path: tuple[Any, ...], value: Any) -> None:
    changed = copy.deepcopy(SHIPPED)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with tempfile.TemporaryDirectory() as folder:
        # Nothing but a DefinitionError leaves it, and that is a list of lines.
        assert all(line.startswith("flow.asl.json: ") for line in problems(Path(folder), changed))
