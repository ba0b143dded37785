"""Runs SQL in Athena: named queries with parameters, bounded waits, and what it cost."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from pipeline_core import clients

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient

DOLLARS_PER_TB = 5.0
"""Athena SQL, per 10^12 bytes scanned (AWS price list, us-east-1, 2026-11)."""

MINIMUM_BYTES = 10_000_000
"""A query is charged for at least 10 MB (Athena pricing, 2026-11)."""

MAX_ROWS = 1_000
"""Rows that are returned; one GetQueryResults page. The whole result is in S3."""


class QueryError(Exception):
    """A query that failed, was cancelled, does not exist or took too long."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The rows of a query (text or None) under their columns, whether there are more, and what it cost."""

    query_id: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    truncated: bool
    scanned_bytes: int
    cost_dollars: float

    def to_document(self) -> dict[str, Any]:
        """Write the answer as JSON has it."""
        return {**asdict(self), "columns": list(self.columns), "rows": [list(row) for row in self.rows]}


class Athena:
    """A workgroup and a database. The workgroup enforces where results go and how much may be scanned."""

    def __init__(self, workgroup: str, database: str) -> None:
        self._workgroup = workgroup
        self._database = database
        self._client: AthenaClient = clients.athena()

    def named(self, name: str) -> str:
        """Return the SQL of a named query of the workgroup.

        Raises:
            QueryError: there is none of that name; lists those that there are.
        """
        names: dict[str, str] = {}
        pages = self._client.get_paginator("list_named_queries").paginate(WorkGroup=self._workgroup)
        for page in pages:
            ids = page.get("NamedQueryIds", [])
            for query in self._client.batch_get_named_query(NamedQueryIds=ids)["NamedQueries"] if ids else []:
                names[query["Name"]] = query["QueryString"]
        if name not in names:
            raise QueryError(f"no named query {name!r}; there are: {', '.join(sorted(names))}")
        return names[name]

    def partition_columns(self, table: str) -> list[str]:
        """Return the names of a table's partition columns, in their order.

        Raises:
            QueryError: there is no such table.
        """
        glue = clients.glue()
        try:
            found = glue.get_table(DatabaseName=self._database, Name=table)["Table"]
        except glue.exceptions.EntityNotFoundException as error:
            raise QueryError(f"no table {table!r}; it is made with the first batch that is published") from error
        return [key["Name"] for key in found.get("PartitionKeys", [])]

    def run(self, sql: str, parameters: Sequence[str], timeout: float) -> Answer:
        """Run a SELECT, wait for it and return its first rows; see `execute`."""
        query_id, execution = self.execute(sql, parameters, timeout)
        scanned = int(execution.get("Statistics", {}).get("DataScannedInBytes", 0))
        answer = self._client.get_query_results(QueryExecutionId=query_id, MaxResults=MAX_ROWS)
        results = answer["ResultSet"]
        rows = tuple(tuple(cell.get("VarCharValue") for cell in row["Data"]) for row in results["Rows"])
        return Answer(
            query_id=query_id,
            columns=tuple(column["Name"] for column in results["ResultSetMetadata"]["ColumnInfo"]),
            rows=rows[1:],  # the first row of a SELECT is its header
            truncated="NextToken" in answer,
            scanned_bytes=scanned,
            cost_dollars=round(max(scanned, MINIMUM_BYTES) / 1e12 * DOLLARS_PER_TB, 9),
        )

    def execute(self, sql: str, parameters: Sequence[str], timeout: float) -> tuple[str, dict[str, Any]]:
        """Run a query to its end; return its id and what GetQueryExecution says of it then.

        Args:
            sql: Athena SQL with `?` for each parameter.
            parameters: SQL literals, for example `'2013'` with its quotes; see `literal`.
            timeout: seconds; a query that takes longer is stopped.

        Raises:
            QueryError: with Athena's own reason.
        """
        arguments: dict[str, Any] = {"ExecutionParameters": list(parameters)} if parameters else {}
        query_id = self._client.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": self._database},
            WorkGroup=self._workgroup,
            **arguments,
        )["QueryExecutionId"]
        deadline, pause = time.monotonic() + timeout, 0.05
        while True:
            execution: dict[str, Any] = dict(
                self._client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            )
            state = execution["Status"]["State"]
            if state == "SUCCEEDED":
                return query_id, execution
            if state in ("FAILED", "CANCELLED"):
                reason = execution["Status"].get("StateChangeReason", "no reason given")
                raise QueryError(f"query {query_id} {state.lower()}: {reason}")
            if time.monotonic() + pause > deadline:
                self._client.stop_query_execution(QueryExecutionId=query_id)
                raise QueryError(f"query {query_id} was stopped: not finished after {timeout:.0f} seconds")
            time.sleep(pause)
            pause = min(pause * 1.5, 2.0)


def literal(value: str | int | float | bool) -> str:
    """Write a parameter as the SQL literal that Athena expects.

    Raises:
        ValueError: it is neither text, (finite) number nor boolean.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float) and isfinite(value):
        return repr(value)
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    raise ValueError(f"parameter {value!r}: allowed are text, finite numbers and booleans")
