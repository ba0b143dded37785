"""What the roles may do, and what of it a run really did: the grants of the policies against IAM's decisions.

A grant is one action on one resource of one statement. Names are those of the program: what AWS adds to a name is
taken away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from recording.decisions import Decision
from recording.program import Recording, short_type

_ADDED = re.compile(r"-[0-9a-f]{7}(?![0-9a-z])")
_KEY = re.compile(r":key/.*")
_PLACE = re.compile(r"^arn:aws:([a-z]+):[a-z0-9-]*:[0-9]*:")


@dataclass(frozen=True, order=True, kw_only=True)
class Grant:
    """One action on one resource that a role's policy allows; `via` is the only service it may come through, if any."""

    role: str
    action: str
    resource: str
    via: str = ""

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.role}: {self.action} on {self.resource}" + (f" via {self.via}" if self.via else "")

    def covers(self, done: Grant) -> bool:
        """Whether what was done rests on this grant."""
        return (
            (self.role, self.action, self.via) == (done.role, done.action, done.via)
            and fnmatchcase(done.resource, self.resource)
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Unmeasured:
    """Grants that no run on the emulator uses, and why the roles have them all the same; patterns as of a shell."""

    roles: tuple[str, ...]
    actions: tuple[str, ...]
    reason: str
    resource: str = "*"
    via: str = "*"
    # The emulator would ask for it, but no run comes to it.
    emulated: bool = False
    # Used by some runs: whether a crash comes at that moment is chance.
    sometimes: bool = False

    def covers(self, grant: Grant) -> bool:
        """Whether it is about this grant."""
        return (
            any(fnmatchcase(grant.role, role) for role in self.roles)
            and grant.action in self.actions
            and fnmatchcase(grant.resource, self.resource)
            and fnmatchcase(grant.via, self.via)
        )


def granted(recording: Recording) -> set[Grant]:
    """Take the policies of all roles of a program apart into grants."""
    return {
        grant
        for declared in recording.resources
        if short_type(declared.type) == "iam.RolePolicy"
        for grant in _grants(declared.inputs["role"], declared.json("policy"))
    }


def used(grants: Iterable[Grant], decisions: Iterable[Decision]) -> set[Grant]:
    """Find the grants that the allowed requests among `decisions` rest on."""
    done = {_done(decision) for decision in decisions if decision.allowed and ":assumed-role/" in decision.principal}
    by_action: dict[tuple[str, str], list[Grant]] = {}
    for each in done:
        by_action.setdefault((each.role, each.action), []).append(each)
    return {
        grant for grant in grants if any(grant.covers(each) for each in by_action.get((grant.role, grant.action), ()))
    }


def _grants(role: str, policy: Mapping[str, Any]) -> Iterator[Grant]:
    name = _role(role)
    for statement in policy["Statement"]:
        conditions = statement.get("Condition", {}).get("StringEquals", {})
        services = [host.partition(".")[0] for host in _listed(conditions.get("kms:ViaService", ""))]
        for action in _listed(statement["Action"]):
            for resource in _listed(statement["Resource"]):
                for via in services:
                    yield Grant(role=name, action=action, resource=_resource(resource), via=via)


def _done(decision: Decision) -> Grant:
    role = _role(decision.principal.split("/")[1])
    return Grant(role=role, action=decision.action, resource=_resource(decision.resource), via=decision.via)


def _role(name: str) -> str:
    return _ADDED.sub("", name).removeprefix("data-pipeline-").removesuffix("-role")


def _resource(arn: str) -> str:
    return _KEY.sub(":key", _PLACE.sub(r"\1:", _ADDED.sub("", arn)))


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
