"""What each stack declares, as the rules see it."""

import functools

from ops.preview.verdict import as_program
from policies.model import Program
from tests.unit.infrastructure.cloud import pipeline, pipeline_in_network


@functools.cache
def program(stack: str) -> Program:
    """Run the whole program of a stack, and keep what is AWS's and its provider."""
    return as_program(stack, stack, pipeline(stack).resources)


@functools.cache
def program_in_network() -> Program:
    """Run prod's program with a network of its own."""
    return as_program("prod", "prod", pipeline_in_network().resources)
