"""A file that is known to be good, and its contract.

A run that is to find out whether one file kills Spark reads it first: where it cannot be read either, the file is
not the reason. Standard library only.
"""

from pipeline_core.contract import Contract

ROWS = 3
CONTENT = b"day,number\n" + b"".join(b"2026-01-01,%d\n" % number for number in range(1, ROWS + 1))
NAME = "known-good.csv"

CONTRACT = Contract.from_document(
    {
        "dataset": "known_good",
        "version": "1.0.0",
        "columns": [
            {"name": "day", "type": "date", "required": True},
            {"name": "number", "type": "int", "required": True, "minimum": "1"},
        ],
        "primary_key": ["day", "number"],
        "partition_by": [],
        "quality": [],
        "formats": ["csv"],
        "null_tokens": [""],
        "delimiter": ",",
        "time_zone": "UTC",
        "max_file_bytes": 10_000,
        "frequency_hours": None,
    }
)
