"""docs/first-deployment.md: every point has a command that exists, what it should say, and a remedy."""

import re
import shlex
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

PAGE = (Path(__file__).parents[3] / "docs" / "first-deployment.md").read_text(encoding="utf-8")
POINTS = re.split(r"(?m)^(?=\d+\. \*\*)", PAGE)[1:]
GLOBAL = {"query", "output"}
# The CLI's own names of operations and options for lists in pages.
PAGED = {"max-items", "page-size", "starting-token"}


def commands(point: str) -> list[str]:
    """The indented lines, and what stands in backticks, that begin with aws."""
    return [
        found.strip() for found in re.findall(r"(?m)^ {7,}(aws .+)$|`(aws [^`]+)`", point) for found in found if found
    ]


COMMANDS = [command for point in POINTS for command in commands(point)]


def test_the_points_are_numbered_in_order_and_each_has_what_an_operator_needs() -> None:
    assert [int(point.split(".")[0]) for point in POINTS] == list(range(1, len(POINTS) + 1))
    assert len(POINTS) > 12
    for point in POINTS:
        head = point.splitlines()[0]
        assert re.search(r"(?m)^ {7,}(aws|pulumi) ", point), f"{head}: no command"
        assert "*Should say*" in point, f"{head}: nobody knows what is right"
        assert re.search(r"\*If [^*]+\*:", point), f"{head}: no remedy"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_every_option_is_one_of_the_aws_cli(command: str) -> None:
    _, service, operation, *words = shlex.split(command)
    # The CLI calls S3's own operations s3api.
    model: Any = botocore.session.get_session().get_service_model(service.removesuffix("api"))
    names = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in names, f"aws {service} has no {operation}"
    members = {xform_name(name, "-") for name in model.operation_model(names[operation]).input_shape.members}
    options = {word.removeprefix("--") for word in words if word.startswith("--")}
    assert options <= members | GLOBAL | PAGED
    missing = model.operation_model(names[operation]).input_shape.required_members
    assert {xform_name(name, "-") for name in missing} <= options, "AWS would ask for more"


def test_there_are_commands_to_look_at() -> None:
    assert len(COMMANDS) > 15
