"""Says of every record whether the contract takes it, each rule once for each distinct text of a column.

A column of records is `Texts`: the distinct texts, and for each record which of them it has. What a text is worth is
found out once, and handed out to the records by their indices.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pipeline_core.contract import Column, Contract

from record_engine.arrow import Array, compute, nulls
from record_engine.values import array_of, arrow_type, cast_to

PARTITION_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Partition values become folder names; these need no escaping in a path, in Spark, Glue or Athena."""

REMEMBERED = 50_000
"""Texts of a column whose worth is remembered from one block to the next."""

BLANKS = " \t"


@dataclass(frozen=True)
class Texts:
    """The texts of a column: `distinct` ones, and by record the index of its own; a null index is a null."""

    indices: Array
    distinct: Sequence[str | None]


@dataclass(frozen=True)
class Checked:
    """Records with their typed columns, and the reasons of those that have any, by their place."""

    columns: dict[str, Array]
    reasons: dict[int, list[str]]


class Checker:
    """Checks the records of one contract; it learns the texts that come again."""

    def __init__(self, contract: Contract) -> None:
        self._columns = [ColumnChecker(column, contract) for column in contract.columns]

    def check(self, texts: Mapping[str, Texts], records: int) -> Checked:
        """Cast the columns of some records, and find what is wrong; a column that they lack is null."""
        columns: dict[str, Array] = {}
        reasons: dict[int, list[str]] = {}
        for checker in self._columns:
            name = checker.column.name
            if name in texts:
                columns[name] = checker.check(texts[name], reasons)
            else:
                columns[name] = nulls(records, arrow_type(checker.column.type))
        return Checked(columns, reasons)


class ColumnChecker:
    """Casts and checks the texts of one column."""

    def __init__(self, column: Column, contract: Contract) -> None:
        self.column = column
        self._cast = cast_to(column.type, contract.time_zone)
        self._null_tokens = frozenset(contract.null_tokens)
        # ASCII, as in contracts so far: \d is 0-9 and \w has no letters with accents (docs/semantics.md, section 4.2).
        self._pattern = None if column.pattern is None else re.compile(column.pattern, re.ASCII)
        self._minimum = None if column.minimum is None else self._cast(column.minimum)
        self._maximum = None if column.maximum is None else self._cast(column.maximum)
        self._enum = None if column.enum is None else frozenset(map(self._cast, column.enum))
        self._is_folder = column.type == "string" and column.name in contract.partition_by
        self._known: dict[str | None, tuple[Any, int]] = {}
        self._reasons: list[list[str]] = [[]]
        self._codes: dict[tuple[str, ...], int] = {(): 0}

    def check(self, texts: Texts, reasons: dict[int, list[str]]) -> Array:
        """The typed values of the records; reasons are added to those that there are."""
        known, indices = self._known, texts.indices
        distinct = list(texts.distinct)
        if indices.null_count:
            indices = compute.fill_null(indices, len(distinct))
            distinct.append(None)
        values, codes = [], []
        for text in distinct:
            found = known.get(text)
            if found is None:
                found = self._judge(text)
                if len(known) < REMEMBERED:
                    known[text] = found
            values.append(found[0])
            codes.append(found[1])
        if any(codes):
            by_record = pa.array(codes, pa.int32()).take(indices)
            for record in compute.indices_nonzero(by_record).to_pylist():
                reasons.setdefault(record, []).extend(self._reasons[by_record[record].as_py()])
        return array_of(values, self.column.type).take(indices)

    def _judge(self, text: str | None) -> tuple[Any, int]:
        """The value of a text, and the number of the reasons that it has."""
        if text is not None:
            text = text.strip(BLANKS)
            if text in self._null_tokens:
                text = None
        value = None if text is None else self._cast(text)
        found = tuple(self._wrong(text, value))
        code = self._codes.get(found)
        if code is None:
            code = self._codes[found] = len(self._reasons)
            self._reasons.append([f"{reason}:{self.column.name}" for reason in found])
        return value, code

    def _wrong(self, text: str | None, value: Any) -> list[str]:
        column = self.column
        if text is None:
            return ["required"] if column.required else []
        if value is None:
            return ["type"]
        checks = (
            ("minimum", self._minimum is not None and value < self._minimum),
            ("maximum", self._maximum is not None and value > self._maximum),
            ("min_length", column.min_length is not None and len(text) < column.min_length),
            ("max_length", column.max_length is not None and len(text) > column.max_length),
            ("pattern", self._pattern is not None and self._pattern.search(text) is None),
            ("enum", self._enum is not None and value not in self._enum),
            ("partition_value", self._is_folder and PARTITION_VALUE.fullmatch(text) is None),
        )
        return [reason for reason, wrong in checks if wrong]
