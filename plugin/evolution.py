"""Which changes of the plugin's schema break programs that use it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_TYPE = ("type", "$ref", "plain", "items", "additionalProperties", "enum")
"""What makes a property's type; the rest is words about it."""


def unannounced(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Say what breaks programs without the version saying so."""
    return [] if allows_breaking(old["version"], new["version"]) else breaking(old, new)


def breaking(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Say what a program that was written for the `old` schema can no longer do with the `new` one."""
    found = []
    for kind in ("resources", "types"):
        for token, before in old[kind].items():
            if (after := new[kind].get(token)) is None:
                found.append(f"{token} is gone")
            else:
                found += [f"{token}: {said}" for said in _changes(before, after)]
    return found


def allows_breaking(old: str, new: str) -> bool:
    """Say whether a version announces a break of an older one: by its first number that is not zero."""
    before, after = ([int(part) for part in version.split(".")] for version in (old, new))
    return after[: 1 if before[0] else 2] > before[: 1 if before[0] else 2]


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for properties, required in (("inputProperties", "requiredInputs"), ("properties", "required")):
        old, new = before.get(properties, {}), after.get(properties, {})
        for name, said in old.items():
            if name not in new:
                yield f"{name} is gone"
            elif _type(said) != _type(new[name]):
                yield f"{name} was {_shown(said)} and is {_shown(new[name])}"
        now, then = set(after.get(required, [])), set(before.get(required, []))
        # Of a resource, these are outputs: one that is always there is no loss, one that may be missing is.
        output = properties == "properties" and "inputProperties" in before
        for name in sorted(then - now if output else now - then):
            if not output or name in new:
                yield f"{name} {'may be missing' if output else 'is required'}"


def _type(said: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: said[key] for key in _TYPE if key in said}
    return {key: _type(value) if isinstance(value, Mapping) else value for key, value in kept.items()}


def _shown(said: Mapping[str, Any]) -> str:
    return json.dumps(_type(said), sort_keys=True)
