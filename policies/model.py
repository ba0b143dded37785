"""What a rule sees of a program, what it answers, and what is let through on purpose."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

Severity = Literal["high", "medium", "low"]
KEEPS_ITS_DATA = ("staging", "prod")
"""Environments whose data must outlive a mistake."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One declared resource: short type (`s3.Bucket`), logical name, inputs and outputs in camelCase, options."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    provider: str = ""
    protect: bool = False
    retain_on_delete: bool = False

    def json(self, key: str) -> Any:
        """Parse an input that holds a JSON document; nothing where there is none."""
        text = self.inputs.get(key)
        return json.loads(text) if isinstance(text, str) else None

    def at(self, path: str) -> Any:
        """Look an input up by its dotted path; None where it ends early."""
        found: Any = self.inputs
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found


@dataclass(frozen=True, kw_only=True)
class Program:
    """Everything that one run of the program declared for a stack, and whose rules the stack keeps."""

    environment: str
    stack: str
    resources: tuple[Resource, ...]
    # IAM actions that AWS offers no resource-level permission for.
    unscoped_actions: Collection[str] = ()

    def of(self, *types: str) -> list[Resource]:
        """All resources of some types; `*` is every resource of AWS."""
        return [r for r in self.resources if r.type in types or ("*" in types and not r.type.startswith("providers."))]

    def about(self, type_: str, key: str, value: object) -> list[Resource]:
        """All resources of a type one of whose inputs is `value`: the companions of another resource."""
        return [r for r in self.of(type_) if value is not None and r.inputs.get(key) == value]

    def known(self, type_: str, output: str = "arn") -> set[Any]:
        """The ARNs, or another output, of all resources of a type: what else is named is not of this program."""
        return {one.outputs.get(output) for one in self.of(type_)}


Check = Callable[[Resource, Program], Iterable[str]]
"""Looks at one resource of a program and says everything that is wrong with it; its docstring says why it matters."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a rule refuses."""

    rule: str
    resource: str
    wrong: str
    allowed: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.rule} {self.resource}: {self.wrong}; allowed is {self.allowed}"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule, about every resource of `types`."""

    id: str
    severity: Severity
    # The controls of AWS Foundational Security Best Practices (S3.5) or cdk-nag (AwsSolutions-S10) it follows.
    controls: tuple[str, ...] = ()
    reason: str
    allowed: str
    types: tuple[str, ...]
    wrong: Check
    # A rule that no resource of its types may exist.
    forbids: bool = False

    def findings(self, program: Program) -> Iterator[Finding]:
        """Yield what is wrong in a program."""
        for resource in program.of(*self.types):
            for wrong in self.wrong(resource, program):
                yield Finding(rule=self.id, resource=resource.name, wrong=wrong, allowed=self.allowed)


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """Lets findings of one rule through, on purpose."""

    rule: str
    # Patterns as of a shell: of the resource's logical name, and of what is wrong.
    resource: str
    reason: str
    wrong: str = "*"

    def covers(self, finding: Finding) -> bool:
        """Whether it is about this finding."""
        return (
            finding.rule == self.rule
            and fnmatchcase(finding.resource, self.resource)
            and fnmatchcase(finding.wrong, self.wrong)
        )


def rule(
    id_: str, severity: Severity, types: tuple[str, ...], allowed: str, *controls: str, forbids: bool = False
) -> Callable[[Check], Rule]:
    """Make a rule of a check, whose docstring is the rule's reason."""

    def made(wrong: Check) -> Rule:
        return Rule(
            id=id_,
            severity=severity,
            controls=controls,
            reason=" ".join((wrong.__doc__ or "").split()),
            allowed=allowed,
            types=types,
            wrong=wrong,
            forbids=forbids,
        )

    return made


def check(program: Program, rules: Iterable[Rule]) -> list[Finding]:
    """Apply every rule to a program."""
    return [finding for rule in rules for finding in rule.findings(program)]


def unwaived(findings: Iterable[Finding], waivers: Collection[Waiver]) -> list[Finding]:
    """Leave out what a waiver covers."""
    return [finding for finding in findings if not any(waiver.covers(finding) for waiver in waivers)]


def unused(waivers: Iterable[Waiver], findings: Collection[Finding]) -> list[Waiver]:
    """Find the waivers that cover nothing: what they excused is gone, and so they must go."""
    return [waiver for waiver in waivers if not any(waiver.covers(finding) for finding in findings)]


def must(condition: object, wrong: str) -> list[str]:
    """Say what is wrong unless the condition holds."""
    return [] if condition else [wrong]


def must_be_our_key(arn: object, program: Program) -> list[str]:
    """Say that it is not the environment's key that encrypts something, unless it is."""
    return must(arn in program.known("kms.Key"), f"its key is {shown(arn)}")


def shown(value: object) -> str:
    """Write a value as it stands in JSON, which knows no None."""
    return json.dumps(value, default=str)
