"""What the stacks declare, recorded once for all pages."""

import functools

from recording.program import Recording, main_program, record, stack_config


@functools.cache
def declared(stack: str) -> Recording:
    """Record the program of a stack."""
    return record(main_program, config=stack_config(stack), stack=stack)
