"""`make demo`: real data goes the whole way, and the answers are checked. Exits non-zero if anything is wrong.

Its batches are small, so that the function stage does them; with `--engine spark` the Glue job does, which needs Java.
"""

import argparse
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pipeline_core.report import SPARK, STAGE
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from local import one_run
from local.demo_changes import DATASET, FIRST, SECOND, Changes, show
from local.demo_data import DATASETS, QUERIES, Expected, SourceFile, flights_csv, source_files
from local.deployer import DeploymentError, read_config
from local.deploying import STACK, deploy_with_progress, started
from local.driver import FINAL, Pipeline, PipelineError, Progress
from local.emulator import Emulator, EmulatorError
from plain_console import PlainConsole
from recording.decisions import denials

REPOSITORY = Path(__file__).resolve().parent.parent
WORKDIR = REPOSITORY / ".local" / "demo"
PATIENCE_SECONDS = 600
WAIT_SCALE = 0.2
"""The waits of the workflow are made for minutes of Glue; here a crawl takes less than a second."""

WINDOW_SECONDS = 3
"""One batch a dataset is checked, and a slow machine takes a second to start the first functions."""

LANDED = (*DATASETS, DATASET)
"""The datasets of the first burst: the tables of the package, and the first file of changes."""

ROWS = ("rows_read", "rows_curated", "rows_quarantined", "rows_duplicate")


class Demo:
    """One run: what it measured and what it found wrong. `engine` is what stages the batches."""

    def __init__(self, console: Console, workdir: Path, engine: str = STAGE) -> None:
        self.console, self.workdir, self.engine = console, workdir, engine
        self.emulator = Emulator(workdir, wait_scale=WAIT_SCALE)
        self.began = time.monotonic()
        self.seconds: dict[str, float] = {}
        self.wrong: list[str] = []
        self._finished: dict[str, float] = {}

    def lap(self, name: str, since: float) -> float:
        """Note how long a stage took; returns the present time."""
        at = time.monotonic()
        self.seconds[name] = at - since
        return at

    def check(self, holds: bool, what: str) -> None:
        """Count something that does not hold as wrong."""
        if not holds:
            self.wrong.append(what)
            self.console.print(f"[red]✗[/] {escape(what)}", highlight=False)

    def run(self) -> int:
        """Run the demo; returns the exit code."""
        one_run.empty(self.workdir)
        flights = flights_csv(self.workdir)
        at = self.lap("prepare", self.began)
        changes = Changes.of_package()
        with started(self.emulator) as emulator, ThreadPoolExecutor(1) as aside:
            packed = aside.submit(lambda: [*source_files(flights), SourceFile(FIRST, changes.first())])
            pipeline = Pipeline(emulator, deploy_with_progress(emulator, self.console, self.config()))
            at = self.lap("deploy", at)
            progress = self.flow(pipeline, packed.result())
            self.notified(pipeline, progress)
            at = self.lap("process", at)
            # Their window passes while the first part is checked.
            pipeline.land([(SECOND, changes.second())])
            expected = Expected(flights)
            self.accounting(pipeline, progress, expected)
            self.answers(pipeline, expected)
            self.contents(pipeline, expected)
            at = self.lap("check", at)
            self.console.print("[bold]Changes, a look back and a rollback[/]")
            show(pipeline, changes, PATIENCE_SECONDS, self.check, lambda line: self.console.print(escape(line)))
            self.denied(emulator)
            self.lap("changes", at)
        return self.verdict(pipeline)

    def config(self) -> dict[str, Any]:
        """What the stack file says, but for the window, and what leaves all batches to Spark where that is asked."""
        config = read_config(REPOSITORY, STACK)
        settings = config["data-pipeline:settings"]
        batches = {**settings["batches"], "window_seconds": WINDOW_SECONDS}
        if self.engine == SPARK:
            batches["small_megabytes"] = 0
        return {**config, "data-pipeline:settings": {**settings, "batches": batches}}

    def flow(self, pipeline: Pipeline, files: list[SourceFile]) -> Progress:
        """Land the files, and show what happens until all is done."""
        pipeline.subscribe()
        pipeline.land((file.key, file.content) for file in files)
        size = sum(len(file.content) for file in files)
        self.console.print(f"[green]✓[/] landed {len(files)} files, {size / 1e6:.1f} MB")
        with Live(console=self.console, refresh_per_second=4) as live:

            def show(progress: Progress) -> None:
                live.update(self.picture(progress))

            return pipeline.wait(lambda progress: progress.done, PATIENCE_SECONDS, show)

    def picture(self, progress: Progress) -> Group:
        """The progress as a table: a row a dataset."""
        table = Table(title="The way of the data", title_justify="left")
        for name in ("dataset", "files", "stage", "rows", "seconds"):
            table.add_column(name, justify="right" if name in ("files", "rows", "seconds") else "left")
        for dataset in LANDED:
            files = [file for file in progress.files if file.dataset == dataset]
            ended = [file for file in files if file.status in FINAL]
            batches = sorted({file.batch_id for file in files if file.batch_id})
            stages = {progress.stages.get(batch_id, "claimed") for batch_id in batches}
            stage = ", ".join(sorted(stages)) or ("pending" if all(f.status == "PENDING" for f in files) else "landed")
            elapsed = time.monotonic() - self.began
            if stages == {"done"}:
                elapsed = self._finished.setdefault(dataset, elapsed)
            rows = sum(file.rows.get("rows_curated", 0) for file in files)
            style = "green" if stages == {"done"} else "red" if "failed" in stages else "yellow"
            table.add_row(
                dataset,
                f"{len(ended)}/{len(files)}",
                f"[{style}]{escape(stage)}[/]",
                f"{rows:,}" if rows else "",
                f"{elapsed:.0f}",
            )
        return Group(table)

    def accounting(self, pipeline: Pipeline, progress: Progress, expected: Expected) -> None:
        """Print what became of every row, and compare with the source."""
        totals: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(ROWS, 0))
        for file in progress.files:
            for name in ROWS:
                totals[file.dataset][name] += file.rows.get(name, 0)
            self.check(file.status == "PUBLISHED", f"{file.key} is {file.status}: {file.reason}")
        table = Table(title="Row accounting", title_justify="left")
        table.add_column("dataset")
        for name in ("read", "curated", "quarantined", "duplicates", "in the source"):
            table.add_column(name, justify="right")
        for dataset, rows in expected.rows().items():
            counted = totals[dataset]
            table.add_row(dataset, *[f"{counted[name]:,}" for name in ROWS], f"{rows:,}")
            self.check(
                counted["rows_read"] == rows, f"{dataset}: {counted['rows_read']} rows read, {rows} in the source"
            )
            fates = counted["rows_curated"] + counted["rows_quarantined"] + counted["rows_duplicate"]
            self.check(fates == rows, f"{dataset}: {fates} rows accounted for, {rows} in the source")
        self.console.print(table)
        batches = {file.batch_id for file in progress.files}
        self.check(len(batches) == len(LANDED), f"{len(batches)} batches for {len(LANDED)} datasets")
        for dataset, batch_id in sorted({(file.dataset, file.batch_id) for file in progress.files if file.batch_id}):
            engine = pipeline.report(dataset, batch_id)["engine"]
            self.check(engine == self.engine, f"{batch_id} was staged by {engine}, not by {self.engine}")

    def notified(self, pipeline: Pipeline, progress: Progress) -> None:
        """Print the notifications."""
        notifications = pipeline.notifications()
        self.console.print("[bold]Notifications[/]")
        for message in sorted(notifications, key=lambda item: str(item["Subject"])):
            self.console.print(f"  {message['Subject']}: {message['Message'].splitlines()[1]}", markup=False)
        batches = {file.batch_id for file in progress.files}
        self.check(len(notifications) == len(batches), f"{len(notifications)} notifications for {len(batches)} batches")

    def answers(self, pipeline: Pipeline, expected: Expected) -> None:
        """Ask Athena three named queries, and compare with DuckDB on the source."""
        for name, parameters in QUERIES.items():
            answer = pipeline.invoke("query", {"query": name, "parameters": parameters})
            table = Table(title=escape(f"{name} {parameters or ''}"), title_justify="left")
            for column in answer["columns"]:
                table.add_column(escape(column))
            for row in answer["rows"][:10]:
                table.add_row(*[escape(str(cell)) for cell in row])
            self.console.print(table)
            self.console.print(
                f"  scanned {answer['scanned_bytes'] / 1e6:.2f} MB, {answer['cost_dollars']:.6f} dollars on AWS",
                style="dim",
            )
            self.check([tuple(row) for row in answer["rows"]] == expected.answer(name), f"{name} differs from DuckDB")
            self.check(answer["scanned_bytes"] > 0, f"{name} scanned nothing")

    def contents(self, pipeline: Pipeline, expected: Expected) -> None:
        """Compare every row and column of the published tables with the source."""
        folder = self.workdir / "published"
        pipeline.download_tables(folder)
        for dataset in DATASETS:
            differences = expected.differences(dataset, f"{folder}/tables/{dataset}/**/*.parquet")
            self.check(not differences, f"{dataset}: {differences} rows differ between source and table")

    def denied(self, emulator: Emulator) -> None:
        """Every denied request is a permission that lacks on AWS too."""
        for decision in denials(emulator.decisions):
            self.check(False, f"denied: {decision}")

    def verdict(self, pipeline: Pipeline) -> int:
        """Say how it went, where things are and how to look further."""
        total = time.monotonic() - self.began
        laps = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.seconds.items())
        self.console.print(f"\n[bold]{total:.0f} s[/]: {laps}")
        places = f"Published tables: {self.workdir / 'published'}; logs: {self.workdir / 'emulator.log'}"
        self.console.print(places, markup=False)
        self.console.print("To look further: [bold]make local[/] keeps the emulator up, with commands to try.")
        if self.wrong:
            self.console.print(f"[red]{len(self.wrong)} checks failed[/]")
            return 1
        self.console.print("[green]✓ every row is accounted for, every answer is DuckDB's, nothing was denied[/]")
        return 0


def main(arguments: Sequence[str] = (), console: Console | None = None, workdir: Path = WORKDIR) -> int:
    """Run the demo and say in one line what stopped it, if something did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=(STAGE, SPARK), default=STAGE, help="what stages the batches")
    engine: str = parser.parse_args(arguments).engine
    console = console or PlainConsole()
    for signum in one_run.ending_signals():
        # The emulator is stopped on the way out, as it is when the demo ends.
        signal.signal(signum, lambda number, _: sys.exit(128 + number))
    try:
        if engine == SPARK:
            one_run.check_spark()
        one_run.check_room(workdir)
        demo = Demo(console, workdir, engine)
        with one_run.claimed(workdir, demo.emulator.endpoint):
            return demo.run()
    except one_run.RefusedError as error:
        PlainConsole(stderr=True).print(str(error), style="red", markup=False, soft_wrap=True)
        return 2
    except (DeploymentError, EmulatorError, PipelineError) as error:
        console.print(f"[red]{type(error).__name__}[/]: {escape(str(error))}", highlight=False)
        console.print(f"Log: {workdir / 'emulator.log'}", markup=False)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
