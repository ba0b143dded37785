"""Batches of records, as the engine gives them: one row a record, the valid ones apart from the refused."""

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
from pipeline_core.contract import Contract

from record_engine.arrow import Array, compute, nulls
from record_engine.checks import Checked
from record_engine.keys import mask_of
from record_engine.values import arrow_type

REASONS = pa.list_(pa.string())

Raws = Callable[[int], str | None]
"""Gives a record as it came by its place among the checked ones; only the refused ones are asked for."""

Refused = tuple[int, str | None, list[str]]
"""A record that is refused: its line, the record as it came, and its reasons."""


def record_schema(contract: Contract) -> pa.Schema:
    """Columns of the batches: file (position in the manifest), line, record as it came, reasons, and the contract's.

    `_raw` is null in a valid record; the contract's columns are null in a refused one.
    """
    own: list[tuple[str, pa.DataType]] = [
        ("_file", pa.int32()),
        ("_line", pa.int64()),
        ("_raw", pa.string()),
        ("_reasons", REASONS),
    ]
    return pa.schema([*own, *((column.name, arrow_type(column.type)) for column in contract.columns)])


class BatchMaker:
    """Makes the batches of one file."""

    def __init__(self, position: int, contract: Contract) -> None:
        self._position = position
        self._schema = record_schema(contract)
        self._types = [arrow_type(column.type) for column in contract.columns]

    def checked(self, lines: Array, checked: Checked, raws: Raws) -> Iterator[pa.RecordBatch]:
        """The batches of checked records: first the valid ones, then those with reasons."""
        columns = list(checked.columns.values())
        wrong = sorted(checked.reasons)
        if not wrong:
            yield self._valid(lines, columns)
            return
        if len(wrong) < len(lines):
            keep = compute.invert(mask_of(pa.array(wrong, pa.int64()), len(lines)))
            yield self._valid(lines.filter(keep), [column.filter(keep) for column in columns])
        numbers = lines.take(pa.array(wrong, pa.int64())).to_pylist()
        yield from self.refused(
            [(line, raws(at), checked.reasons[at]) for line, at in zip(numbers, wrong, strict=True)]
        )

    def _valid(self, lines: Array, columns: Sequence[Array]) -> pa.RecordBatch:
        rows = len(lines)
        none = pa.ListArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), rows + 1), pa.array([], pa.string()))
        arrays = [self._positions(rows), lines, nulls(rows, pa.string()), none, *columns]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def refused(self, records: Sequence[Refused]) -> Iterator[pa.RecordBatch]:
        """The batch of refused records, if there are any."""
        rows = len(records)
        if not rows:
            return
        lines, raws, reasons = zip(*records, strict=True)
        arrays = [
            self._positions(rows),
            pa.array(lines, pa.int64()),
            pa.array(raws, pa.string()),
            pa.array(reasons, REASONS),
            *(nulls(rows, kind) for kind in self._types),
        ]
        yield pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _positions(self, rows: int) -> Array:
        return pa.repeat(pa.scalar(self._position, pa.int32()), rows)

    def summary(self, problem: str | None, rows_read: int) -> pa.RecordBatch:
        """What was found out about the file, as a row that is no record: its line is 0."""
        [batch] = self.refused([(0, problem, [str(rows_read)])])
        return batch


def is_summary(batch: pa.RecordBatch) -> bool:
    """Whether a batch is the one row that closes a file."""
    return batch.num_rows == 1 and batch.column("_line")[0].as_py() == 0


def line_array(lines: Sequence[int]) -> Array:
    """Line numbers as an array."""
    return pa.array(lines, pa.int64())
