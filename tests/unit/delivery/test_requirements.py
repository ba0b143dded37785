"""The files of pinned requirements: what the laptop needs is a part of what the tests need, pin for pin."""

import re
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parents[3] / "requirements"
# What the laptop has no use for: Spark, tests and checks.
HEAVY = {"pyspark", "pandas", "numpy", "moto", "mypy", "ruff", "pytest", "hypothesis", "pre-commit"}


def pins(name: str) -> dict[str, str]:
    """The pinned release of each package, with its hashes and the machines that it is for."""
    text = (REQUIREMENTS / name).read_text(encoding="utf-8").replace("\\\n", " ")
    found = [line.partition("==") for line in text.splitlines() if not line.startswith("#")]
    assert all(separator for _, separator, _ in found), name
    # More than one release of a package is for more than one Python.
    return {f"{package} {rest.partition(';')[2].partition('--hash')[0].strip()}": rest for package, _, rest in found}


@pytest.mark.parametrize("name", ["local.txt", "uv.txt", "program.txt"])
def test_every_environment_has_the_releases_that_the_tests_have(name: str) -> None:
    everything = pins("dev.txt")
    assert {package: pin for package, pin in pins(name).items() if everything.get(package) != pin} == {}


@pytest.mark.parametrize("name", ["local.txt", "uv.txt", "dev.txt"])
def test_every_pin_is_held_to_a_hash(name: str) -> None:
    assert [package for package, pin in pins(name).items() if not re.search(r"--hash=sha256:[0-9a-f]{64}", pin)] == []


def test_the_laptop_gets_no_package_that_only_tests_or_spark_need() -> None:
    assert {package.split()[0] for package in pins("local.txt")} & HEAVY == set()
    assert {package.split()[0] for package in pins("dev.txt")} >= HEAVY
