"""What the resources cost while nothing happens, by service as resources name it."""

from collections.abc import Mapping, Sequence

from ops.cost import idle
from recording.program import DeclaredResource

_SERVICES = {"step functions": "sfn", "eventbridge": "cloudwatch"}


def idle_dollars_per_month(resources: Sequence[DeclaredResource]) -> Mapping[str, float]:
    """Sum up what the declared resources cost in a month in which nothing lands."""
    found: dict[str, float] = {}
    for service, dollars in idle.idle_dollars_per_month(resources).items():
        name = _SERVICES.get(service.lower(), service.lower())
        found[name] = found.get(name, 0) + dollars
    return found
