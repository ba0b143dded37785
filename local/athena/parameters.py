"""Execution parameters: SQL literals as text, in the place of the question marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from athena_sql.dialect import parse_expression
from athena_sql.errors import SqlError


def bind(tree: Any, given: Sequence[str]) -> Any:
    """Put the parameters in the place of the question marks, from left to right.

    Raises:
        SqlError: there are more or fewer than question marks, or one is not a literal.
    """
    marks = [mark for mark in tree.find_all(exp.Placeholder) if mark.this is None]
    if len(marks) != len(given):
        raise SqlError(
            "INVALID_PARAMETER_USAGE",
            f"Incorrect number of parameters: expected {len(marks)} but found {len(given)}",
        )
    if not marks:
        return tree
    for mark, text in zip(_in_text_order(tree, marks), given, strict=True):
        mark.replace(_literal(text))
    return tree


def _in_text_order(tree: Any, marks: list[Any]) -> list[Any]:
    # sqlglot finds nodes breadth first. Generating the text visits them in its order; each has a name to be found by.
    for place, mark in enumerate(marks):
        mark.set("this", f"parameter{place}x")
    text = tree.sql(dialect="trino")
    order = sorted(range(len(marks)), key=lambda place: text.find(f"parameter{place}x"))
    return [marks[place] for place in order]


def _literal(text: str) -> Any:
    try:
        value: Any = parse_expression(text)
    except SqlError as error:
        raise SqlError("INVALID_PARAMETER_USAGE", f"{text!r} is not a literal") from error
    if any(value.find_all(exp.Column, exp.Query)):
        raise SqlError("INVALID_PARAMETER_USAGE", f"{text!r} is not a literal: put strings in single quotes ('{text}')")
    return value
