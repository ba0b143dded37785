"""The workflow as a diagram, from its definition in state_machines/."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from components.workflow.definition import load_definition
from ops.pages.generate import PageError
from recording.program import ROOT

DEFINITION = ROOT / "state_machines" / "batch_workflow.asl.json"
_FUNCTION = re.compile(r"\$\{(\w+)FunctionArn\}")
_ENDS = ("Succeed", "Fail")
_SHAPES = {"Choice": "{{{}}}", "Wait": "[/{}/]", "Succeed": "([{}])", "Fail": "([{}])"}

State = Mapping[str, Any]


def diagram() -> str:
    """Draw every state and every way between two; that all tasks of a batch's way recover alike is one arrow."""
    # Placeholders that stand for numbers are the only ones outside of text.
    text = re.sub(r": \$\{\w+\}", ": 0", load_definition(DEFINITION))
    definition = json.loads(text)
    return "\n".join(["```mermaid", *mermaid(definition["StartAt"], definition["States"]), "```"])


def mermaid(start: str, states: Mapping[str, State]) -> Iterator[str]:
    """Write a state machine as a flowchart.

    Raises:
        PageError: a task does not recover as the others do, so that one arrow cannot say it for all.

    """
    rescue = _rescue(states)
    inside = _reached(start, states, rescue)
    if unsaved := [
        name for name in sorted(inside) if states[name]["Type"] == "Task" and rescue not in _catches(states[name])
    ]:
        raise PageError(f"{DEFINITION.name}: {', '.join(unsaved)} does not go to {rescue} when it fails, as others do")
    yield "flowchart TD"
    yield f'  start((" ")) --> {start}'
    yield "  subgraph way [the way of a batch]"
    yield from (f"    {name}{_node(name, state)}" for name, state in states.items() if name in inside)
    yield "  end"
    yield from (f"  {name}{_node(name, state)}" for name, state in states.items() if name not in inside)
    for name, state in states.items():
        for target, label in _ways(state):
            yield f'  {name} -->|"{label}"| {target}' if label else f"  {name} --> {target}"
        for target in _catches(state):
            if name not in inside or target != rescue:
                yield f"  {name} -.-> {target}"
    yield f'  way -.->|"any error that outlasts its retries"| {rescue}'


def _rescue(states: Mapping[str, State]) -> str:
    """Find the state that most others go to when they fail."""
    targets = [target for state in states.values() for target in _catches(state)]
    return max(sorted(set(targets)), key=targets.count)


def _reached(start: str, states: Mapping[str, State], without: str) -> set[str]:
    """Find what lies on the way from `start`: not behind `without`, and no end."""
    found: set[str] = set()
    left = [start]
    while left:
        name = left.pop()
        if name not in found and name != without and states[name]["Type"] not in _ENDS:
            found.add(name)
            left += [target for target, _ in _ways(states[name])]
    return found


def _ways(state: State) -> Iterator[tuple[str, str]]:
    for choice in state.get("Choices", ()):
        yield choice["Next"], _readable(choice["Condition"])
    if "Default" in state:
        yield state["Default"], "otherwise"
    if "Next" in state:
        yield state["Next"], ""


def _catches(state: State) -> list[str]:
    return [catch["Next"] for catch in state.get("Catch", ())]


def _node(name: str, state: State) -> str:
    kind = state["Type"]
    label = name
    if kind == "Task":
        function = _FUNCTION.search(str(state["Arguments"].get("FunctionName", "")))
        label += (
            f"<br/>{_snake(function[1]) if function else state['Resource'].split(':::')[1].removeprefix('aws-sdk:')}"
        )
    if kind == "Wait":
        label += f"<br/>{state['Seconds']} s"
    return _SHAPES.get(kind, "[{}]").format(f'"{label}"')


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _readable(condition: str) -> str:
    """Write a JSONata condition as a label: without its marks, and without what ends a label."""
    text = re.sub(r"^\{%\s*|\s*%\}$|\$(?:states\.input\.)?", "", condition)
    return text.replace('"', "'").replace("<", "#lt;").replace(">", "#gt;")
