"""Every command with its help, as it is shown at 80 columns, and the table of exit codes."""

from collections.abc import Iterator
from typing import Any

from click import Command, Context
from typer.main import get_command

from ops.exit_codes import MEANINGS
from ops.pages.generate import table

FILE = "docs/commands.md"
COLUMNS = 80
NAME = "data-pipeline"

BEGIN = """\
# Commands

Written by `make docs` from the commands themselves. What each of them answers: [answers.md](answers.md);
what they are for in an incident: [runbook.md](runbook.md).

What a command is about is its argument: DATASET, BATCH, KEY or FILE; options narrow it down (`--batch`, `--prefix`,
`--since`). A deployment is found by `--stack`, which asks the Pulumi CLI, by `--outputs` with a file of
`pulumi stack output --json`, or by the variable DATA_PIPELINE_OUTPUTS. Each command says on stderr which one it is.
With `--json` stdout has one JSON document and nothing else. Questions are asked on stderr, and `--yes` answers them.
`data-pipeline --install-completion` has the shell complete commands and options.

## Exit codes
"""

NEEDS = """\
## What the caller needs

Commands work with the caller's own permissions, on the stack's resources only; each also needs
`sts:GetCallerIdentity`, and `kms:Decrypt` with the stack's key for what is encrypted by it.
"""

_STAGE = "`states:DescribeExecution`, `states:GetExecutionHistory`"
_INDEX = "`s3:GetObject` on `contracts/index.json` in the artifacts bucket"
PERMISSIONS = (
    (
        "status",
        f"`dynamodb:GetItem`, `dynamodb:Query` on the ledger and its index; {_INDEX}; {_STAGE}; "
        "`sqs:GetQueueAttributes` on the three queues of dead letters; `cloudwatch:DescribeAlarms`",
    ),
    (
        "runs",
        "`dynamodb:Query` on the ledger; `s3:GetObject` on `runs/` in the artifacts bucket, and `s3:ListBucket`: "
        "without it S3 says of a record that is not there yet that it is forbidden",
    ),
    ("file", "`dynamodb:Query` on the ledger"),
    (
        "quarantined, query",
        "`athena:StartQueryExecution`, `athena:GetQueryExecution`, `athena:GetQueryResults`; for a named query also "
        "`athena:ListNamedQueries`, `athena:BatchGetNamedQuery`; and what Athena reads and writes in the caller's name",
    ),
    ("logs", "`dynamodb:GetItem` on the ledger; `logs:FilterLogEvents`, `logs:DescribeLogGroups`"),
    (
        "land",
        f"`s3:PutObject` on the raw bucket, `kms:GenerateDataKey`; {_INDEX}; with --wait also `dynamodb:GetItem` on "
        f"the ledger, {_STAGE}",
    ),
    (
        "pause",
        "`dynamodb:PutItem`, `dynamodb:GetItem` on the ledger; of the partition key `paused` only (condition key "
        "`dynamodb:LeadingKeys`)",
    ),
    ("resume", "`dynamodb:DeleteItem` on the same items; `lambda:InvokeFunction` on etl_trigger"),
    (
        "cancel",
        "`dynamodb:GetItem`, `dynamodb:UpdateItem` on the ledger; `states:DescribeExecution`, `states:StopExecution`; "
        "`glue:GetJobRuns`, `glue:BatchStopJobRun` on the job",
    ),
    (
        "replay, backfill",
        "`s3:ListBucketVersions` on the raw bucket; `s3:GetObject` in the artifacts bucket; `dynamodb:BatchGetItem` on "
        "the ledger; `sqs:SendMessage` on the queue of arrivals; with --wait or several datasets also "
        "`dynamodb:GetItem` on the ledger, `sqs:GetQueueAttributes` on the queue",
    ),
    ("history, rollback, adopt, maintain", "`lambda:InvokeFunction` on maintenance"),
    ("review check", "those of land --wait and query"),
    ("review up, down, list", "what a deployment needs (deployment.md); up also what review check and smoke need"),
    ("smoke", "those of land --wait; `lambda:InvokeFunction` on etl_trigger and query"),
)
"""By commands, the actions of AWS that they ask for."""


def page() -> str:
    """Write the page."""
    # It imports all commands, which import this package's neighbours.
    from ops.__main__ import app

    root = get_command(app)
    codes = table(("code", "when"), [(code.value, meaning) for code, meaning in MEANINGS.items()])
    parts = [BEGIN, codes, "", NEEDS, table(("command", "actions"), [*PERMISSIONS]), ""]
    for name, text in _helps(root, NAME, None):
        parts += [f"## {name.removeprefix(NAME).strip() or NAME}\n", f"```text\n{text}\n```\n"]
    return "\n".join(parts).rstrip() + "\n"


def _helps(command: Any, name: str, parent: Context | None) -> Iterator[tuple[str, str]]:
    context = Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=COLUMNS,
        max_content_width=COLUMNS,
        help_option_names=["--help"],
    )
    yield context.command_path, _plain(command, context)
    for child, found in getattr(command, "commands", {}).items():
        yield from _helps(found, child, context)


def _plain(command: Command, context: Context) -> str:
    return "\n".join(line.rstrip() for line in command.get_help(context).strip().splitlines())
