"""What a deployment made, kept beside the emulator's data, so that the next one changes only what is different.

The emulator has no Pulumi engine and no state of one. This file is the little of it that is needed: each resource's id
and outputs, with a digest of what was declared.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Self

from pulumi import Archive, Asset

from local.emulator import SAVED
from local.resources.base import Created, Json, ResourceRequest

FILE: Final = "deployment.json"


class KeptError(Exception):
    """What was kept cannot be gone on with; the message says why, and what to do."""


@dataclass(frozen=True)
class KeptResource:
    """A resource that was made: what was declared, as a digest, and what came of it."""

    type: str
    name: str
    digest: str
    id: str
    outputs: Json

    @property
    def created(self) -> Created:
        """The resource as its handler gave it."""
        return Created(self.id, self.outputs)


@dataclass
class Kept:
    """The resources of a deployment, by type and logical name, and the contracts that it set out for."""

    endpoint: str
    path: Path | None = None
    contracts: Json = field(default_factory=dict)
    resources: dict[tuple[str, str], KeptResource] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path, endpoint: str) -> Self:
        """Read what was kept; nothing, where there is no file.

        Raises:
            KeptError: it is of another emulator, or of another release of it.
        """
        kept = cls(endpoint, path)
        if not path.exists():
            return kept
        document = json.loads(path.read_text(encoding="utf-8"))
        begin = "`make local FRESH=yes` forgets them and begins anew."
        if not (path.parent / SAVED).exists():
            raise KeptError(f"The last run in {path.parent} was killed before its data were written. {begin}")
        if document["endpoint"] != endpoint:
            raise KeptError(f"The data in {path.parent} are of {document['endpoint']}: take its port. Or: {begin}")
        if document["ministack"] != version("ministack"):
            raise KeptError(
                f"The data in {path.parent} were written by MiniStack {document['ministack']}, "
                f"and {version('ministack')} is installed. {begin}"
            )
        kept.contracts = document["contracts"]
        for resource in document["resources"]:
            kept.remember(KeptResource(**resource))
        return kept

    def remember(self, resource: KeptResource) -> None:
        """Keep a resource, in the place of what it was before."""
        self.resources[resource.type, resource.name] = resource

    def save(self) -> None:
        """Write all of it, at once or not at all."""
        if self.path is None:
            return
        document = {
            "endpoint": self.endpoint,
            "ministack": version("ministack"),
            "contracts": self.contracts,
            "resources": [asdict(resource) for resource in self.resources.values()],
        }
        beside = self.path.with_suffix(".new")
        beside.write_text(json.dumps(document, indent=1), encoding="utf-8")
        os.replace(beside, self.path)


def digest(declared: ResourceRequest) -> str:
    """A digest of a resource's inputs; of archives and assets, it is that of their content."""
    content = json.dumps(dict(_plain(declared, declared.inputs)), sort_keys=True)
    return hashlib.sha256(f"{content}{sorted(declared.tags.items())}".encode()).hexdigest()


def _plain(declared: ResourceRequest, inputs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in inputs.items():
        if not isinstance(value, Archive | Asset):
            yield name, value
        elif not declared.type.startswith("aws:lambda/layerVersion:"):
            # A layer has no content here.
            yield name, hashlib.sha256(declared.archive(value)).hexdigest()
