"""What hands the messages of a queue to a function."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.compute.function import PipelineFunction
from components.messaging.queues import WorkQueue


@dataclass(frozen=True, kw_only=True)
class ConsumptionArgs:
    """Which function takes a queue's messages, and how many at once."""

    queue: WorkQueue
    function: PipelineFunction
    batch_size: int
    batching_window_seconds: int = 0
    max_concurrency: int


class Consumption(pulumi.ComponentResource):
    """Hands a queue's messages to a function in batches; only those that failed come back.

    Example:
        Consumption("ingestion", ConsumptionArgs(queue=arrivals, function=ingestion, batch_size=10, max_concurrency=2))
    """

    def __init__(self, name: str, args: ConsumptionArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:compute:Consumption", name, None, opts)
        aws.lambda_.EventSourceMapping(
            name,
            event_source_arn=args.queue.queue.arn,
            function_name=args.function.function.name,
            batch_size=args.batch_size,
            maximum_batching_window_in_seconds=args.batching_window_seconds,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config={"maximum_concurrency": args.max_concurrency},
            # Lambda tries the function's permissions on the queue when the mapping is made.
            opts=ResourceOptions(parent=self, depends_on=[args.function.role.policy]),
        )
        self.register_outputs({})
