"""Reads the records of a JSON file: objects on lines, one after the other, or in an array."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import pyarrow as pa
from pipeline_core.contract import Contract

from record_engine.batches import BatchMaker, Refused, line_array
from record_engine.checks import TYPED, Checker, Texts, is_typed
from record_engine.csv_split import LF, Records
from record_engine.files import Window
from record_engine.header import UNEXPECTED, Names, column_name, quoted
from record_engine.json_split import JsonSplitter, Layout
from record_engine.limits import Limits
from record_engine.text_records import MALFORMED, NUL, TOO_LONG, kept, kept_beginning, text_of, text_reason

Values = list[str | None]


class JsonFile:
    """A JSON file that is read; whatever is wrong with it is wrong with its records."""

    problem: str | None = None

    def __init__(
        self,
        window: Window,
        position: int,
        contract: Contract,
        checker: Checker,
        limits: Limits,
        names: Names,
        layout: Layout,
    ) -> None:
        self.rows_read = 0
        self._layout = layout
        self._in_path = names.in_path
        self._window = window
        self._limits = limits
        self._most = contract.max_record_bytes
        self._checker = checker
        self._maker = BatchMaker(position, contract)
        self._parser = JsonParser(contract, names)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The records, block by block, in the order of their lines."""
        return self._lines() if self._layout == "lines" else self._objects(JsonSplitter(self._layout, self._most))

    def _objects(self, splitter: JsonSplitter) -> Iterator[pa.RecordBatch]:
        window, size = self._window, self._limits.block_bytes
        window.fill(size)
        while window.data:
            found, done = splitter.split(window.data, window.line, ended=window.ended)
            window.drop(done, window.data.count(LF, 0, done))
            if splitter.skips:
                window.skip_line()
            self.rows_read += len(found.raws) + len(found.refused)
            yield from self._block(found)
            window.fill(size if done or not window.data else len(window.data) + size)
        rest = splitter.end()
        self.rows_read += len(rest.raws)
        yield from self._block(rest)

    def _lines(self) -> Iterator[pa.RecordBatch]:
        window, size, most = self._window, self._limits.block_bytes, self._most
        window.fill(size)
        while window.data:
            found = Records()
            done = window.data.rfind(LF) + 1
            if done:
                window.drop(done, found.add_lines(window.data[:done], window.line, most))
            elif len(window.data) > most + 1:
                found.refused.append((window.line, window.data[:most], TOO_LONG))
                window.skip_line()
            self.rows_read += len(found.raws) + len(found.refused)
            yield from self._block(found)
            window.fill(size if done or not window.data else len(window.data) + size)

    def _block(self, found: Records) -> Iterator[pa.RecordBatch]:
        refused: list[Refused] = [(line, kept_beginning(raw), [reason]) for line, raw, reason in found.refused]
        places: list[int] = []
        records: list[Values] = []
        for at, raw in enumerate(found.raws):
            values = self._parser.values(raw)
            if isinstance(values, str):
                refused.append((found.lines[at], kept(raw), [values]))
            else:
                places.append(at)
                records.append(values)
        yield from self._maker.refused(refused)
        if records:
            raws = found.raws
            lines = line_array([found.lines[at] for at in places])
            checked = self._checker.check(self._texts(records), len(records), self._in_path)
            yield from self._maker.checked(lines, checked, lambda at: kept(raws[places[at]]))

    def _texts(self, records: Sequence[Values]) -> dict[str, Texts]:
        columns = zip(*records, strict=True)
        arrays = [pa.array(column, pa.string()).dictionary_encode() for column in columns]
        return {
            name: Texts(array.indices, array.dictionary) for name, array in zip(self._parser.names, arrays, strict=True)
        }


class JsonParser:
    """Parses lines to the texts of the contract's columns."""

    def __init__(self, contract: Contract, of_files: Names) -> None:
        self.names = [column.name for column in contract.columns]
        self._of_files = of_files
        self._ignored = len(self.names)
        self._places = {name: place for place, name in enumerate(self.names)}
        # What is ignored has no place of its own.
        self._booleans = [*(is_typed("boolean", column) for column in contract.columns), False]
        self._numbers = [*(is_typed("number", column) for column in contract.columns), False]
        self._takes_nested = [*(column.type == "string" for column in contract.columns), True]
        self._paths = self._of_files.paths
        # Where numbers are told from texts.
        self._exactly = _decoder(_Number)
        self._decode = self._exactly if self._paths or any(self._numbers) else _decoder(str)
        # Lines with the same members in the same order come again and again.
        self._orders: dict[tuple[str, ...], list[int] | str] = {}

    def values(self, raw: bytes) -> Values | str:
        """The texts of a line, in the order of the contract's columns, or the reason why it cannot be read."""
        reason = text_reason(raw)
        if reason:
            return reason
        text = text_of(raw) or ""
        try:
            pairs = self._decode(text)
            escaped = "\\u" in text
            if escaped:
                json.dumps(pairs, ensure_ascii=False).encode()  # half of a surrogate pair is no text
            if not isinstance(pairs, _Pairs):
                return MALFORMED
            return self._values(text, self._flat(pairs) if self._paths else pairs, escaped=escaped)
        except (ValueError, RecursionError):
            return MALFORMED

    def _values(self, text: str, pairs: "_Pairs | str", *, escaped: bool) -> Values | str:
        if isinstance(pairs, str):
            return pairs
        if escaped and any(isinstance(value, str) and "\0" in value for _, value in pairs):
            return NUL
        order = self._order(tuple([name for name, _ in pairs]))
        if isinstance(order, str):
            return order
        # The last place is that of what is ignored.
        values: Values = [None] * (self._ignored + 1)
        for place, (_, value) in zip(order, pairs, strict=True):
            if value is None or value.__class__ is str:
                values[place] = value
            elif value.__class__ is _Number:
                values[place] = TYPED + value if self._numbers[place] else str(value)
            elif not isinstance(value, list):
                # A boolean: numbers are text, as they were written.
                values[place] = (TYPED if self._booleans[place] else "") + str(value).lower()
            elif place != self._ignored:
                if not self._takes_nested[place]:
                    return self._nested(pairs, order)
                if self._decode is not self._exactly:
                    exact = self._exactly(text)
                    value = next(each for name, each in exact if self._place(name) == place)
                values[place] = json_text(value)
        values.pop()
        return values

    def _order(self, members: tuple[str, ...]) -> list[int] | str:
        """Which columns the members of a record are, or the first reason that applies, in the order of the record."""
        found = self._orders.get(members)
        if found is None:
            found = self._look_up([column_name(member) for member in members])
            if len(self._orders) < 1_000:
                self._orders[members] = found
        return found

    def _look_up(self, names: list[str]) -> list[int] | str:
        columns = self._of_files.columns(names)
        for name, column in zip(names, columns, strict=True):
            if column is None and not self._of_files.is_ignored(name):
                return f"{UNEXPECTED}{quoted(name) or 'a member has no name'}"
        times = Counter(columns)
        for column in columns:
            if column is not None and times[column] > 1:
                return f"duplicate_column:{column}"
        return [self._ignored if column is None else self._places[column] for column in columns]

    def _place(self, name: str) -> int | None:
        return self._places.get(self._of_files.column(column_name(name)) or "")

    def _flat(self, pairs: "_Pairs") -> "_Pairs | str":
        """The members of a record, and of its objects where a column is found by a path; or why there is no path."""
        own = {column_name(name) for name, _ in pairs}
        found = _Pairs()
        # Objects to go through: the path to one, its members, and whether all of it is a column, too.
        waiting: list[tuple[str, _Pairs, bool]] = [("", pairs, False)]
        while waiting:
            prefix, members, is_kept = waiting.pop()
            for name, value in members:
                path = prefix + column_name(name)
                is_column = self._of_files.column(path) is not None
                if prefix and path in own:
                    continue
                if path not in self._paths or is_column:
                    if is_column or not is_kept:
                        found.append((path, value))
                elif value is not None and not isinstance(value, _Pairs):
                    return f"no_object:{quoted(path)}"
                if path in self._paths and isinstance(value, _Pairs):
                    waiting.append((f"{path}.", value, is_kept or is_column))
        return found

    def _nested(self, pairs: "_Pairs", order: Sequence[int]) -> str:
        places = (place for place, (_, value) in zip(order, pairs, strict=True) if isinstance(value, list))
        return f"nested_value:{self.names[next(place for place in places if not self._takes_nested[place])]}"


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def json_text(value: Any) -> str:
    """A value as JSON, without blanks between, its numbers as they were written."""
    if isinstance(value, _Pairs):
        return "{" + ",".join(f"{_text(name)}:{json_text(inner)}" for name, inner in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    return str(value) if isinstance(value, _Number) else _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _decoder(number: type[str]) -> Callable[[str], Any]:
    return json.JSONDecoder(
        object_pairs_hook=_Pairs, parse_int=number, parse_float=number, parse_constant=_refuse_constant
    ).decode


class _Number(str):
    """A number as the text that it is written in, where it matters that it is none of a string."""


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as its pairs, so that a repeated name is seen; a list, so that nesting is too."""
