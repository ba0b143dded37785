"""Physical names that people type, and those by which a resource is known before it exists.

All of them are made of the stack's name, so that two stacks of one account share none. The names of objects in S3 are
those of `pipeline_core.layout`.
"""

PROJECT = "data-pipeline"


def stack_name(stack: str) -> str:
    """Name the state machine, the workgroup, the dashboard, the budget and the key's alias: one of each a stack."""
    return f"{PROJECT}-{stack}"


def database_name(stack: str) -> str:
    """Name the Glue database; people type it in SQL."""
    return f"data_pipeline_{stack.replace('-', '_')}"


def crawler_prefix(stack: str) -> str:
    """Begin the name of every crawler; the dataset follows.

    No stack's name has a `_`, so the prefix of `dev` is not one of the crawlers of `dev-x`.
    """
    return f"{PROJECT}-{stack}_"


def metrics_namespace(stack: str) -> str:
    """Name where a stack's metrics are: stacks may share an account, and alarms must not."""
    return f"DataPipeline/{stack}"


def slack_parameter(stack: str, channel: str) -> str:
    """Name the parameter that holds the webhook of a Slack channel."""
    return f"/{PROJECT}/{stack}/slack/{channel}"
