"""Change the code in small ways, one at a time, and list the changes that no unit test notices: `make mutants`.

mutmut (https://mutmut.readthedocs.io) makes the changes and chooses the tests that run each function. It names a module
by its path, so it works on a copy of the clone in which `pipeline_core` lies where it is imported from. What changes a
mutant's verdict is remembered in that copy: a second run asks again only about what has changed.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from subprocess import PIPE

ROOT = Path(__file__).resolve().parent.parent
TREE = ROOT / ".local" / "mutants" / "tree"
ASKS = Path(__file__).with_name("mutants_asked.py")
SHARED = Path("lambdas") / "layers"
LEFT_OUT = (".github/", "tests/integration/", "tests/engine/", "tests/robustness/", "tests/privileges/")
TESTS = ("tests/unit/lambdas", "tests/unit/core", "tests/unit/contracts")
MUTATED = ("pipeline_core", "lambdas", "contracts/compiler")
NOT_LISTED = (": not checked", ": caught by type check", ": timeout")
"""Of what mutmut says of mutants: what was not asked for, and what was noticed. What it kills, it does not say."""
SETTINGS = """
[tool.mutmut]
source_paths = {source_paths}
also_copy = {also_copy}
pytest_add_cli_args_test_selection = {tests}
# The first packs the functions, which lie elsewhere in this copy; the second kills a call at each of its requests, for
# minutes.
pytest_add_cli_args = [
  "-p", "no:cacheprovider",
  "--ignore=tests/unit/lambdas/test_watched_metrics.py", "--ignore=tests/unit/lambdas/test_iceberg_kills.py",
]
# Its method `list` hides the type of that name from the copies that mutmut makes of it.
do_not_mutate = ["lambdas/stage/store.py"]
# What the types do not let through needs no test.
type_check_command = {type_check}
"""


def copy(tests: Sequence[str], *, check_types: bool) -> None:
    """Copy what git knows of the clone, with `pipeline_core` at the top; what has not changed keeps its time.

    Args:
        tests: folders and files of the tests that are to notice a change.
        check_types: have mypy look at all mutants first, which takes minutes and spares an hour of tests.
    """
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    wanted = {}
    for name in names:
        path = Path(name)
        if (ROOT / path).is_file() and not name.startswith(LEFT_OUT):
            wanted[path.relative_to(SHARED) if path.is_relative_to(SHARED) else path] = (ROOT / path).read_bytes()
    also_copy = sorted({path.parts[0] for path in wanted} - {"pipeline_core", "lambdas", "tests", "pyproject.toml"})
    mypy = [str(ROOT / ".venv/bin/python"), "-m", "mypy", "--output", "json", "lambdas", "pipeline_core", "contracts"]
    settings = SETTINGS.format(
        source_paths=list(MUTATED), also_copy=also_copy, tests=list(tests), type_check=mypy if check_types else []
    )
    # mutmut's own decorators have no types.
    lenient = wanted[Path("pyproject.toml")].replace(b"\nstrict = true\n", b"\ncheck_untyped_defs = true\n")
    wanted[Path("pyproject.toml")] = lenient + settings.encode()
    for path, content in wanted.items():
        target = TREE / path
        if not target.exists() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    for file in TREE.rglob("*"):
        path = file.relative_to(TREE)
        if file.is_file() and path not in wanted and path.parts[0] not in ("mutants", ".git"):
            file.unlink()


def main() -> int:
    """Run the mutants whose names match the patterns, or all; list those that survive."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "patterns", nargs="*", help="mutants by name, for example 'pipeline_core.report*'; all unless said"
    )
    parser.add_argument(
        "--tests", default=" ".join(TESTS), help="which tests are asked; all that there are unless said"
    )
    parser.add_argument("--fresh", action="store_true", help="forget the verdicts of earlier runs")
    options = parser.parse_args()
    if options.fresh:
        shutil.rmtree(TREE, ignore_errors=True)
    TREE.mkdir(parents=True, exist_ok=True)
    copy(options.tests.split(), check_types=not options.patterns)
    run = subprocess.run([sys.executable, ASKS, *options.patterns], cwd=TREE, check=False)
    print("\nWhat survives; for the change itself, in .local/mutants/tree: mutmut show <name>")
    results = subprocess.run([sys.executable, "-m", "mutmut", "results"], cwd=TREE, check=True, stdout=PIPE, text=True)
    print("\n".join(line for line in results.stdout.splitlines() if not line.endswith(NOT_LISTED)))
    return run.returncode


if __name__ == "__main__":
    sys.exit(main())
