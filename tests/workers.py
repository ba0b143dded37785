"""How many processes run the tests where `-n auto` asks for it."""

import os

GIGABYTES = 3
"""Memory for a process of the tests, and for the Spark or the emulator that it starts."""


def automatic(more: int = 0) -> int | None:
    """As many processes as the machine has cores, and so many more, and not more than it has memory for.

    None where PYTEST_XDIST_AUTO_NUM_WORKERS says a number, which pytest-xdist then takes.
    """
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min((os.cpu_count() or 1) + more, memory // (GIGABYTES * 1024**3)))
