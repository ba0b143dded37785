"""The tables of docs/cost.md."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline_core.report import SPARK, STAGE

from components.catalog.catalog import BYTES_PER_MEGABYTE
from config import prices
from config.model import PipelineConfig
from ops.cost import batch, usage
from ops.cost.idle import idle_dollars_per_month, unpriced
from ops.pages.generate import table
from ops.pages.programs import declared
from recording.program import stack_config

ENVIRONMENTS = ("dev", "staging", "prod")
SHOWN_STACK = "prod"
LEAST_WORKERS = 2
"""Of a Glue run: one of them is the driver."""


def unit_prices() -> str:
    """List the unit prices."""
    found = prices.load()
    rows: list[tuple[object, ...]] = [(name.replace("_", " "), f"${price:g}") for name, price in found.prices.items()]
    return f"As of {found.as_of}, {found.region}:\n\n" + table(("unit", "price"), rows)


def idle() -> str:
    """List what each environment costs in a month in which nothing lands."""
    for stack in ENVIRONMENTS:
        if unknown := unpriced(declared(stack).resources):
            raise ValueError(f"{stack}: what do {', '.join(sorted(unknown))} cost idle? Say so in ops/cost/idle.py")
    by_environment = {stack: idle_dollars_per_month(declared(stack).resources) for stack in ENVIRONMENTS}
    return table(("service", *ENVIRONMENTS), _by_service(list(by_environment.values())))


def batches() -> str:
    """List what the loads cost by service, and what they cost in the textbook design."""
    settings = PipelineConfig.model_validate(stack_config(SHOWN_STACK)["data-pipeline:settings"])
    limits = batch.Limits(
        max_files=settings.batches.max_files,
        max_bytes=settings.batches.max_gigabytes * prices.GIGABYTE,
        small_bytes=settings.batches.small_megabytes * BYTES_PER_MEGABYTE,
        max_workers=settings.glue.max_workers,
        timeout_minutes=settings.glue.timeout_minutes,
    )
    ours = [batch.batch_dollars(load, limits) for load in batch.LOADS]
    textbook = [batch.textbook_dollars(load, max_workers=limits.max_workers) for load in batch.LOADS]
    rows = _by_service(ours, lambda service: -ours[0].get(service, 0))
    rows.append(("a Glue run and a crawl for each file", *(_dollars(dollars) for dollars in textbook)))
    rows.append(
        ("that is, times", *(f"{there / sum(here.values()):,.0f}" for here, there in zip(ours, textbook, strict=True)))
    )
    return table(("service", *(load.title for load in batch.LOADS)), rows)


def iceberg() -> str:
    """List what a batch of changes to an Iceberg table and a round of maintenance cost, as they were measured."""
    found = usage.measured()
    columns = {
        "a batch of changes, stage": found[STAGE]["batch_of_changes"]["usage"],
        "a batch of changes, spark": found[SPARK]["batch_of_changes"]["usage"]
        | {
            "glue_dpu_seconds": LEAST_WORKERS * max(prices.JOB_SECONDS, found[SPARK]["batch_of_changes"]["job_seconds"])
        },
        "a round of maintenance": found["maintenance"],
        "a batch of one file of a parquet table, stage": found[STAGE]["batch_of_one_file"]["usage"],
    }
    dollars = [usage.dollars_of(counted) for counted in columns.values()]
    return table(("service", *columns), _by_service(dollars))


def measured() -> str:
    """List what was counted on the emulator."""
    found, job = usage.measured(), batch.job()
    runs = {
        f"{title}, {engine}": found[engine][run]
        for engine in (STAGE, SPARK)
        for title, run in (
            ("1 file", "batch_of_one_file"),
            (f"{found[engine]['batch_of_many_files']['files']} files", "batch_of_many_files"),
            ("a table's first", "first_batch"),
            ("changes to an Iceberg table", "batch_of_changes"),
        )
    }
    schedules = {"an idle tick": found["idle_tick"], "a round of maintenance": found["maintenance"]}
    counted = [*(run["usage"] for run in runs.values()), *schedules.values()]
    rows: list[tuple[object, ...]] = [
        (unit.replace("_", " "), *(_count(each.get(unit, 0)) for each in counted))
        for unit in sorted(set().union(*counted))
    ]
    for title, count in (("job seconds", "job_seconds"), ("bytes landed", "bytes")):
        rows.append((title, *(_count(run[count]) for run in runs.values()), *("0" for _ in schedules)))
    line = (
        f"Counted on {found['measured_on']}, on {found['cores']} cores. The Spark job: {job.fixed_seconds:.1f} s, and "
        f"{job.core_seconds_a_byte * 1e6:.2f} core-seconds for each megabyte.\n\n"
    )
    return line + table(("what", *runs, *schedules), rows)


def _by_service(columns: Sequence[Mapping[str, float]], order: Callable[[str], Any] = str) -> list[tuple[object, ...]]:
    """A row for each service that any column has, and one for all of them."""
    services = sorted({service for column in columns for service in column}, key=order)
    rows: list[tuple[object, ...]] = [
        (service, *(_dollars(column.get(service, 0)) for column in columns)) for service in services
    ]
    return [*rows, ("**all**", *(_dollars(sum(column.values())) for column in columns))]


def _dollars(amount: float) -> str:
    return f"${amount:,.2f}" if amount >= 1 or amount == 0 else f"${amount:.2g}" if amount >= 1e-4 else "<$0.0001"


def _count(number: float) -> str:
    return f"{number:,.2f}".rstrip("0").rstrip(".")
