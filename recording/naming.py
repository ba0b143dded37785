"""How Pulumi's engine names resources (URNs), and how a resource was named before, by its aliases."""

from collections.abc import Iterator, Mapping
from typing import Any

_STACK = "pulumi:pulumi:Stack"


def urn(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """Name a resource after all of its parents, as the engine does; the mocks know the last one only."""
    above = _types(parent) if parent else ""
    chain = f"{above}${type_}" if above and above != _STACK else type_
    return f"urn:pulumi:{stack}::{project}::{chain}::{name}"


def former_urns(request: Any, own: str, former: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Say under which URNs the engine would look for a resource that it does not find under its `own`.

    `request` is the resource's registration, `former` what is known of its parents: their aliases hold for it too.
    """
    stack, project = own.removeprefix("urn:pulumi:").split("::")[:2]
    parents = former.get(request.parent, ())
    for alias in request.aliases:
        if alias.urn:
            yield alias.urn
            continue
        spec = alias.spec
        above = [spec.parentUrn] if spec.parentUrn else [""] if spec.noParent else [request.parent, *parents]
        for parent in above:
            yield urn(
                spec.stack or stack,
                spec.project or project,
                parent,
                spec.type or request.type,
                spec.name or request.name,
            )
    for parent in parents:
        yield urn(stack, project, parent, request.type, _renamed(request.name, _name(request.parent), _name(parent)))


def _renamed(name: str, parent: str, former: str) -> str:
    """Rename a child with its parent: the engine takes the parent's name at its beginning for the parent's."""
    return former + name.removeprefix(parent) if name.startswith(parent) else name


def _types(of: str) -> str:
    return of.split("::")[2]


def _name(of: str) -> str:
    return of.split("::", 3)[3]
