"""Says of every record whether the contract takes it, each rule once for each distinct text of a column.

A column of records is `Texts`: the distinct texts, and for each record which of them it has. What a text is worth is
found out once, and handed out to the records by their indices.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pipeline_core.contract import Column, Contract

from record_engine.arrow import Array, compute, nulls
from record_engine.values import Certain, array_of, arrow_type, cast_to, certain_cast

PARTITION_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Partition values become folder names; these need no escaping in a path, in Spark, Glue or Athena."""

REMEMBERED = 50_000
"""Texts of a column whose worth is remembered from one block to the next, if they are short."""

SHORT = 64
"""Characters of a short text."""

MANY = 2_000
"""From so many distinct texts on, Arrow casts those of which a pattern shows that the rules below would do the same."""

BLANKS = " \t"

TYPED = "\0"
"""Begins a text that has its meaning by its type, such as a number of JSON, in a column whose texts are written
otherwise. No text of a record has a NUL: it would be refused."""


@dataclass(frozen=True)
class Texts:
    """The texts of a column: `distinct` ones, and by record the index of its own; a null index is a null."""

    indices: Array
    distinct: Array


def is_typed(kind: str, column: Column) -> bool:
    """Whether a value of a JSON or Parquet file has its meaning by its type, however texts of the column are written.

    Args:
        kind: of the value: `number`, `boolean` or `moment` (a date or a timestamp).
        column: the column that it is of.
    """
    if column.written is None:
        return False
    if column.type == "boolean":
        return kind == "boolean"
    if column.type in ("date", "timestamp"):
        return kind == "moment"
    return kind == "number"


@dataclass(frozen=True)
class Checked:
    """Records with their typed columns, and the reasons of those that have any, by their place."""

    columns: dict[str, Array]
    reasons: dict[int, list[str]]


NOT_IN_PATH: Mapping[str, str | None] = {}


class Checker:
    """Checks the records of one contract; it learns the texts that come again."""

    def __init__(self, contract: Contract) -> None:
        self._columns = [ColumnChecker(column, contract) for column in contract.columns]

    def check(
        self, texts: Mapping[str, Texts], records: int, in_path: Mapping[str, str | None] = NOT_IN_PATH
    ) -> Checked:
        """Cast the columns of some records, and find what is wrong; a column that they lack is null.

        Args:
            texts: those of the columns that the file has.
            records: how many there are.
            in_path: the texts of the columns that the path has, which are those of every record.
        """
        columns: dict[str, Array] = {}
        reasons: dict[int, list[str]] = {}
        for checker in self._columns:
            name = checker.column.name
            if name in in_path:
                columns[name] = checker.check_with_path(texts.get(name), records, in_path[name], reasons)
            elif name in texts:
                columns[name] = checker.check(texts[name], reasons)
            else:
                columns[name] = nulls(records, arrow_type(checker.column.type))
        return Checked(columns, reasons)


class ColumnChecker:
    """Casts and checks the texts of one column."""

    def __init__(self, column: Column, contract: Contract) -> None:
        self.column = column
        # Bounds and listed values are written as usual, whatever files have.
        self._cast_usual = cast_to(column.type, contract.time_zone)
        self._cast = cast_to(column.type, contract.time_zone, column.written)
        null_tokens = contract.null_tokens if column.null_tokens is None else column.null_tokens
        self._null_tokens = frozenset(null_tokens)
        self._keeps_blanks = column.type == "string" and not contract.dialect.trim
        # ASCII, as in contracts so far: \d is 0-9 and \w has no letters with accents (docs/semantics.md, section 4.2).
        self._pattern = None if column.pattern is None else re.compile(column.pattern, re.ASCII)
        self._minimum = None if column.minimum is None else self._cast_usual(column.minimum)
        self._maximum = None if column.maximum is None else self._cast_usual(column.maximum)
        self._enum = None if column.enum is None else frozenset(map(self._cast_usual, column.enum))
        self._is_folder = column.type == "string" and column.name in contract.partition_by
        # What is allowed one by one is no matter of many texts.
        is_slow = column.enum is not None or self._is_folder or column.written is not None
        self._certain = None if is_slow else certain_cast(column.type, contract.time_zone)
        self._null_texts = pa.array(null_tokens, pa.string())
        self._known: dict[str | None, tuple[Any, int]] = {}
        self._reasons: list[list[str]] = [[]]
        self._codes: dict[tuple[str, ...], int] = {(): 0}

    def check(self, texts: Texts, reasons: dict[int, list[str]]) -> Array:
        """The typed values of the records; reasons are added to those that there are."""
        indices, distinct = texts.indices, texts.distinct
        if indices.null_count:
            indices = compute.fill_null(indices, len(distinct))
            distinct = pa.concat_arrays([distinct, nulls(1, distinct.type)])
        if len(distinct) > MANY and self._certain is not None:
            values, codes = self._many(distinct, self._certain)
        else:
            values, codes = self._each(distinct.to_pylist())
        if any(codes):
            by_record = pa.array(codes, pa.int32()).take(indices)
            for record in compute.indices_nonzero(by_record).to_pylist():
                reasons.setdefault(record, []).extend(self._reasons[by_record[record].as_py()])
        return values.take(indices)

    def check_with_path(
        self, texts: Texts | None, records: int, in_path: str | None, reasons: dict[int, list[str]]
    ) -> Array:
        """The typed values of records whose path has one, too: it stands where the file has none, or has to agree."""
        wrong_path: dict[int, list[str]] = {}
        [value] = self.check(Texts(pa.array([0], pa.int32()), pa.array([in_path], pa.string())), wrong_path)
        constant = pa.repeat(value, records)
        wrong: dict[int, list[str]] = {}
        values = nulls(records, constant.type) if texts is None else self.check(texts, wrong)
        lacks = f"required:{self.column.name}"
        found = {record: [reason for reason in said if reason != lacks] for record, said in wrong.items()}
        by_path = wrong_path.get(0, [])
        if by_path:
            for record, is_null in enumerate(compute.is_null(values).to_pylist()):
                # What is no value in the path is none of any record; where it has none, a record may have its own.
                if by_path != [lacks] or (is_null and not found.get(record)):
                    found[record] = list(dict.fromkeys([*found.get(record, []), *by_path]))
        for record in compute.indices_nonzero(
            compute.fill_null(compute.not_equal(values, constant), False)
        ).to_pylist():
            found.setdefault(record, []).append(f"path_value:{self.column.name}")
        for record, said in found.items():
            if said:
                reasons.setdefault(record, []).extend(said)
        return compute.coalesce(values, constant)

    def _each(self, texts: Sequence[str | None]) -> tuple[Array, list[int]]:
        """The values of texts and the numbers of their reasons, one by one."""
        known, values, codes = self._known, [], []
        for text in texts:
            found = known.get(text)
            if found is None:
                found = self._judge(text)
                if len(known) < REMEMBERED and (text is None or len(text) <= SHORT):
                    known[text] = found
            values.append(found[0])
            codes.append(found[1])
        return array_of(values, self.column.type), codes

    def _many(self, texts: Array, certain: Certain) -> tuple[Array, list[int]]:
        """The same, of many texts: those that surely are good values at once, the others one by one."""
        texts = texts.cast(pa.string())
        values, good = certain(texts)
        good = compute.and_(good, compute.invert(compute.is_in(texts, value_set=self._null_texts)))
        for passed in self._passed(texts, values):
            good = compute.and_(good, passed)
        doubtful = compute.invert(compute.fill_null(good, False))
        places = compute.indices_nonzero(doubtful)
        codes = [0] * len(texts)
        if len(places):
            replacing, found = self._each(texts.take(places).to_pylist())
            values = compute.replace_with_mask(values, doubtful, replacing)
            for place, code in zip(places.to_pylist(), found, strict=True):
                codes[place] = code
        return values, codes

    def _passed(self, texts: Array, values: Array) -> Iterator[Array]:
        """For each check of the column, which values pass it."""
        column, kind = self.column, arrow_type(self.column.type)
        if self._minimum is not None:
            yield compute.greater_equal(values, pa.scalar(self._minimum, kind))
        if self._maximum is not None:
            yield compute.less_equal(values, pa.scalar(self._maximum, kind))
        if column.min_length is not None:
            yield compute.greater_equal(compute.utf8_length(texts), column.min_length)
        if column.max_length is not None:
            yield compute.less_equal(compute.utf8_length(texts), column.max_length)
        if self._pattern is not None:
            search = self._pattern.search
            yield pa.array([text is not None and search(text) is not None for text in texts.to_pylist()], pa.bool_())

    def _judge(self, text: str | None) -> tuple[Any, int]:
        """The value of a text, and the number of the reasons that it has."""
        cast = self._cast
        if text is not None and text.startswith(TYPED):
            text, cast = text[len(TYPED) :], self._cast_usual
        if text is not None:
            text = text if self._keeps_blanks else text.strip(BLANKS)
            if text in self._null_tokens:
                text = None
        value = None if text is None else cast(text)
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
