"""What every function and job of a stack has in common."""

from dataclasses import dataclass

from components.network import Network
from components.security.iam import Place
from components.security.key import EncryptionKey


def metrics_namespace(stack: str) -> str:
    """Name where a stack's metrics are: stacks may share an account, and alarms must not."""
    return f"DataPipeline/{stack}"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What every function and job of the environment has in common."""

    stack: str
    place: Place
    key: EncryptionKey
    log_retention_days: int
    log_level: str
    permissions_boundary_arn: str | None
    # None: functions and job run outside of any network of ours.
    network: Network | None = None
