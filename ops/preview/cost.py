"""What the resources cost while nothing happens."""

import importlib
import importlib.util
from collections.abc import Mapping, Sequence

from ops.recording import Declared

# Loaded with this module, before another checkout's modules take the place of this one's.
_model = importlib.import_module("ops.cost.idle") if importlib.util.find_spec("ops.cost") else None
_SERVICES = {"step functions": "sfn", "eventbridge": "cloudwatch"}


def idle_dollars_per_month(resources: Sequence[Declared]) -> Mapping[str, float]:
    """By service, as resources name it; nothing where this version has no cost model."""
    found: dict[str, float] = {}
    costs: Mapping[str, float] = _model.idle_dollars_per_month(resources) if _model else {}
    for service, dollars in costs.items():
        name = _SERVICES.get(service.lower(), service.lower())
        found[name] = found.get(name, 0) + dollars
    return found
