"""What each stack declares, as the rules see it."""

import functools

from components.iam import UNSCOPED_ACTIONS
from policies.model import Program, Resource
from tests.unit.infrastructure.cloud import pipeline, short_type


@functools.cache
def program(stack: str) -> Program:
    """Run the whole program of a stack, and keep what is AWS's and its provider."""
    return Program(
        environment=stack,
        resources=tuple(
            Resource(
                type=short_type(declared.type),
                name=declared.name,
                inputs=declared.inputs,
                outputs=declared.outputs,
                provider=declared.provider,
                protect=declared.protect,
                retain_on_delete=declared.retain_on_delete,
            )
            for declared in pipeline(stack).resources
            if declared.type.startswith(("aws:", "pulumi:providers:aws"))
        ),
        unscoped_actions=UNSCOPED_ACTIONS,
    )
