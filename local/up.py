"""Keep the emulator up with the pipeline deployed: `make local`, or `python -m local.up`."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from local import one_run
from local.athena.trino import server as trino
from local.athena.trino.installation import install
from local.athena.trino.process import TrinoError
from local.demo_data import package_data
from local.deployer import DeploymentError
from local.deploying import OUTPUTS, leave_outputs, started
from local.emulator import ACCESS_KEY, CACHE, Emulator, EmulatorError
from local.kept import FILE, Kept, KeptError
from local.page import served_page
from local.running import FOLDER, Running, forget
from plain_console import PlainConsole

PORT: Final = 4566
"""The port that `Pulumi.local.yaml` names, for the Pulumi CLI."""

_LOOK_SECONDS: Final = 0.5
_REPOSITORY: Final = Path(__file__).resolve().parent.parent
_BUCKETS: Final = ("raw_bucket", "curated_bucket", "quarantine_bucket", "artifacts_bucket", "query_results_bucket")


def describe(emulator: Emulator, outputs: dict[str, Any], console: Console, page: str = "") -> None:
    """Print the endpoint, where the page is, the buckets, and commands to try; leave the outputs for these."""
    leave_outputs(emulator, outputs)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column()
    # An ARN that is cut short is of no use.
    table.add_column(overflow="fold")
    table.add_row("endpoint", f"[bold]{emulator.endpoint}[/]")
    if page:
        table.add_row("page", f"[bold]{escape(page)}[/]")
    for name in _BUCKETS:
        if name in outputs:
            table.add_row(name.removesuffix("_bucket").replace("_", " "), escape(f"s3://{outputs[name]}"))
    for name in ("database", "workgroup", "ledger_table", "state_machine_arn", "job_name"):
        if name in outputs:
            table.add_row(name.removesuffix("_arn").replace("_", " "), escape(str(outputs[name])))
    table.add_row("lands by itself", escape(str(emulator.workdir / FOLDER / "<dataset>" / "<file>")))
    table.add_row("log", escape(str(emulator.workdir / "emulator.log")))
    table.add_row("permissions asked", escape(str(emulator.decisions)))
    console.print(Panel(table, title="The pipeline is up", border_style="green", expand=False))
    console.print("In another terminal, in this directory:\n", style="bold")
    # Lines that are to be copied must not be wrapped.
    console.print(_commands(emulator, outputs), highlight=False, soft_wrap=True, markup=False)
    console.print(
        "\nCtrl-C ends it; the data stay for the next time, and `make local FRESH=yes` forgets them. "
        "Contracts, queries and functions that you change are taken as you save them.",
        style="dim",
        highlight=False,
        markup=False,
    )


def _commands(emulator: Emulator, outputs: dict[str, Any]) -> str:
    dataset, sample = _sample(outputs.get("datasets") or ["airlines"])
    return "\n".join(
        [
            f"  export AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={ACCESS_KEY} "
            f"AWS_DEFAULT_REGION={emulator.region}",
            f"  export AWS_ENDPOINT_URL={emulator.endpoint} DATA_PIPELINE_OUTPUTS={emulator.workdir / OUTPUTS}",
            "",
            "  # land a file, and see what happens to it until it is in the table",
            f"  .venv/bin/data-pipeline land {sample} --dataset {dataset} --wait",
            "",
            "  # ask Athena",
            f"  .venv/bin/data-pipeline query --sql 'SELECT * FROM {dataset} LIMIT 5'",
            "",
            "  # how it goes, trouble first",
            "  .venv/bin/data-pipeline status",
            "",
            "  # which requests were denied: none, unless something is wrong",
            f"  .venv/bin/python -m local.denied {emulator.decisions}",
        ]
    )


def _sample(datasets: Sequence[str]) -> tuple[str, str]:
    """A dataset, and a file that can be landed for it: the demo's, or one that the reader has to bring."""
    for dataset in datasets:
        file = package_data() / f"{dataset}.csv"
        if file.exists():
            return dataset, str(file)
    return datasets[0], f"<your {datasets[0]}.csv>"


def main(arguments: list[str] | None = None) -> int:
    """Run until a signal arrives or the emulator ends; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.up", description=__doc__)
    parser.add_argument("--workdir", type=Path, default=_REPOSITORY / ".local", help="where logs and files go")
    parser.add_argument(
        "--port", help=f"port of the emulator ({PORT}); with it, a second run has a directory of its own"
    )
    parser.add_argument(
        "--athena",
        default=trino.QUICK,
        help="what answers SQL: quick (DuckDB), trino (a server that is started; needs a JDK of 24 and Maven), or the "
        "address of a Trino",
    )
    parser.add_argument("--empty", action="store_true", help="deploy nothing: for `pulumi up --stack local`")
    parser.add_argument("--fresh", action="store_true", help="forget the data of earlier runs")
    options = parser.parse_args(arguments)
    console = PlainConsole()
    # A list, not an Event: setting an Event in a handler can wait for the very thread that it interrupted.
    signals: list[int] = []
    for signum in one_run.ending_signals():
        signal.signal(signum, lambda number, _: signals.append(number))
    try:
        port = PORT if options.port is None else one_run.port_of(options.port)
        workdir: Path = options.workdir.resolve()
        if options.port is not None and one_run.is_claimed(workdir):
            workdir = workdir / f"port-{port}"
        one_run.check_room(workdir)
        trino.check(options.athena)
        if options.athena == trino.TRINO:
            with console.status("preparing Trino: its jars (445 MB) are fetched, and its classes archived, once"):
                install(CACHE)
        # What `pulumi up` deploys is in Pulumi's state, which knows nothing of what an emulator keeps.
        emulator = Emulator(workdir, port=port, athena=options.athena, keep=not options.empty)
        with one_run.claimed(workdir, emulator.endpoint):
            one_run.check_port(port)
            if options.fresh or not (workdir / FILE).exists():
                forget(workdir)
            kept = None if options.empty else Kept.of(workdir / FILE, emulator.endpoint)
            return _run(emulator, console, signals, kept)
    except (KeptError, one_run.RefusedError, TrinoError) as error:
        PlainConsole(stderr=True).print(str(error), style="red", markup=False, soft_wrap=True)
        return 2


def _run(emulator: Emulator, console: Console, signals: list[int], kept: Kept | None) -> int:
    try:
        with started(emulator), contextlib.ExitStack() as stack:
            console.print(f"[green]✓[/] emulator at {emulator.endpoint}")
            running = None
            if kept is not None:
                running = Running(emulator, console, kept)
                page = stack.enter_context(served_page(emulator, console))
                describe(emulator, running.deployment.outputs, console, page)
            while not signals:
                time.sleep(_LOOK_SECONDS)
                if not emulator.running():
                    console.print(f"[red]The emulator ended:[/]\n{escape(emulator.log_tail())}")
                    return 1
                if running is not None:
                    running.look()
    except (DeploymentError, EmulatorError) as error:
        console.print(str(error), style="red", markup=False)
        return 1
    # A terminal that was closed reads nothing any more.
    with contextlib.suppress(OSError):
        console.print("[green]✓[/] stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
