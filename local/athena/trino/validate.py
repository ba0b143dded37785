"""Checks named queries by Trino's own analyser, over empty tables declared from the contracts: `make queries`.

Exit codes: 0, Trino has nothing to refuse; 1, it has; 2, it cannot be asked, or the project's files are wrong.
"""

import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from sqlglot.tokenizer_core import TokenType

from athena_sql.dialect import AthenaSql
from components.catalog.queries import Query
from components.checked_queries import DeclaredTable, at, declared, type_of
from components.user_files import UserFileError, read
from contracts.compiler.compile import CompiledContract
from local.athena.answers import QueryFailedError
from local.athena.trino import client, server
from local.athena.trino.process import TrinoError
from local.emulator import ACCESS_KEY, CACHE, Emulator, EmulatorError

DATABASE: Final = "declared"
BUCKET: Final = "declared"
_WHERE: Final = re.compile(r"line (\d+):(\d+): ")


def problems(named: Mapping[str, Query], contracts: Sequence[CompiledContract]) -> list[str]:
    """Say what Trino refuses of each query: one message with its file and line.

    Raises:
        TrinoError: Trino cannot be started.
        EmulatorError: the emulator, whose catalog it reads, cannot.
        LostError: Trino ended.
    """
    server.check(server.TRINO)
    with tempfile.TemporaryDirectory() as folder, Emulator(Path(folder) / "emulator") as emulator:
        glue = emulator.client("glue")
        emulator.client("s3").create_bucket(Bucket=BUCKET)
        glue.create_database(DatabaseInput={"Name": DATABASE})
        tables = declared(contracts)
        for table in tables:
            if not table.is_iceberg:
                glue.create_table(DatabaseName=DATABASE, TableInput=_input(table))
        trino = server.Trino(Path(folder) / "trino", CACHE, emulator.endpoint, emulator.region, ACCESS_KEY)
        try:
            for table in tables:
                if table.is_iceberg:
                    client.ask(trino.address(), _create(table), database=DATABASE)
            found = (_problem(trino.address(), name, query) for name, query in sorted(named.items()))
            return [problem for problem in found if problem is not None]
        finally:
            trino.stop()


def _problem(address: str, name: str, query: Query) -> str | None:
    # On lines of its own, the query keeps its places.
    sql = "EXPLAIN (TYPE VALIDATE)\n" + with_values(query.sql.rstrip().removesuffix(";"))
    try:
        client.ask(address, sql, database=DATABASE)
    except QueryFailedError as error:
        said = str(error)
        place = _WHERE.search(said)
        return at(name, query, int(place[1]) - 1 if place else 1, _WHERE.sub("", said, count=1))
    return None


def with_values(sql: str) -> str:
    """The SQL with a value for each question mark, which EXPLAIN takes none for.

    It is NULL, which may be of any type: of what type a parameter is, nobody says before it is given.
    """
    tokens = AthenaSql().tokenize(sql)
    for before, token in reversed(list(pairwise(tokens))):
        if token.token_type is TokenType.PLACEHOLDER:
            value = "1" if before.text.upper() in ("LIMIT", "OFFSET") else "NULL"
            sql = sql[: token.start] + value + sql[token.end + 1 :]
    return sql


def _create(table: DeclaredTable) -> str:
    """The statement that makes an empty Iceberg table."""
    columns = ", ".join(f'"{name}" {type_of(table, kind)}' for name, kind in table.columns.items())
    location = f"s3://{BUCKET}/{table.name}"
    return f"CREATE TABLE iceberg.{DATABASE}.\"{table.name}\" ({columns}) WITH (location = '{location}')"


def _input(table: DeclaredTable) -> Any:
    return {
        "Name": table.name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": table.storage.classification, **table.parameters},
        "PartitionKeys": [{"Name": name, "Type": kind} for name, kind in table.keys.items()],
        "StorageDescriptor": {
            "Location": f"s3://{BUCKET}/{table.name}/",
            "Columns": [{"Name": name, "Type": kind} for name, kind in table.columns.items()],
            "InputFormat": table.storage.input_format,
            "OutputFormat": table.storage.output_format,
            "SerdeInfo": {"SerializationLibrary": table.storage.serializer},
        },
    }


def main() -> int:
    """Check the queries of this project."""
    try:
        files = read()
        found = problems(files.queries, files.contracts)
    except (UserFileError, TrinoError, EmulatorError, client.LostError) as error:
        print(error, file=sys.stderr)
        return 2
    for problem in found:
        print(problem, file=sys.stderr)
    if not found:
        print(f"Trino validates {len(files.queries)} named queries over {len(files.contracts)} contracts.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
