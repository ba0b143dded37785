"""What it costs to bring some files into a table: here, and with a Glue run and a crawl for each file.

A batch of few bytes is staged by a function, a larger one by the Spark job. Requests grow with files, seconds with
bytes; both are lines through two measured batches of each engine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from pipeline_core.report import SPARK, STAGE

from config.prices import CRAWLER_DPUS, CRAWLER_MINUTES, GIGABYTE, JOB_SECONDS
from lambdas.etl_trigger.logic import workers_for
from ops.cost.usage import dollars_of, measured

CORES_A_WORKER: Final = 4
"""vCPUs of a G.1X worker; one worker of a run is the driver (AWS Glue developer guide, 2026-11)."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """Some files of one dataset that land within one tick of the schedule: how many, and their bytes together."""

    title: str
    files: int
    bytes: int


LOADS: Final = (
    Load(title="1 MB in 1 file", files=1, bytes=GIGABYTE // 1_000),
    Load(title="100 MB in 10 files", files=10, bytes=GIGABYTE // 10),
    Load(title="10 GB in 100 files", files=100, bytes=10 * GIGABYTE),
    Load(title="1 TB in 10,000 files", files=10_000, bytes=1_000 * GIGABYTE),
)


@dataclass(frozen=True, kw_only=True)
class Job:
    """The Spark job as it was measured: seconds that more workers do not shorten, and core-seconds of each byte."""

    fixed_seconds: float
    core_seconds_a_byte: float

    def seconds(self, size: int, workers: int) -> float:
        """Return how long a run with that many workers takes for that many bytes."""
        return self.fixed_seconds + size * self.core_seconds_a_byte / (CORES_A_WORKER * (workers - 1))


def job() -> Job:
    """Draw the line through the two measured runs."""
    few, many = measured()[SPARK]["batch_of_one_file"], measured()[SPARK]["batch_of_many_bytes"]
    a_byte = (many["job_seconds"] - few["job_seconds"]) / (many["bytes"] - few["bytes"])
    return Job(
        fixed_seconds=few["job_seconds"] - few["bytes"] * a_byte, core_seconds_a_byte=a_byte * measured()["cores"]
    )


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an environment allows: see `batches` and `glue` in config/model.py."""

    max_files: int
    max_bytes: int
    small_bytes: int
    max_workers: int
    timeout_minutes: int


def batch_usage(load: Load, limits: Limits) -> dict[str, float]:
    """Say what a load takes: as few batches as may hold its files, each with the workers that its bytes ask for.

    Raises:
        ValueError: a run would take longer than its timeout: such a load costs, and publishes nothing.

    """
    batches = max(ceil(load.files / limits.max_files), ceil(load.bytes / limits.max_bytes))
    files, size = ceil(load.files / batches), ceil(load.bytes / batches)
    engine = STAGE if size <= limits.small_bytes else SPARK
    workers = workers_for(size, limits.max_workers)
    if engine == SPARK and (seconds := job().seconds(size, workers)) > limits.timeout_minutes * 60:
        raise ValueError(
            f"{load.title}: a run of {size} bytes with {workers} workers takes {seconds / 60:.0f} minutes, and is "
            f"killed after {limits.timeout_minutes}; lower batches.max_gigabytes, or raise glue.max_workers or "
            "glue.timeout_minutes"
        )
    return {unit: batches * count for unit, count in run_usage(engine, files, size, workers).items()}


def run_usage(engine: str, files: int, size: int, workers: int) -> dict[str, float]:
    """Say what one batch takes that an engine stages; `workers` are those of its Glue run, if it has one."""
    found = _requests(engine, files, size)
    if engine == SPARK:
        found["glue_dpu_seconds"] = workers * max(JOB_SECONDS, job().seconds(size, workers))
    return found


def run_dollars(engine: str, files: int, size: int, workers: int) -> float:
    """Price one batch."""
    return sum(dollars_of(run_usage(engine, files, size, workers)).values())


def textbook_usage(load: Load, *, max_workers: int) -> dict[str, float]:
    """Say what the textbook design takes: a Glue run and a crawl for each file, and nothing else."""
    size = ceil(load.bytes / load.files)
    workers = workers_for(size, max_workers)
    run = workers * max(JOB_SECONDS, job().seconds(size, workers))
    return {"glue_dpu_seconds": load.files * (run + CRAWLER_DPUS * CRAWLER_MINUTES * 60)}


def batch_dollars(load: Load, limits: Limits) -> dict[str, float]:
    """Price a load, by service."""
    return dollars_of(batch_usage(load, limits))


def textbook_dollars(load: Load, *, max_workers: int) -> float:
    """Price a load in the textbook design."""
    return sum(dollars_of(textbook_usage(load, max_workers=max_workers)).values())


def _two_batches(engine: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return measured()[engine]["batch_of_one_file"], measured()[engine]["batch_of_many_files"]


def _requests(engine: str, files: int, size: int) -> dict[str, float]:
    """Say what a batch asks for beside the Spark job: by its files, and of a function that stages it by its bytes."""
    few, many = _two_batches(engine)
    found = {}
    for unit in few["usage"].keys() | many["usage"].keys():
        start = few["usage"].get(unit, 0)
        a_file = (many["usage"].get(unit, 0) - start) / (many["files"] - few["files"])
        found[unit] = start + max(0.0, a_file) * (files - few["files"])
    if engine == STAGE:
        start = few["usage"]["lambda_megabyte_seconds"]
        a_byte = (many["usage"]["lambda_megabyte_seconds"] - start) / (many["bytes"] - few["bytes"])
        found["lambda_megabyte_seconds"] = start + max(0.0, a_byte) * max(0, size - few["bytes"])
    return found
