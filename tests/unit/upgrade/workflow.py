"""Runs executions of a workflow definition: as Step Functions goes from state to state, without waiting."""

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

EXPRESSION = re.compile(r"\{%(.*)%\}", re.DOTALL)
TRIES = 2
"""How often a task is tried whose error has a retrier: no time goes by between the tries here."""

Task = Callable[[dict[str, Any]], Any]


@dataclass
class Execution:
    """Where an execution is: its state, the variables that it has assigned, and the input of the state."""

    state: str
    variables: dict[str, Any] = field(default_factory=dict)
    input: Any = None


@dataclass(frozen=True)
class Definition:
    """A definition in Amazon States Language with JSONata, and what its tasks call, by their resource."""

    document: Mapping[str, Any]
    tasks: Mapping[str, Task]

    def begin(self, input: Any) -> Execution:
        """The execution of an input, before its first state."""
        return Execution(self.document["StartAt"], {}, input)

    def run(self, execution: Execution, until: str = "") -> str:
        """Go on to the end, or until a state is reached; the type of the state that ended it: Succeed or Fail."""
        while execution.state != until:
            state = self.document["States"][execution.state]
            if state["Type"] in ("Succeed", "Fail"):
                return str(state["Type"])
            self._step(state, execution)
        return ""

    def _step(self, state: Mapping[str, Any], execution: Execution) -> None:
        context: dict[str, Any] = {"input": execution.input}
        if state["Type"] == "Choice":
            found = (one["Next"] for one in state["Choices"] if evaluate(one["Condition"], context, execution))
            execution.state = next(found, state.get("Default", ""))
            return
        after = state
        if state["Type"] == "Task":
            try:
                context["result"] = self._try(state, context, execution)
            except Exception as error:  # noqa: BLE001  whatever a function raises is an error of its task
                name = type(error).__name__
                after = next(one for one in state["Catch"] if set(one["ErrorEquals"]) & {name, "States.ALL"})
                context["errorOutput"] = {"Error": name, "Cause": json.dumps({"errorMessage": str(error)})}
        assigned = evaluate(after.get("Assign", {}), context, execution)
        if "Output" in after:
            execution.input = evaluate(after["Output"], context, execution)
        execution.variables |= assigned
        execution.state = after["Next"]

    def _try(self, state: Mapping[str, Any], context: dict[str, Any], execution: Execution) -> Any:
        retried = {name for one in state.get("Retry", ()) for name in one["ErrorEquals"]}
        arguments = evaluate(state["Arguments"], context, execution)
        for left in reversed(range(TRIES)):
            try:
                return self.tasks[state["Resource"]](arguments)
            except Exception as error:
                if not left or type(error).__name__ not in retried:
                    raise
        raise AssertionError("every try returns or raises")


def evaluate(value: Any, context: dict[str, Any], execution: Execution) -> Any:
    """Fill in the expressions of a JSON value."""
    if isinstance(value, dict):
        return {name: evaluate(item, context, execution) for name, item in value.items()}
    if isinstance(value, list):
        return [evaluate(item, context, execution) for item in value]
    if not isinstance(value, str) or not (found := EXPRESSION.fullmatch(value)):
        return value
    # Imported or used, the library raises Python's limit and leaves it so, for whatever test comes next.
    limit = sys.getrecursionlimit()
    try:
        from jsonata import Jsonata  # type: ignore[import-untyped]  # has no stubs

        expression = Jsonata(found[1])
        frame = expression.create_frame()
        for name, bound in {**execution.variables, "states": context}.items():
            frame.bind(name, bound)
        return expression.evaluate(None, frame)
    finally:
        sys.setrecursionlimit(limit)


def fields_read(definition: Mapping[str, Any], variable: str) -> set[str]:
    """The fields of a variable that a definition's expressions name."""
    return set(re.findall(rf"\${variable}\.(\w+)", json.dumps(definition)))
