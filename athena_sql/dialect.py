"""Trino's grammar, as Athena has it: sqlglot's parser without what it takes from other dialects."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from athena_sql.errors import SqlError, not_emulated

_FOREIGN: Final = (
    "::", "?::", ":=", "==", "<=>", "&&", "??", "|>", "~*", "~~", "~~*", "~~~", "->>", "#>", "#>>", "@>", "<@", "->>",
    "ILIKE", "QUALIFY", "RLIKE", "REGEXP", "GLOB", "SIMILAR TO", "DIV", "XOR", "SEMI", "ANTI", "ASOF", "PIVOT",
    "UNPIVOT", "ISNULL", "NOTNULL", "CLUSTER BY", "DISTRIBUTE BY", "SORT BY", "CONNECT BY", "STRAIGHT_JOIN", "KEEP",
    "OVERLAPS", "COLLATE", "OPERATOR", "START", "FORMAT", "SETTINGS", "LOCK", "INTO", "RETURNING", "APPLY", "LIST",
    "OBJECT", "VECTOR", "VARIANT", "FILE", "NULLABLE", "ENUM", "LONG", "SHORT", "BYTE", "STRING", "TEXT",
    "BLOB", "REF", "BIT", "NUMBER", "HUGEINT", "UINT", "BPCHAR",
)  # fmt: skip
_RESERVED_WORDS: Final = """
ALTER AND AS BETWEEN BY CASE CAST CONSTRAINT CREATE CROSS CUBE CURRENT_CATALOG CURRENT_DATE CURRENT_PATH
CURRENT_ROLE CURRENT_SCHEMA CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DEALLOCATE DELETE DESCRIBE DISTINCT
DROP ELSE END ESCAPE EXCEPT EXISTS EXTRACT FALSE FOR FROM FULL GROUP GROUPING HAVING IN INNER INSERT INTERSECT
INTO IS JOIN JSON_ARRAY JSON_EXISTS JSON_OBJECT JSON_QUERY JSON_TABLE JSON_VALUE LEFT LIKE LISTAGG LOCALTIME
LOCALTIMESTAMP NATURAL NORMALIZE NOT NULL ON OR ORDER OUTER PREPARE RECURSIVE RIGHT ROLLUP SELECT SKIP TABLE
THEN TRIM TRUE UESCAPE UNION UNNEST USING VALUES WHEN WHERE WITH
"""
_RESERVED: Final = frozenset(_RESERVED_WORDS.split())
"""Trino's reserved words (Trino documentation, "Keywords and identifiers", 2026-11)."""
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_@]*")
_DEEPEST: Final = 60
"""Nested parentheses: Trino itself ends with STACK_OVERFLOW somewhere, and Python's parser before it."""
_MOST_TOKENS: Final = 20_000
_PARSERS: Final = ("CAST", "EXTRACT", "POSITION", "SUBSTRING", "TRY_CAST", "TRIM", "LISTAGG")
_FIRST: Final = ("SELECT", "WITH", "VALUES", "TABLE", "(", "CREATE")
_STATEMENTS: Final = (
    "ALTER", "ANALYZE", "CALL", "COMMENT", "COMMIT", "DELETE", "DENY", "DESCRIBE", "DROP", "EXECUTE", "EXPLAIN",
    "GRANT", "INSERT", "MERGE", "MSCK", "PREPARE", "REFRESH", "RESET", "REVOKE", "ROLLBACK", "SET", "SHOW",
    "START", "TRUNCATE",
    "UNLOAD", "UPDATE", "USE",
)  # fmt: skip
"""Statements of Athena's or Trino's that only the real engine runs."""
_NOT_AFTER_COMMA: Final = frozenset((")", "]", ",", "FROM", "WHERE", "GROUP BY", "ORDER BY", "HAVING", "LIMIT"))


class AthenaSql(Trino):
    """Trino's dialect; functions are kept as they are called, and only Trino's operators are known."""

    INDEX_OFFSET = 0

    class Tokenizer(Trino.Tokenizer):
        """Without other dialects' operators, and without statements that swallow the rest of the text."""

        KEYWORDS: ClassVar = {
            word: kind for word, kind in Trino.Tokenizer.KEYWORDS.items() if word not in _FOREIGN and "{" not in word
        }
        COMMANDS: ClassVar = set[TokenType]()

    class Parser(Trino.Parser):  # type: ignore[valid-type, misc]  # sqlglot keeps it in a variable
        """Without functions of its own: athena_sql.functions knows them."""

        FUNCTIONS: ClassVar = dict[str, Any]()
        FUNCTION_PARSERS: ClassVar = {
            name: parse for name, parse in Trino.Parser.FUNCTION_PARSERS.items() if name in _PARSERS
        }
        COLUMN_OPERATORS: ClassVar = {TokenType.DOT: None}


def tokenize(text: str) -> list[Token]:
    """The tokens of a statement, without the semicolon at its end.

    Raises:
        SqlError: a literal has no end, there is more than one statement, or it is too long or too deep.
    """
    try:
        tokens = AthenaSql().tokenize(text)
    except SqlglotError as error:
        raise SqlError("SYNTAX_ERROR", str(error).splitlines()[0]) from error
    while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens.pop()
    depth = 0
    for token in tokens:
        if token.token_type not in (TokenType.STRING, TokenType.IDENTIFIER):
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0)
        if depth > _DEEPEST:
            raise not_emulated(f"more than {_DEEPEST} nested parentheses")
        if token.token_type is TokenType.SEMICOLON:
            raise SqlError("SYNTAX_ERROR", "Only one sql statement is allowed")
    if len(tokens) > _MOST_TOKENS:
        raise not_emulated(f"a statement of more than {_MOST_TOKENS} words")
    return tokens


def parse(text: str) -> exp.Expression:
    """Parse one statement.

    Raises:
        SqlError: it is not one that Trino's grammar knows, or not emulated.
    """
    tokens = tokenize(text)
    _check_tokens(tokens)
    try:
        trees = AthenaSql().parser().parse(tokens, text)
    except SqlglotError as error:
        details: Any = (getattr(error, "errors", None) or [{}])[0]
        problem = SqlError("SYNTAX_ERROR", str(details.get("description") or error).splitlines()[0])
        raise _placed(problem, details.get("line"), details.get("col")) from error
    except (RecursionError, AttributeError, TypeError, ValueError, KeyError, IndexError) as error:
        # sqlglot does not expect every nonsense.
        raise SqlError("SYNTAX_ERROR", "the statement cannot be parsed") from error
    if len(trees) != 1 or trees[0] is None:
        raise SqlError("SYNTAX_ERROR", "the statement cannot be parsed")
    tree: exp.Expression = trees[0]  # type: ignore[assignment]  # sqlglot's own base class
    for name in tree.find_all(exp.Identifier):
        if not name.args.get("quoted") and (name.name.upper() in _RESERVED or not _PLAIN.fullmatch(name.name)):
            raise SqlError("SYNTAX_ERROR", f"mismatched input '{name.name}'", name)
    return tree


def _placed(error: SqlError, line: Any, column: Any) -> SqlError:
    error.line, error.column = int(line or 1), int(column or 1)
    error.args = (f"{error.name}: line {error.line}:{error.column}: {error.what}",)
    return error


def _check_tokens(tokens: list[Token]) -> None:
    """Refuse what sqlglot takes, and Trino's grammar does not have."""
    if not tokens:
        raise SqlError("SYNTAX_ERROR", "mismatched input '<EOF>'")
    if tokens[0].text.upper() in _STATEMENTS:
        raise not_emulated(tokens[0].text.upper(), None)
    if tokens[0].text.upper() not in _FIRST:
        raise _unexpected(tokens[0])
    limits: list[bool] = [False]
    trims: list[bool] = [False]
    for place, token in enumerate(tokens):
        before = tokens[place - 1] if place else None
        word = token.text.upper() if token.token_type not in (TokenType.STRING, TokenType.IDENTIFIER) else ""
        if before is not None and before.token_type is TokenType.COMMA and word in _NOT_AFTER_COMMA:
            raise _unexpected(token)
        if token.token_type in (TokenType.L_BRACE, TokenType.R_BRACE, TokenType.PARAMETER, TokenType.COLON):
            raise _unexpected(token)
        if token.token_type is TokenType.NOT and token.text == "!":
            raise _unexpected(token)
        if token.token_type is TokenType.STRING and before is not None and before.token_type in (
            TokenType.FROM, TokenType.JOIN, TokenType.ALIAS,
        ) and not trims[-1]:  # fmt: skip
            raise _unexpected(token)
        if word == "(":
            limits.append(False)
            trims.append(before is not None and before.text.upper() == "TRIM")
        elif word == ")" and len(limits) > 1:
            limits.pop()
            trims.pop()
        elif token.token_type is TokenType.LIMIT or token.token_type is TokenType.FETCH:
            limits[-1] = True
        elif token.token_type is TokenType.OFFSET and limits[-1]:
            # OFFSET comes first in Trino.
            raise _unexpected(token)
        elif token.token_type in (TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT):
            limits[-1] = False
    if tokens[-1].token_type is TokenType.COMMA:
        raise _unexpected(tokens[-1])


def _unexpected(token: Token) -> SqlError:
    error = SqlError("SYNTAX_ERROR", f"mismatched input '{token.text}'")
    return _placed(error, token.line, max(1, token.col - len(token.text) + 1))


def parse_expression(text: str) -> exp.Expression:
    """Parse one expression, such as the literal of a parameter.

    Raises:
        SqlError: it is none.
    """
    tree: Any = parse(f"SELECT {text}")
    if [key for key, value in tree.args.items() if value] != ["expressions"] or len(tree.expressions) != 1:
        raise SqlError("SYNTAX_ERROR", f"{text!r} is not one expression")
    found: exp.Expression = tree.expressions[0]
    return found
