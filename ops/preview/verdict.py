"""What the rules of policies/ say of a recording."""

from collections.abc import Collection, Iterable

from components.security.iam import UNSCOPED_ACTIONS
from components.waivers import WAIVERS
from policies.model import Program, Resource, check, unwaived
from policies.rules import RULES
from recording.program import DeclaredResource, short_type


def as_program(
    stack: str,
    environment: str,
    declared: Iterable[DeclaredResource],
    unscoped_actions: Collection[str] = UNSCOPED_ACTIONS,
) -> Program:
    """Keep what is AWS's and its provider, as the rules see it."""
    return Program(
        stack=stack,
        environment=environment,
        resources=tuple(
            Resource(
                type=short_type(one.type),
                name=one.name,
                inputs=one.inputs,
                outputs=one.outputs,
                provider=one.provider,
                protect=one.protect,
                retain_on_delete=one.retain_on_delete,
            )
            for one in declared
            if one.type.startswith(("aws:", "pulumi:providers:aws"))
        ),
        unscoped_actions=unscoped_actions,
    )


def refused(stack: str, environment: str, declared: Iterable[DeclaredResource]) -> list[str]:
    """Everything that a rule refuses and no waiver lets through, a line each."""
    return [str(finding) for finding in unwaived(check(as_program(stack, environment, declared), RULES), WAIVERS)]
