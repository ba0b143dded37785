"""What every function, job and crawler of a stack has in common."""

from dataclasses import dataclass

from pulumi import Output

from components.names import stack_name
from components.security.iam import Location
from components.security.key import EncryptionKey
from components.security.network import Network


@dataclass(frozen=True, kw_only=True)
class StackContext:
    """What every function, job and crawler of a stack has in common.

    `network` is None where functions and job run outside of any network of ours.
    """

    stack: str
    location: Location
    key: EncryptionKey
    log_retention_days: int
    log_level: str
    permissions_boundary_arn: str | None
    network: Network | None = None

    @property
    def state_machine_arn(self) -> Output[str]:
        """The ARN that the state machine will have.

        It calls functions that ask for it in turn, so one of the two must be known before it exists.
        """
        return self.location.arn("states", f"stateMachine:{stack_name(self.stack)}")

    @property
    def execution_arns(self) -> Output[str]:
        """The pattern of the ARNs of the state machine's executions."""
        return self.location.arn("states", f"execution:{stack_name(self.stack)}:*")
