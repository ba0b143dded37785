"""Asks a Trino server over its HTTP protocol, and gives values the form in which Athena prints them.

The protocol is that of the Trino documentation, "Trino client REST API" (2026-11).
"""

from __future__ import annotations

import base64
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from typing import Any, Final

from local.athena.answers import Answer, QueryFailedError
from local.athena.printing import double, real

CATALOG: Final = "awsdatacatalog"
_USER: Final = "athena"
_PATIENCE_SECONDS: Final = 60
_FRACTION: Final = re.compile(r"(:\d\d:\d\d)(?:\.(\d+))?")

Json = dict[str, Any]


class LostError(Exception):
    """The server no longer answers."""


def ask(
    address: str,
    sql: str,
    *,
    database: str,
    parameters: Sequence[str] = (),
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int], None] = lambda scanned: None,
) -> Answer:
    """Run one statement and collect its answer.

    Args:
        address: the server's URL.
        sql: the statement, without a semicolon at its end.
        database: where a table without a database is looked for.
        parameters: literals for its question marks.
        cancelled: asked while the statement runs; it is cancelled when the answer is true.
        progress: told the bytes read so far; what it raises cancels the statement.

    Raises:
        QueryFailedError: with Trino's reason.
        LostError: the server does not answer (any more).
    """
    headers = {
        "X-Trino-User": _USER,
        "X-Trino-Catalog": CATALOG,
        "X-Trino-Schema": database,
        "X-Trino-Time-Zone": "UTC",
        # Without it, timestamps are cut to milliseconds, whatever their type says.
        "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
    }
    if parameters:
        text = sql.replace("'", "''")
        sql = f"EXECUTE IMMEDIATE '{text}' USING {', '.join(parameters)}"
    state = _request(f"{address}/v1/statement", headers, sql.encode())
    answer = Answer()
    printers: list[Callable[[Any], str | None]] = []
    while True:
        if state.get("columns") and not answer.types:
            answer.columns = [column["name"] for column in state["columns"]]
            answer.types = [column["type"] for column in state["columns"]]
            printers = [printer(column["typeSignature"]) for column in state["columns"]]
        for row in state.get("data") or []:
            answer.rows.append([show(value) for show, value in zip(printers, row, strict=True)])
        answer.scanned = int(state.get("stats", {}).get("physicalInputBytes", answer.scanned))
        if error := state.get("error"):
            by_system = error.get("errorType") != "USER_ERROR"
            raise QueryFailedError(f"{error.get('errorName')}: {error.get('message')}", by_system=by_system)
        following = state.get("nextUri")
        if not following:
            return answer
        try:
            progress(answer.scanned)
        except Exception:
            _request(following, headers, method="DELETE")
            raise
        if cancelled():
            _request(following, headers, method="DELETE")
            return answer
        state = _request(following, headers)


def _request(url: str, headers: dict[str, str], body: bytes | None = None, method: str | None = None) -> Json:
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        raise LostError(f"Trino answers {error.code}: {error.read()[:200].decode(errors='replace')}") from error
    except (urllib.error.URLError, OSError) as error:
        raise LostError(f"Trino does not answer: {error}") from error
    found: Json = json.loads(text) if text else {}
    return found


def printer(signature: Json) -> Callable[[Any], str | None]:
    """How values of a type are printed by Athena, whatever the protocol makes of them."""
    show = _printer(signature)
    return lambda value: None if value is None else show(value)


def _printer(signature: Json) -> Callable[[Any], str]:
    kind = signature["rawType"]
    arguments = [argument["value"] for argument in signature.get("arguments", [])]
    if kind == "double":
        return lambda value: double(float(value))
    if kind == "real":
        return lambda value: real(float(value))
    if kind == "boolean":
        return lambda value: "true" if value else "false"
    if kind == "varbinary":
        return lambda value: base64.b64decode(value).hex(" ")
    if kind.startswith("timestamp"):
        # Athena shows milliseconds at least.
        return lambda value: _FRACTION.sub(lambda found: f"{found[1]}.{(found[2] or '').ljust(3, '0')}", value)
    if kind == "array":
        inner = _nested(arguments[0])
        return lambda value: f"[{', '.join(map(inner, value))}]"
    if kind == "map":
        inner = _nested(arguments[1])
        return lambda value: f"{{{', '.join(f'{key}={inner(item)}' for key, item in value.items())}}}"
    if kind == "row":
        names = [(part.get("fieldName") or {}).get("name") or f"field{place}" for place, part in enumerate(arguments)]
        shows = [_nested(part["typeSignature"]) for part in arguments]
        return lambda value: "{" + ", ".join(f"{n}={s(v)}" for n, s, v in zip(names, shows, value, strict=True)) + "}"
    return str


def _nested(signature: Json) -> Callable[[Any], str]:
    show = _printer(signature)
    return lambda value: "null" if value is None else show(value)
