"""What Athena itself does with a statement before an engine sees it: its kind, and prepared statements."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from athena_sql.dialect import AthenaSql
from local.athena.answers import QueryFailedError

_DML: Final = ("SELECT", "WITH", "VALUES", "TABLE", "INSERT", "DELETE", "UPDATE", "MERGE")
_DDL: Final = ("CREATE", "DROP", "ALTER", "MSCK")


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement: its text without the semicolon at its end, and how Athena classifies it.

    `name` is that of the prepared statement in PREPARE name FROM sql, EXECUTE name USING parameters, and DEALLOCATE
    PREPARE name.
    """

    sql: str
    kind: str
    verb: str
    name: str | None = None
    parameters: tuple[str, ...] = ()

    @property
    def is_for_engine(self) -> bool:
        """Whether an engine knows such SQL: that of PREPARE is the statement which it prepares."""
        return self.name is None or self.verb == "PREPARE"


def parse(text: str) -> Statement:
    """Read one statement.

    Raises:
        QueryFailedError: it is none, or several.
    """
    try:
        tokens = AthenaSql().tokenize(text)
    except (SqlglotError, RecursionError) as error:
        raise QueryFailedError(f"SYNTAX_ERROR: line 1:1: {str(error).splitlines()[0]}") from error
    while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens.pop()
    if not tokens:
        raise QueryFailedError("SYNTAX_ERROR: line 1:1: mismatched input '<EOF>'. Expecting: a statement")
    if any(token.token_type is TokenType.SEMICOLON for token in tokens):
        raise QueryFailedError("Only one sql statement is allowed. Got: " + text[:100])
    sql = text[: tokens[-1].end + 1]
    words = [token.text.upper() for token in tokens[:3]]
    # "(SELECT 1)" is a SELECT.
    first = next((token.text.upper() for token in tokens if token.text != "("), "")
    kind = "DML" if first in _DML else "DDL" if first in _DDL else "UTILITY"
    if words[0] == "PREPARE" and len(tokens) > 3 and words[2] == "FROM":
        body = parse(text[tokens[3].start :])
        return Statement(sql=body.sql, kind="DDL", verb="PREPARE", name=tokens[1].text)
    if words[0] == "EXECUTE" and len(tokens) > 1 and words[1] != "IMMEDIATE":
        if len(tokens) > 2 and words[2] != "USING":
            raise QueryFailedError(f"SYNTAX_ERROR: {at(tokens[2])}mismatched input '{tokens[2].text}'")
        using = tuple(_pieces(text, tokens[3:]))
        return Statement(sql=sql, kind="DML", verb="EXECUTE", name=tokens[1].text, parameters=using)
    if words[:2] == ["DEALLOCATE", "PREPARE"] and len(tokens) == 3:
        return Statement(sql=sql, kind="DDL", verb="DEALLOCATE", name=tokens[2].text)
    return Statement(sql=sql, kind=kind, verb="SELECT" if first in ("WITH", "VALUES", "TABLE") else first)


def at(token: Token) -> str:
    """Where a token begins, as Trino says it."""
    return f"line {token.line}:{max(1, token.col - len(token.text) + 1)}: "


def _pieces(text: str, tokens: Sequence[Token]) -> list[str]:
    """What stands between the commas that are in no parentheses."""
    pieces, depth, begin = [], 0, 0
    for place, token in enumerate(tokens):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0)
        if token.token_type is TokenType.COMMA and depth == 0:
            pieces.append(tokens[begin:place])
            begin = place + 1
    if tokens:
        pieces.append(tokens[begin:])
    return [text[piece[0].start : piece[-1].end + 1] if piece else "" for piece in pieces]


def resolve(
    statement: Statement, workgroup: str, given: Sequence[str], prepared: MutableMapping[str, Mapping[str, Any]]
) -> tuple[str | None, Sequence[str]]:
    """The SQL that an engine has to run and its parameters, or None if the workgroup's statements were all it took.

    Raises:
        QueryFailedError: there is no prepared statement of that name, or there is one already.
    """
    if statement.name is None:
        return statement.sql, given
    key = f"{workgroup}/{statement.name}"
    if statement.verb == "PREPARE":
        prepared[key] = {
            "StatementName": statement.name,
            "QueryStatement": statement.sql,
            "WorkGroupName": workgroup,
        }
        return None, ()
    if key not in prepared:
        raise QueryFailedError(f"NOT_FOUND: Prepared statement not found: {statement.name}")
    if statement.verb == "DEALLOCATE":
        del prepared[key]
        return None, ()
    return parse(str(prepared[key]["QueryStatement"])).sql, statement.parameters or given


_HIVE_DDL: Final = re.compile(
    r"""(\s|--[^\n]*\n|/\*.*?\*/)*(CREATE\s+EXTERNAL\s+TABLE|DROP\s+TABLE|(CREATE|DROP)\s+(DATABASE|SCHEMA))\b""",
    re.IGNORECASE | re.DOTALL,
)


def is_hive_ddl(text: str) -> bool:
    """Whether a statement is Hive's, which MiniStack's own Athena runs."""
    return _HIVE_DDL.match(text[:10_000]) is not None
