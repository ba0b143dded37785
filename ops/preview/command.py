"""Makes a preview of a stack, and writes it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
from pipeline_core import plain_text
from rich.console import Console

from components.catalog.queries import QueryError
from components.channels import unreached
from components.compute.packaging import PackagingError
from components.datasets import deployed
from components.workflow.definition import DefinitionError
from config.load import ConfigError, parse
from config.stack_file import StackFileError, environments, opened
from contracts.compiler.compile import load_contracts
from contracts.compiler.read import ContractError
from ops.preview import markdown, text
from ops.preview.base import BaseError, snapshot_of
from ops.preview.changes import changes
from ops.preview.cost import idle_dollars_per_month
from ops.preview.data import tried
from ops.preview.options import Format, PreviewError, RefusedError
from ops.preview.queries import touched
from ops.preview.report import Preview
from ops.preview.snapshot import take
from ops.preview.verdict import refused
from recording.program import ROOT, main_program, record, stack_config

USER_ERRORS = (
    ConfigError,
    ContractError,
    DefinitionError,
    PackagingError,
    QueryError,
    StackFileError,
    # Also what pulumi.Config says of a key that is missing, or not of its type.
    pulumi.RunError,
)
"""What whoever wrote a file of the project can put right: the message names the file."""


def make(stack: str, base: str | None) -> Preview:
    """Preview a stack, against a base revision if one is given.

    Raises:
        PreviewError: there is no such stack or revision, or the stack file, a contract or another file is wrong.

    """
    stacks = sorted(file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml"))
    if not stacks:
        raise PreviewError(
            f"there is no Pulumi.<stack>.yaml in {ROOT}: run data-pipeline preview in a clone of the project"
        )
    if stack not in stacks:
        raise PreviewError(f"there is no Pulumi.{stack}.yaml; allowed for --stack is one of {', '.join(stacks)}")
    try:
        config = stack_config(stack)
        declared = record(main_program, config=config, stack=stack).resources
    except USER_ERRORS as error:
        raise PreviewError(str(error)) from error
    head = take(stack, declared, idle_dollars_per_month(declared))
    environment = str(config["data-pipeline:settings"]["environment"])
    wrong = tuple(refused(stack, environment, declared))
    said = tuple(
        f"{contract.name}: {notice}" for contract in load_contracts(ROOT / "contracts") for notice in contract.notices
    )
    said = (*said, *_unreached(stack, config))
    if imported := environments(stack, ROOT):
        said = (*said, f"Pulumi.{stack}.yaml: environment: {imported} of Pulumi ESC is not read here")
    if base is None:
        return Preview(head=head, refused=wrong, notices=said)
    try:
        before = snapshot_of(base, stack)
    except BaseError as error:
        # That the base cannot be run is no fault of what is previewed.
        return Preview(head=head, refused=wrong, notices=said, note=str(error))
    made = tuple(changes(before, head))
    read_by = tuple(touched(before, head))
    return Preview(head=head, refused=wrong, notices=said, queries=read_by, base=before, revision=base, changes=made)


def _unreached(stack: str, config: Mapping[str, Any]) -> list[str]:
    """Say which Slack channels nobody is told in: the engine's warnings of it are not seen here."""
    plain, secret = opened(config)
    settings = parse(plain["data-pipeline:settings"], f"Pulumi.{stack}.yaml", stack=stack, secret=bool(secret))
    contracts = deployed(load_contracts(ROOT / "contracts"), settings)
    return list(unreached(contracts, settings.monitoring.slack_webhooks, stack))


def write(preview: Preview, format_: Format, longest: int, console: Console) -> None:
    """Write a preview; Markdown takes `longest` characters at most."""
    if format_ is Format.TEXT:
        text.write(preview, console)
    else:
        whole = markdown.write(preview, longest) if format_ is Format.MARKDOWN else preview.to_json()
        console.out(whole, highlight=False)


def run(
    stack: str,
    base: str | None,
    format_: Format,
    longest: int,
    console: Console,
    *,
    tree: bool = False,
    files: Sequence[Path] | None = None,
) -> None:
    """Make a preview and write it; Markdown takes `longest` characters at most.

    With `files`, they are tried by the contracts of both revisions; the samples, if it is empty.

    Raises:
        PreviewError: it cannot be made.
        RefusedError: what the stack declares, or what would become of data, must not be deployed.

    """
    try:
        made = replace(make(stack, base), tree=tree)
        if files is not None and made.base is not None:
            made = replace(made, data=tuple(tried(made.base, made.head, files, ROOT)))
    except Exception as error:
        if format_ is Format.MARKDOWN:
            # Whoever reads the pull request has to see it, not only whoever reads the log.
            console.out(_failure(stack, error, longest), highlight=False)
        raise
    write(made, format_, longest, console)
    if made.refusals:
        lines = "".join(f"\n  {line}" for line in made.refusals)
        raise RefusedError(f"stack {stack} must not be deployed like this; refused {len(made.refusals)}:{lines}")


def _failure(stack: str, error: Exception, longest: int) -> str:
    said = str(error) if isinstance(error, PreviewError) else f"{type(error).__name__}: {error}"
    head = f"### Preview of stack {plain_text.printable(stack)}\n\n"
    # Indented, as code that nothing in it can end.
    return head + "\n".join(f"    {plain_text.printable(line)}" for line in said.splitlines())[: longest - len(head)]
