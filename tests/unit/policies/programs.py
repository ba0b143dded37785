"""What each stack declares, as the rules see it."""

import functools
from collections.abc import Collection

from components.iam import UNSCOPED_ACTIONS
from ops.recording import Recording
from policies.model import Program, Resource
from tests.unit.infrastructure.cloud import pipeline, short_type


@functools.cache
def program(stack: str) -> Program:
    """Run the whole program of a stack, and keep what is AWS's and its provider."""
    return program_of(pipeline(stack), stack, UNSCOPED_ACTIONS)


def program_of(recording: Recording, environment: str, unscoped_actions: Collection[str]) -> Program:
    """Keep of a recording what is AWS's and its provider."""
    return Program(
        environment=environment,
        resources=tuple(
            Resource(
                type=short_type(declared.type),
                name=declared.name,
                inputs=declared.inputs,
                outputs=declared.outputs,
                provider=declared.provider,
                protect=declared.protect,
            )
            for declared in recording.resources
            if declared.type.startswith(("aws:", "pulumi:providers:aws"))
        ),
        unscoped_actions=unscoped_actions,
    )
