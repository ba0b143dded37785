"""What is monitored: the names of the stack's resources, as CloudWatch knows them, and the limits."""

from collections.abc import Mapping
from dataclasses import dataclass

from pulumi import Input


@dataclass(frozen=True, kw_only=True)
class MonitoredFunction:
    """A function's name and how long it may run."""

    name: Input[str]
    timeout_seconds: int


@dataclass(frozen=True, kw_only=True)
class Monitored:
    """The names of a stack's resources, as CloudWatch knows them, and the limits beyond which a person is called.

    `namespace` has the metrics that the functions emit. `functions` and `dead_letters` are by the part that they are
    of an alarm's name, the functions' log groups by the function.
    """

    stack: str
    region: Input[str]
    namespace: str
    functions_log_groups: Mapping[str, Input[str]]
    functions: Mapping[str, MonitoredFunction]
    arrivals_queue: Input[str]
    dead_letters: Mapping[str, Input[str]]
    state_machine_arn: Input[str]
    job_name: Input[str]
    workgroup: str
    oldest_message_minutes: int
    quarantined_percent: int
    scanned_bytes_cutoff: int
