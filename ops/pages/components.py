"""The components of the program as a diagram: what holds what, and which services are in it."""

from collections import Counter
from collections.abc import Iterable, Iterator

from ops.pages.programs import declared
from recording.program import DeclaredResource

# It has the demonstration's datasets, several as a real stack has.
STACK = "dev"
EVERYWHERE = ("ServiceRole",)
"""Components that nearly every other one has: they are shown as what is in them."""

Path = tuple[str, ...]


def diagram() -> str:
    """Draw the components by class, without numbers: another dataset or alarm is no change of the architecture."""
    return "\n".join(["```mermaid", *mermaid(declared(STACK).resources), "```"])


def mermaid(resources: Iterable[DeclaredResource]) -> Iterator[str]:
    """Write a program's components as a flowchart."""
    components: Counter[Path] = Counter()
    services: dict[Path, set[str]] = {}
    for one in resources:
        path = _path(one)
        if one.type.startswith("pipeline:") and path[-1] not in EVERYWHERE:
            components[path] += 1
        elif one.type.startswith("aws:"):
            above = path[:-2] if path[-2] in EVERYWHERE else path[:-1]
            services.setdefault(above, set()).add(one.type.split(":")[1].split("/")[0])
    yield "flowchart LR"
    for path, count in sorted(components.items()):
        title = f"{path[-1]} (several)" if count > 1 else path[-1]
        held = ", ".join(sorted(services.get(path, ())))
        yield f'  {_id(path)}["{title}{"<br/>" if held else ""}{held}"]'
    for path in sorted(components):
        if len(path) > 1:
            yield f"  {_id(path[:-1])} --- {_id(path)}"


def _path(one: DeclaredResource) -> Path:
    """The classes of what holds a resource, and its own."""
    return tuple(token.split(":")[-1] for token in one.urn.split("::")[2].split("$"))


def _id(path: Path) -> str:
    return "_".join(path)
