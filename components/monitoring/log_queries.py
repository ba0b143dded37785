"""Saved CloudWatch Logs Insights queries: how to follow one batch, or one file, through everything that logs."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, ResourceOptions


@dataclass(frozen=True, kw_only=True)
class LogQuery:
    """One query: its logical name, its title, and its text over the log groups of the environment."""

    name: str
    title: str
    text: str


QUERIES = (
    LogQuery(
        name="batch",
        title="one batch, from its claim to its notification",
        # The functions and the job write the id as correlation_id, the state machine in its execution's ARN.
        text="""\
fields @timestamp, coalesce(service, type) as who, level, message, @message
| filter @message like 'BATCH ID'
| sort @timestamp asc
| limit 1000""",
    ),
    LogQuery(
        name="file",
        title="one file, when it landed and in which batch it was",
        text="""\
fields @timestamp, service, message, correlation_id as batch, reason
| filter @message like 'KEY OF THE OBJECT'
| sort @timestamp asc
| limit 1000""",
    ),
    LogQuery(
        name="errors",
        title="errors, newest first",
        # Lambda reports the end of every call as `platform.report`; its runtime says `log_level` where we say `level`.
        text="""\
fields @timestamp, service, correlation_id as batch, dataset, message, exception_name, @message
| filter level in ['ERROR', 'CRITICAL'] or log_level = 'ERROR'
    or (type = 'platform.report' and record.status != 'success')
    or @message like /Runtime\\.|ExecutionFailed|ExecutionTimedOut/
| sort @timestamp desc
| limit 200""",
    ),
    LogQuery(
        name="functions",
        title="functions by their longest call, and their most memory",
        text="""\
filter type = 'platform.report'
| stats count(*) as calls, max(record.metrics.durationMs) as longest_ms, max(record.metrics.maxMemoryUsedMB) as most_mb,
        max(record.metrics.memorySizeMB) as has_mb by @log
| sort longest_ms desc""",
    ),
)


@dataclass(frozen=True, kw_only=True)
class LogQueriesArgs:
    """Whose logs are looked through."""

    stack: str
    log_groups: Sequence[Input[str]]


class LogQueries(pulumi.ComponentResource):
    """The queries that a person opens first when something went wrong.

    Example:
        LogQueries("logs", LogQueriesArgs(stack="prod", log_groups=[query.log_group.name]))
    """

    def __init__(self, name: str, args: LogQueriesArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:monitoring:LogQueries", name, None, opts)
        for query in QUERIES:
            aws.cloudwatch.QueryDefinition(
                f"{name}-{query.name}",
                # A slash makes a folder in the console.
                name=f"data-pipeline-{args.stack}/{query.title}",
                log_group_names=args.log_groups,
                query_string=query.text,
                opts=ResourceOptions(parent=self),
            )
        self.register_outputs({})
