"""What the command `query` asks: a named query or SQL, of Athena, or of a real Trino over an emulator."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import boto3
from pipeline_core import clients
from pipeline_core.athena import Athena, QueryError, literal

from ops.target import TargetError

TRINO = "trino"
SHOWN_ROWS = 1_000
PATIENCE_SECONDS = 600
_ROOT = Path(__file__).resolve().parents[1]
_ONE_QUERY = "local.athena.trino.one_query"
_HERE = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """The outputs of a stack that a query needs."""

    database: str
    workgroup: str


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What a query answers: at most `SHOWN_ROWS` rows of text, and whether there are more."""

    columns: list[str]
    types: list[str]
    rows: list[list[str | None]]
    more: bool
    scanned_bytes: int

    def to_json(self) -> str:
        """Write it for another program."""
        return json.dumps(asdict(self), indent=1)


def answer(
    deployed: Deployed,
    name: str | None,
    sql: str | None,
    parameters: Sequence[str],
    *,
    literals: bool,
    engine: str | None,
) -> Rows:
    """Ask a named query, or SQL.

    Args:
        deployed: where.
        name: the named query; None if `sql` is given.
        sql: the SQL; None if `name` is given.
        parameters: values of its question marks: text, or as SQL writes them with `literals`.
        literals: whether the parameters are SQL.
        engine: None for the one that is there, `trino` for one that is started for this query.

    Raises:
        QueryError: there is no such query, or it fails.
        TargetError: the engine cannot be had.
    """
    athena = Athena(deployed.workgroup, deployed.database)
    text = sql if sql is not None else athena.named(name or "")
    given = list(parameters) if literals else [literal(value) for value in parameters]
    if engine is None:
        return _ask_athena(athena, text, given)
    return _ask_trino(deployed, text, given)


def _ask_athena(athena: Athena, sql: str, parameters: list[str]) -> Rows:
    query, execution = athena.execute(sql, parameters, PATIENCE_SECONDS)
    columns: list[tuple[str, str]] = []
    rows: list[list[str | None]] = []
    # A SELECT's first row is its header; SHOW and DESCRIBE have none.
    headers = 1 if execution.get("StatementType") == "DML" else 0
    for page in clients.athena().get_paginator("get_query_results").paginate(QueryExecutionId=query):
        found = page["ResultSet"]
        columns = [(column["Name"], column["Type"]) for column in found["ResultSetMetadata"]["ColumnInfo"]]
        rows += [[cell.get("VarCharValue") for cell in row["Data"]] for row in found["Rows"]]
        if len(rows) - headers > SHOWN_ROWS:
            break
    rows = rows[headers:]
    return Rows(
        columns=[column for column, _ in columns],
        types=[kind for _, kind in columns],
        rows=rows[:SHOWN_ROWS],
        more=len(rows) > SHOWN_ROWS,
        scanned_bytes=int(execution.get("Statistics", {}).get("DataScannedInBytes", 0)),
    )


def _ask_trino(deployed: Deployed, sql: str, parameters: list[str]) -> Rows:
    """Have a program of the embedded runtime start a Trino, ask it and stop it."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if urlsplit(endpoint).hostname not in _HERE:
        raise TargetError(
            f"--engine {TRINO} asks an emulator, whose address is AWS_ENDPOINT_URL (now {endpoint or 'nothing'!r}); "
            "Athena itself is built on Trino: leave --engine out"
        )
    if not (_ROOT / "local" / "athena").is_dir():
        raise TargetError(f"--engine {TRINO} needs a clone of the project: run .venv/bin/data-pipeline there")
    region = boto3.Session().region_name or ""
    request = {
        "endpoint": endpoint,
        "region": region,
        "database": deployed.database,
        "sql": sql,
        "parameters": parameters,
    }
    done = subprocess.run(
        [sys.executable, "-m", _ONE_QUERY],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        cwd=_ROOT,
        check=False,
    )
    try:
        found = json.loads(done.stdout)
    except ValueError:
        raise QueryError(f"{_ONE_QUERY} failed: {done.stderr.strip()[-2000:]}") from None
    if "error" in found:
        raise QueryError(found["error"])
    rows = found["rows"]
    return Rows(
        columns=found["columns"],
        types=found["types"],
        rows=rows[:SHOWN_ROWS],
        more=len(rows) > SHOWN_ROWS,
        scanned_bytes=found["scanned_bytes"],
    )
