"""Turns each rule of `policies` into a policy of Pulumi's, about what the engine says of a stack.

The offline preview asks the same rules with the same waivers; here they see what the engine and the provider make of
the program, in `pulumi preview` and again after `pulumi up`. What a rule cannot decide yet, since a value is not
known in a preview, it decides after the update.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyComplianceFramework,
    PolicyResource,
    ReportViolation,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from components.security.iam import UNSCOPED_ACTIONS
from components.waivers import WAIVERS
from policies.model import Finding, Program, Resource, Rule
from policies.rules import RULES

UNKNOWN = "unknown:"
"""How values begin that are not known yet; the URN of the resource that they are of follows."""

NOT_TOLD = {"DAT-02": "Pulumi does not tell policies whether a resource is retained on deletion"}
"""Rules about what a policy is not told; `data-pipeline preview` asks them."""


class UndecidedError(Exception):
    """A value that a rule asks for is not known yet."""


@dataclass(frozen=True, kw_only=True)
class Told(Resource):
    """A resource as the engine tells of it; some of its values may not be known yet."""

    urn: str

    def json(self, key: str) -> Any:
        """As of a resource that is declared, but that it may not be known.

        Raises:
            UndecidedError: it is not.
        """
        if str(self.inputs.get(key)).startswith(UNKNOWN):
            raise UndecidedError
        return super().json(key)


def policies() -> list[Policy]:
    """Every rule as a policy that refuses."""
    return [_policy(rule) for rule in RULES]


def _policy(rule: Rule) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report_violation: ReportViolation) -> None:
        if rule.id in NOT_TOLD:
            args.not_applicable(NOT_TOLD[rule.id])
        program = as_program(args.resources)
        for resource in program.of(*rule.types):
            assert isinstance(resource, Told)
            for finding in _findings(rule, resource, program):
                if not any(waiver.covers(finding) for waiver in WAIVERS):
                    report_violation(str(finding), resource.urn)

    controls = ", ".join(rule.controls)
    return StackValidationPolicy(
        name=rule.id,
        description=rule.reason,
        validate=validate,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity(rule.severity),
        framework=PolicyComplianceFramework(name="AWS FSBP, cdk-nag", reference=controls) if controls else None,
        remediation_steps=f"Allowed is {rule.allowed}.",
    )


def _findings(rule: Rule, resource: Told, program: Program) -> list[Finding]:
    try:
        wrongs = list(rule.wrong(resource, program))
    except UndecidedError:
        return []
    return [Finding(rule=rule.id, resource=resource.name, wrong=wrong, allowed=rule.allowed) for wrong in wrongs]


def as_program(resources: Sequence[PolicyResource]) -> Program:
    """What the engine tells of a stack, as the rules see it; the provider's tags say which stack it is."""
    told = tuple(_told(one) for one in resources if one.resource_type.startswith(("aws:", "pulumi:providers:aws")))
    tags: dict[str, str] = next((one.json("defaultTags")["tags"] for one in told if one.type == "providers.aws"), {})
    return Program(
        environment=tags.get("Environment", ""),
        stack=tags.get("Stack", ""),
        resources=told,
        unscoped_actions=UNSCOPED_ACTIONS,
    )


def _told(one: PolicyResource) -> Told:
    # The engine tells one set of properties: what was asked for, with what the provider made of it.
    values = {name: _value(one, one.props, name, name) for name in one.props}
    return Told(
        type=f"{one.resource_type.split(':')[1].split('/')[0]}.{one.resource_type.split(':')[-1]}",
        name=one.name,
        inputs=values,
        outputs=values,
        provider=one.provider.urn if one.provider else "",
        protect=bool(one.opts.protect),
        urn=one.urn,
    )


def _value(one: PolicyResource, holder: Any, key: Any, name: str) -> Any:
    """A value, however deep, as plain data; one that is not known names the resource that will make it known."""
    try:
        value = holder[key]
    except UnknownValueError:
        sources = one.property_dependencies.get(name) or [one]
        return UNKNOWN + sources[0].urn
    if isinstance(value, Mapping):
        return {inner: _value(one, value, inner, name) for inner in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_value(one, value, inner, name) for inner in range(len(value))]
    return value
