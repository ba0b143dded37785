"""One query asked of both engines, and whether they agree."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from local.athena import results
from local.athena.answers import QueryFailedError
from local.athena.trino import client

AGREE, BOTH_REFUSE, NOT_HERE, ONLY_HERE, DIFFERENT = (
    "agree", "both refuse", "not emulated", "accepted here only", "different"
)  # fmt: skip


@dataclass(frozen=True)
class Said:
    """What an engine answers: an error, or columns, types and rows."""

    error: str = ""
    columns: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()


@dataclass(frozen=True)
class Outcome:
    """How two answers compare."""

    kind: str
    quick: Said
    trino: Said


def compare(sql: str, quick: Said, trino: Said) -> Outcome:
    """Compare two answers. Rows without ORDER BY may come in any order, floating point may end differently."""
    return Outcome(_kind(sql, quick, trino), quick, trino)


def _kind(sql: str, quick: Said, trino: Said) -> str:
    if quick.error and trino.error:
        return BOTH_REFUSE
    if trino.error:
        return ONLY_HERE
    if quick.error:
        return NOT_HERE if quick.error.startswith("NOT_EMULATED") else DIFFERENT
    if tuple(map(plain, quick.types)) != tuple(map(plain, trino.types)) or quick.columns != trino.columns:
        return DIFFERENT
    one, other = list(quick.rows), list(trino.rows)
    if not re.search(r"\bORDER\s+BY\b(?!.*\))", sql, re.IGNORECASE | re.DOTALL):
        one, other = sorted(one, key=repr), sorted(other, key=repr)
    if len(one) != len(other):
        return DIFFERENT
    same = all(
        len(a) == len(b) and all(_same(x, y, kind) for x, y, kind in zip(a, b, quick.types, strict=True))
        for a, b in zip(one, other, strict=True)
    )
    return AGREE if same else DIFFERENT


def plain(kind: str) -> str:
    """A type as results name it: a varchar without its length, a decimal with its digits."""
    return re.sub(r"varchar\(\d+\)", "varchar", kind).replace(" ", "")


def _same(one: str | None, other: str | None, kind: str) -> bool:
    if one == other:
        return True
    if one is None or other is None or kind not in ("double", "float"):
        return False
    return math.isclose(float(one), float(other), rel_tol=1e-6 if kind == "float" else 1e-11)


def said_by_trino(address: str, database: str, sql: str, parameters: tuple[str, ...] = ()) -> Said:
    """Ask Trino."""
    try:
        found = client.ask(address, sql, database=database, parameters=parameters)
    except QueryFailedError as error:
        return Said(error=str(error))
    # As the emulator's Athena names them: of a result's types only decimals have their digits.
    types = tuple(kind if kind.startswith("decimal") else results.plain(kind) for kind in found.types)
    return Said("", tuple(found.columns), types, tuple(map(tuple, found.rows)))


def said_by_quick(athena: Any, database: str, output: str, sql: str, parameters: tuple[str, ...] = ()) -> Said:
    """Ask the emulator's Athena."""
    arguments: dict[str, Any] = {"ExecutionParameters": list(parameters)} if parameters else {}
    try:
        query = athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": database},
            ResultConfiguration={"OutputLocation": output},
            **arguments,
        )["QueryExecutionId"]
    except ClientError as error:
        return Said(error="SYNTAX_ERROR: " + error.response["Error"]["Message"])
    while True:
        status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        if status["State"] not in ("QUEUED", "RUNNING"):
            break
        time.sleep(0.01)
    if status["State"] != "SUCCEEDED":
        return Said(error=str(status.get("StateChangeReason")))
    found = athena.get_query_results(QueryExecutionId=query)
    result = found["ResultSet"]
    info = result["ResultSetMetadata"]["ColumnInfo"]
    rows = [tuple(cell.get("VarCharValue") for cell in row["Data"]) for row in result["Rows"]]
    execution = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
    if execution["StatementType"] == "DML":
        rows = rows[1:]
    types = [
        f"decimal({column['Precision']},{column['Scale']})" if column["Type"] == "decimal" else column["Type"]
        for column in info
    ]
    return Said("", tuple(column["Name"] for column in info), tuple(types), tuple(rows))
