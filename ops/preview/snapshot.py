"""What a recording says about every resource, as plain data: comparable, without secrets, code as its digest."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pulumi

from config.violations import SECRET
from recording.program import DeclaredResource

CODE = "code sha256:"
"""How the content of an archive or a file begins, in the place of its bytes."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One resource: its inputs as JSON knows them, and the options that decide what becomes of it."""

    type: str
    name: str
    urn: str
    parent: str
    inputs: Mapping[str, Any]
    protect: bool = False
    retain_on_delete: bool = False
    # The URNs that it had before.
    aliases: tuple[str, ...] = ()

    @property
    def service(self) -> str:
        """The service that it belongs to (`s3`); `components` and `pulumi` for what AWS knows nothing of."""
        package, module = self.type.split(":")[:2]
        return module.split("/")[0] if package == "aws" else "pulumi" if package == "pulumi" else "components"


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Everything that the program of one revision declares for a stack."""

    stack: str
    resources: tuple[Seen, ...]
    # By service, what it costs a month while nothing happens, in dollars.
    idle_dollars: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> str:
        """Write it for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Snapshot":
        """Read what another process wrote."""
        found = json.loads(text)
        resources = (Seen(**{**one, "aliases": tuple(one["aliases"])}) for one in found["resources"])
        return cls(stack=found["stack"], resources=tuple(resources), idle_dollars=found["idle_dollars"])


def take(stack: str, declared: Iterable[DeclaredResource], idle_dollars: Mapping[str, float]) -> Snapshot:
    """Make a snapshot; the order in which threads declared the resources is no part of it."""
    seen = (
        Seen(
            type=one.type,
            name=one.name,
            urn=one.urn,
            parent=one.parent,
            inputs={key: SECRET if key in one.secrets else plain(value) for key, value in one.inputs.items()},
            protect=one.protect,
            retain_on_delete=one.retain_on_delete,
            aliases=one.aliases,
        )
        for one in declared
    )
    return Snapshot(stack=stack, resources=tuple(sorted(seen, key=lambda one: one.urn)), idle_dollars=idle_dollars)


def plain(value: Any) -> Any:
    """Write a value as JSON knows it; of code and other files, their digest.

    Raises:
        TypeError: for a value that it does not know.

    """
    if isinstance(value, float) and value.is_integer():
        # Pulumi knows one kind of number.
        return int(value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, pulumi.FileArchive | pulumi.FileAsset):
        return CODE + hashlib.sha256(Path(value.path).read_bytes()).hexdigest()[:16]
    if isinstance(value, pulumi.StringAsset):
        return CODE + hashlib.sha256(value.text.encode()).hexdigest()[:16]
    raise TypeError(f"a preview cannot show a {type(value).__name__}; teach it to ops/preview/snapshot.py")
