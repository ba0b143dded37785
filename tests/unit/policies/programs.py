"""What each stack declares, as the rules see it."""

import functools
from collections.abc import Collection

from ops.preview.verdict import as_program
from ops.recording import Recording
from policies.model import Program
from tests.unit.infrastructure.cloud import pipeline


@functools.cache
def program(stack: str) -> Program:
    """Run the whole program of a stack, and keep what is AWS's and its provider."""
    return as_program(stack, pipeline(stack).resources)


def program_of(recording: Recording, environment: str, unscoped_actions: Collection[str]) -> Program:
    """Keep of a recording what is AWS's and its provider."""
    return as_program(environment, recording.resources, unscoped_actions)
