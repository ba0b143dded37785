"""The state that a release left, and what a later program must not do to it.

`upgrade/<stack>.json.gz` is what `pulumi stack export` said after that release's program was deployed; `write_state.py`
writes it. The test secrets' passphrase is all that is needed to read it.
"""

import gzip
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

STATES = Path(__file__).resolve().parent / "upgrade"
KEPT_STACKS = ("dev", "prod")
"""With contracts of the repository and without, with and without what only a production stack has."""

KEPT = (
    "aws:s3/bucket",
    "aws:dynamodb/table:Table",
    "aws:kms/key:Key",
    "aws:kms/alias:Alias",
    "aws:sns/topic:Topic",
    "aws:sqs/queue:Queue",
    "aws:cloudwatch/eventBus:EventBus",
    "aws:glue/catalogDatabase:CatalogDatabase",
    "aws:athena/workgroup:Workgroup",
    "aws:sfn/stateMachine:StateMachine",
    "aws:lambda/function:Function",
    "aws:glue/job:Job",
)
"""How types begin that hold data, that guard it, or that have a name which others use: people, producers, and
executions under way, which call functions and the job as the state machine's old definition names them."""

PUT_BY_THE_PROGRAM = ("aws:s3/bucketObject:", "aws:s3/bucketObjectv2:")
"""Objects that the program itself writes (contracts, code): not data."""

KEEPING = {"same", "create", "update", "read", "refresh", "import"}
"""What the engine may do with them; every other operation ends what was there."""

Step = Mapping[str, Any]


def lost(steps: Iterable[Step]) -> list[str]:
    """Say of each step of a preview that would end what holds data or has a name that others use: `operation URN`."""
    return [f"{step['op']} {step['urn']}" for step in steps if step["op"] not in KEEPING and _is_kept(step["urn"])]


def kept(urns: Iterable[str]) -> list[str]:
    """The URNs that the rule is about."""
    return [urn for urn in urns if _is_kept(urn)]


def _is_kept(urn: str) -> bool:
    type_ = urn.split("::")[2].split("$")[-1]
    return type_.startswith(KEPT) and not type_.startswith(PUT_BY_THE_PROGRAM)


def state_file(stack: str) -> Path:
    """Where the kept state of a stack is."""
    return STATES / f"{stack}.json.gz"


def write_state(stack: str, exported: str, project: Path) -> None:
    """Keep a state, without paths of this machine and without the lines of the program that made it."""
    document = json.loads(exported.replace(f"{project}/", ""))
    for resource in document["deployment"]["resources"]:
        for field in ("sourcePosition", "stackTrace"):
            resource.pop(field, None)
    text = json.dumps(document, indent=1, sort_keys=True)
    state_file(stack).write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def read_state(stack: str) -> str:
    """The kept state, as `pulumi stack import` takes it."""
    return gzip.decompress(state_file(stack).read_bytes()).decode()
