"""How each resource type is created in the emulator, one module for related services."""

from __future__ import annotations

from typing import Final

from local.resources import analytics, compute, messaging, monitoring, storage
from local.resources.base import Handler

HANDLERS: Final[dict[str, Handler]] = {
    **analytics.HANDLERS,
    **compute.HANDLERS,
    **messaging.HANDLERS,
    **monitoring.HANDLERS,
    **storage.HANDLERS,
}
"""By Pulumi type token, everything that the deployer can create."""

NOT_EMULATED: Final[dict[str, str]] = {
    "aws:cloudwatch/queryDefinition:QueryDefinition": "MiniStack 1.5.33 has no Logs Insights query definitions",
}
"""By Pulumi type token, why a type is declared but not created: the emulator lacks its API."""
