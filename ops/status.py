"""The command `status`: what is wrong, what runs, and one line for each dataset."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.text import Text

from ops.options import Json, Outputs, Stack, age, console, counted, deployed, print_json, say
from ops.state import DatasetState, Observed, PipelineState, RunningBatch, look

EVERY_SECONDS = 5.0


def status(
    watch: Annotated[bool, typer.Option("--watch", help="Look again every few seconds, until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option(min=1, help="With --watch: seconds between two looks.")] = EVERY_SECONDS,
    as_json: Json = False,
    stack: Stack = None,
    outputs: Outputs = None,
) -> None:
    """Say what is wrong first, then which batches run, and how every dataset is.

    Trouble is an alarm that is on, a message that waits for a person, a dataset that is late by its contract or paused,
    and files and rows that were refused since the beginning of yesterday (UTC).

    Example: data-pipeline status --stack prod --watch
    """
    observed = deployed(Observed, outputs, stack)
    if not watch:
        _show(look(observed), as_json)
        return
    try:
        while True:
            state = look(observed)
            if not as_json:
                console.clear()
            _show(state, as_json)
            time.sleep(every)
    except KeyboardInterrupt:
        return


def _show(state: PipelineState, as_json: bool) -> None:
    if as_json:
        print_json(state.to_document())
        return
    at = datetime.fromisoformat(state.at)
    console.print(Text(f"{state.stack} at {at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC", style="bold"), soft_wrap=True)
    troubles = list(_troubles(state))
    for trouble in troubles:
        say(f"! {trouble}")
    if not troubles:
        say("nothing is wrong")
    for batch in (batch for each in state.datasets for batch in each.running):
        say(f"> {_batch(batch)}")
    for each in state.datasets:
        say(f"  {_line(each, at)}")


def _troubles(state: PipelineState) -> Iterator[str]:
    for alarm in state.alarms:
        yield f"alarm {alarm.name} since {alarm.since}: {alarm.reason}"
    for queue in state.dead_letters:
        if queue.messages:
            yield f"dead letters: {queue.messages:,} in {queue.queue}"
    if state.rejected_unknown:
        yield f"since yesterday: files rejected that are of no dataset: {state.rejected_unknown:,}"
    for each in state.datasets:
        for trouble in each.troubles:
            yield f"{each.dataset}: {trouble}"


def _batch(batch: RunningBatch) -> str:
    said = f"{batch.batch_id}: {batch.stage}, {counted(batch.files, 'file')}, since {age(batch.seconds)}"
    return said + (", publishing" if batch.publishing else "") + (", cancelled" if batch.cancelled_at else "")


def _line(each: DatasetState, at: datetime) -> str:
    parts = ["never published"]
    if each.published_at:
        since = at - datetime.fromisoformat(each.published_at)
        parts = [f"published {age(max(0.0, since.total_seconds()))} ago"]
    if each.pending:
        parts.append(f"{each.pending:,}{'+' if each.pending_more else ''} pending since {each.pending_since}")
    if each.running:
        parts.append(f"{len(each.running)} running")
    if each.ignored:
        parts.append(f"{each.ignored:,} ignored")
    return f"{each.dataset}: {', '.join(parts)}"
