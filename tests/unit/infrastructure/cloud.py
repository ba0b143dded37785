"""What the program declares, and how tests ask for it: never for nothing."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from recording.program import (
    ACCOUNT,
    REGION,
    ROOT,
    STACKS,
    DeclaredResource,
    Recording,
    main_program,
    record,
    short_type,
)
from recording.program import stack_config as shipped_config

__all__ = [
    "ACCOUNT",
    "REGION",
    "ROOT",
    "STACKS",
    "DeclaredResource",
    "main_program",
    "shipped_config",
    "short_type",
    "stack_config",
]


def stack_config(stack: str) -> dict[str, Any]:
    """What a stack file says, with the demonstration's datasets everywhere: rules shall meet more than the canary."""
    config = shipped_config(stack)
    if stack in ("staging", "prod"):
        config["data-pipeline:settings"]["datasets"] = {"demonstration": []}
    return config


@dataclass
class Cloud(Recording):
    """A recording that refuses questions about nothing."""

    def of(self, *types: str) -> list[DeclaredResource]:
        """All resources of some types (`s3.Bucket` for `aws:s3/bucket:Bucket`): never none."""
        found = [resource for resource in self.resources if short_type(resource.type) in types]
        assert found, f"a rule about no {' or '.join(types)} proves nothing"
        return found

    def one(self, type_: str, name: str) -> DeclaredResource:
        """The resource of that type with that logical name."""
        (found,) = [resource for resource in self.of(type_) if resource.name == name]
        return found

    def aws(self) -> list[DeclaredResource]:
        """All resources of AWS."""
        found = [resource for resource in self.resources if resource.type.startswith("aws:")]
        assert found, "a program without resources proves nothing"
        return found

    def documents(self) -> Iterator[tuple[DeclaredResource, str, Any]]:
        """Every policy document: its resource, its property, and itself."""
        for resource in self.aws():
            for key in ("policy", "assumeRolePolicy"):
                if isinstance(resource.inputs.get(key), str):
                    yield resource, key, resource.json(key)


def deploy(
    program: Callable[[], object],
    *,
    config: dict[str, Any] | None = None,
    stack: str = "dev",
    preview: bool = False,
    cloud: Cloud | None = None,
) -> Cloud:
    """Run `program` and return when every registration has landed."""
    cloud = cloud or Cloud(known=not preview)
    record(program, config=config, stack=stack, preview=preview, recording=cloud)
    return cloud


def pipeline(stack: str, *, preview: bool = False) -> Cloud:
    """Deploy the whole program of a stack; once, since nothing that is recorded changes."""
    return _pipeline(stack, preview)


@functools.cache
def pipeline_in_network() -> Cloud:
    """Deploy prod with a network of its own, which no stack has."""
    config = stack_config("prod")
    zones = ["eu-central-1a", "eu-central-1b"]
    config["data-pipeline:settings"]["security"]["vpc"] = {"cidr": "10.8.0.0/20", "availability_zones": zones}
    return deploy(main_program, config=config, stack="prod")


@functools.cache
def _pipeline(stack: str, preview: bool) -> Cloud:
    # A cache of its own: one with a default takes a call that says it for another one.
    return deploy(main_program, config=stack_config(stack), stack=stack, preview=preview)
