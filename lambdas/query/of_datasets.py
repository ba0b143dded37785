"""The queries that there are for every dataset: a table's name is no parameter of SQL, so they are written here."""

import re
from collections.abc import Callable, Sequence

from pipeline_core.athena import QueryError

ROWS, BATCH_ROWS, PARTITIONS = "rows", "batch_rows", "partitions"
NAMES = (ROWS, BATCH_ROWS, PARTITIONS)
DATASET = re.compile(r"[a-z][a-z0-9_]{0,49}")
"""What a contract may call a dataset (contracts/compiler/checks.py)."""


def batch_rows(dataset: str, snapshot: str) -> str:
    """Write the query that counts the rows of a batch, whose id is the parameter; in a snapshot, if one is said.

    Raises:
        QueryError: no name that a dataset can have, or no id of a snapshot.
    """
    _check(dataset)
    if snapshot and not re.fullmatch(r"[0-9]{1,19}", snapshot):
        raise QueryError(f"snapshot {snapshot!r}: the id of a snapshot has digits only")
    version = f" FOR VERSION AS OF {snapshot}" if snapshot else ""
    return f'SELECT count(*) AS rows FROM "{dataset}"{version} WHERE _batch_id = ?'


def _check(dataset: str) -> None:
    if not DATASET.fullmatch(dataset):
        raise QueryError(f"dataset {dataset!r}: a dataset's name has a-z, 0-9 and _, a letter first, up to 50")


def sql_of(name: str, dataset: str, partition_columns: Callable[[str], Sequence[str]]) -> str:
    """Write the query `name` of a dataset: `rows` counts them, `batch_rows` those of a batch (its id is the parameter).

    Args:
        name: one of NAMES; `partitions` counts rows by partition.
        dataset: as its contract says it.
        partition_columns: answers those of a table; it is asked only where the query needs them.

    Raises:
        QueryError: no such query, no name that a dataset can have, or a table without partitions.
    """
    _check(dataset)
    if name == ROWS:
        return f'SELECT count(*) AS rows FROM "{dataset}"'
    if name == BATCH_ROWS:
        return batch_rows(dataset, "")
    if name != PARTITIONS:
        raise QueryError(f"no query {name!r} of a dataset; there are: {', '.join(NAMES)}")
    columns = ", ".join(f'"{column}"' for column in partition_columns(dataset))
    if not columns:
        raise QueryError(f"{dataset} has no partitions; ask for {ROWS!r}")
    return f'SELECT {columns}, count(*) AS rows FROM "{dataset}" GROUP BY {columns} ORDER BY {columns}'
