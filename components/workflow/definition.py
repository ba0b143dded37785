"""Reads the workflow definition and fills its placeholders in; refuses first what AWS would refuse half way."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PLACEHOLDERS = (
    "CrawlerPrefix",
    "ErrorHandlerFunctionArn",
    "JobName",
    "LedgerTable",
    "NotificationFunctionArn",
    "ProcessingFunctionArn",
    "QueryFunctionArn",
    "StageFunctionArn",
    "TimeoutSeconds",
)
"""What the program fills in; the definition uses all of them, and no others."""

TRANSIENT_ERRORS = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
    "ClientError",
    "ConcurrentModificationException",
    "EndpointConnectionError",
    "InternalErrorException",
    "InternalException",
    "InternalServerError",
    "InternalServerException",
    "InternalServiceException",
    "OperationTimeoutException",
    "ProvisionedThroughputExceededException",
    "ReadTimeoutError",
    "RequestLimitExceeded",
    "ServiceException",
    "ThrottledException",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionCanceledException",
    "TransactionConflictException",
    "TransactionInProgressException",
)
"""Errors of a function that another try may not have: of Lambda itself, and of the services that a function calls.

"Handling errors in Step Functions" (read 2026-11) names those of Lambda; the others are the codes of AWS's clients,
which a Python function's error has for a name.
"""

CONSTANTS = {
    "RetryTransientErrors": json.dumps(
        {
            "ErrorEquals": TRANSIENT_ERRORS,
            "IntervalSeconds": 2,
            "MaxAttempts": 6,
            "BackoffRate": 2,
            "MaxDelaySeconds": 60,
            "JitterStrategy": "FULL",
        }
    )
}
"""What the definition may use and every stack has the same of: the retrier of a task that calls a function."""

TYPES = ("Choice", "Fail", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait")
ENDS = ("Fail", "Succeed")
"""States after which nothing comes (Amazon States Language, read 2026-11)."""

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z]+)\}")


class DefinitionError(Exception):
    """The workflow definition cannot be used; the message lists every problem with the file's name."""


def load_definition(file: Path) -> str:
    """Read a workflow definition in Amazon States Language, its CONSTANTS filled in and its PLACEHOLDERS not.

    Raises:
        DefinitionError: it is no JSON, no state machine, or its placeholders are not PLACEHOLDERS; lists all problems.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(f"{file.name}: cannot be read as text in UTF-8: {error}") from error
    if problems := list(_problems(text)):
        raise DefinitionError("\n".join(f"{file.name}: {problem}" for problem in problems))
    return _PLACEHOLDER.sub(lambda match: CONSTANTS.get(match[1], match[0]), text)


def render(text: str, values: Mapping[str, str]) -> str:
    """Fill in `values` and make the definition compact, so that its layout is no change.

    Raises:
        DefinitionError: what comes out is not JSON: a value has a quote or a backslash in it.
    """
    filled = _PLACEHOLDER.sub(lambda match: values[match[1]], text)
    try:
        return json.dumps(json.loads(filled), separators=(",", ":"))
    except json.JSONDecodeError as error:
        raise DefinitionError(f"the workflow definition is not JSON once it is filled in: {error}") from error


def _problems(text: str) -> Iterator[str]:
    found = set(_PLACEHOLDER.findall(text))
    for name in sorted(found - {*PLACEHOLDERS, *CONSTANTS}):
        yield f"${{{name}}} has no value; there are: {', '.join([*PLACEHOLDERS, *CONSTANTS])}"
    for name in sorted(set(PLACEHOLDERS) - found):
        yield f"${{{name}}} does not occur; the program gives it a value, so the workflow has to use it"
    try:
        # A digit stands for text and for numbers alike.
        machine = json.loads(_PLACEHOLDER.sub("1", text))
    except (json.JSONDecodeError, RecursionError) as error:
        yield f"not JSON: {error}"
        return
    yield from _machine_problems(machine, "the state machine")


def _machine_problems(machine: Any, where: str) -> Iterator[str]:
    states = machine.get("States") if isinstance(machine, dict) else None
    if not isinstance(states, dict) or not states:
        yield f"{where}: States is missing, empty or no mapping of names to states"
        return
    start = machine.get("StartAt")
    if start not in list(states):
        yield f"{where}: StartAt = {start!r}: allowed is one of {', '.join(states)}"
    reached = [start]
    for name, state in states.items():
        if not isinstance(state, dict):
            yield f"{name}: a state is a mapping, found {type(state).__name__}"
            continue
        if state.get("Type") not in TYPES:
            yield f"{name}: Type = {state.get('Type')!r}: allowed is one of {', '.join(TYPES)}"
        targets = list(_targets(state))
        reached += [target for _, target in targets]
        for key, target in targets:
            if target not in list(states):
                yield f"{name}: {key} = {target!r}: there is no such state"
        if state.get("Type") not in (*ENDS, "Choice") and "Next" not in state and state.get("End") is not True:
            yield f"{name}: neither Next nor End: true says what comes after it"
        for key, inner in _inner_machines(state):
            yield from _machine_problems(inner, f"{name}.{key}")
    for name in states:
        if name not in reached:
            yield f"{name}: no state leads to it"


def _targets(state: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key in ("Next", "Default"):
        if key in state:
            yield key, state[key]
    for key in ("Choices", "Catch"):
        for one in _list(state, key):
            yield f"{key}.Next", one.get("Next") if isinstance(one, dict) else None


def _inner_machines(state: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for position, branch in enumerate(_list(state, "Branches")):
        yield f"Branches.{position}", branch
    if "ItemProcessor" in state:
        yield "ItemProcessor", state["ItemProcessor"]


def _list(state: Mapping[str, Any], key: str) -> list[Any]:
    """Find a list; what is none counts as a list of it, so that it is refused as an element."""
    found = state.get(key) or []
    return found if isinstance(found, list) else [found]
