"""Ask the tests about each mutant, with the tests collected once: scripts/mutants.py runs it in its copy of the clone.

mutmut asks about a mutant in a fork of its own process, in which pytest collects the tests anew. That takes seconds;
the first test that notices a mutant takes milliseconds. So pytest collects all tests before the first fork, and a fork
only runs the tests of its mutant: first those that noticed another mutant of the same function, then those of the file
that is called after the module, then those that run the fewest other functions and take the least time.
"""

import math
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from _pytest.config import _prepareconfig
from mutmut.__main__ import cli
from mutmut.runners.harness import PytestRunner
from mutmut.state import state
from mutmut.utils.file_utils import change_cwd
from mutmut.utils.format_utils import mangled_name_from_mutant_name
from mutmut.workers import isolation

OVERHEAD = 0.05
"""Seconds of a test beside what mutmut measures of it: its fixtures, and pytest itself."""
SECONDS = 30
"""How long tests of a mutant are begun. Those that are most likely to notice it come first; what every function runs
through has minutes of tests."""
CPU_SECONDS = 60
"""What a mutant may take before it counts as noticed: it does not come to an end."""
NOTICED = Path("mutants/noticed.txt").absolute()
"""The function of each mutant that was noticed, and by which test: forks share nothing else."""


class CollectedOnce(PytestRunner):  # type: ignore[misc]  # mutmut is in an environment of its own
    """Runs the tests of a mutant out of those that were collected before the first mutant."""

    def run_forced_fail(self) -> int:
        """Check that a failure is noticed, which is the last that mutmut does before the first mutant; then collect."""
        code = int(super().run_forced_fail())
        arguments = [
            # What a test prints goes where the fork sends it, and what it writes goes away with it.
            *("--rootdir=.", "--quiet", "--capture=no", "--tb=native", "-o", "tmp_path_retention_policy=none"),
            *(*self._pytest_add_cli_args, *self._pytest_add_cli_args_test_selection),
        ]
        with change_cwd("mutants"):
            # As pytest-xdist's workers do.
            config = _prepareconfig(arguments, None)
            config._do_configure()
            self.session = pytest.Session.from_config(config)
            config.hook.pytest_sessionstart(session=self.session)
            config.hook.pytest_collection(session=self.session)
        self.collected = {test.nodeid: test for test in self.session.items}
        functions = Counter(name for names in state().tests_by_mangled_function_name.values() for name in names)
        self.cost = {name: (OVERHEAD + seconds) * functions[name] for name, seconds in state().duration_by_test.items()}
        return code

    def run_tests(self, *, mutant_name: str | None, tests: Iterable[str]) -> int:
        """Run tests of a mutant until one fails, or `SECONDS` are over; 1 if one did, 0 otherwise.

        Without a mutant, as mutmut does.
        """
        if mutant_name is None:
            return int(super().run_tests(mutant_name=None, tests=tests))
        function = mangled_name_from_mutant_name(mutant_name)
        noticed = {test for of, test in _noticed() if of == function}
        own = f"/test_{function.split('.')[-2]}.py::"
        ordered = sorted(tests, key=lambda name: (name not in noticed, own not in name, self.cost[name]))
        # mutmut has set limits, which only root may raise.
        soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (min(soft, math.ceil(time.process_time()) + CPU_SECONDS), hard))
        ends = time.monotonic() + SECONDS
        with change_cwd("mutants"):
            chosen = [self.collected[name] for name in ordered]
            for test, following in zip(chosen, [*chosen[1:], None], strict=True):
                test.config.hook.pytest_runtest_protocol(item=test, nextitem=following)
                if self.session.testsfailed:
                    with NOTICED.open("a", encoding="utf-8") as file:
                        file.write(f"{function}\t{test.nodeid}\n")
                    return 1
                if time.monotonic() > ends:
                    break
        return 0


def _noticed() -> list[tuple[str, str]]:
    lines = NOTICED.read_text(encoding="utf-8").splitlines() if NOTICED.exists() else []
    return [(function, test) for function, _, test in (line.partition("\t") for line in lines)]


if __name__ == "__main__":
    isolation.PytestRunner = CollectedOnce
    cli(["run", *sys.argv[1:]])
