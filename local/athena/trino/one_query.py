"""Asks a Trino one query over an emulator that runs, and stops it: `python -m local.athena.trino.one_query`.

Standard input is JSON: endpoint, region, database, sql, parameters. Standard output is JSON: columns, types, rows and
scanned_bytes; or the error.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from local.athena.answers import QueryFailedError
from local.athena.trino import client, server
from local.athena.trino.process import TrinoError
from local.emulator import ACCESS_KEY, CACHE


def ask(request: dict[str, Any]) -> dict[str, Any]:
    """Start a Trino, ask it, stop it."""
    try:
        server.check(server.TRINO)
        with tempfile.TemporaryDirectory() as folder:
            trino = server.Trino(Path(folder), CACHE, request["endpoint"], request["region"], ACCESS_KEY)
            try:
                found = client.ask(
                    trino.address(),
                    request["sql"].rstrip().removesuffix(";"),
                    database=request["database"],
                    parameters=request["parameters"],
                )
            finally:
                trino.stop()
    except (QueryFailedError, client.LostError, TrinoError) as error:
        return {"error": str(error)}
    return {"columns": found.columns, "types": found.types, "rows": found.rows, "scanned_bytes": found.scanned}


if __name__ == "__main__":
    json.dump(ask(json.load(sys.stdin)), sys.stdout)
