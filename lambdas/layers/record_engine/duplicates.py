"""Knows the keys that were seen, so that the first record of a key wins (docs/semantics.md, section 5)."""

import pyarrow as pa
from pipeline_core.contract import Contract

from record_engine.arrow import Array, compute

SEPARATOR = "\0"
"""No value has one: a record with a NUL is refused."""


class SeenKeys:
    """Keys of the table, and of the records that came before.

    Each takes its text and some 130 bytes of memory, and this is all that grows with the number of rows.
    """

    def __init__(self, contract: Contract) -> None:
        self._columns = [(name, contract.column(name).type) for name in contract.key]
        self._seen: set[object] = set()

    def add(self, rows: pa.RecordBatch) -> None:
        """Have seen the keys of some rows; without a key, there is nothing to see."""
        self._seen.update(self._keys(rows))

    def first(self, rows: pa.RecordBatch) -> Array | None:
        """Which of some rows are the first of their key, as a mask; None if all are. Their keys are seen then."""
        if not self._columns:
            return None
        keys = self._keys(rows)
        new = set(keys)
        if len(new) == len(keys) and self._seen.isdisjoint(new):
            self._seen |= new
            return None
        mask = []
        for key in keys:
            mask.append(key not in self._seen)
            self._seen.add(key)
        return pa.array(mask, pa.bool_())

    def _keys(self, rows: pa.RecordBatch) -> list[object]:
        """A value for each row that is equal where the keys are."""
        texts = [_text(rows.column(name), kind) for name, kind in self._columns]
        joined = texts[0] if len(texts) == 1 else compute.binary_join_element_wise(*texts, SEPARATOR)
        keys: list[object] = joined.to_pylist()
        return keys


def _text(values: Array, kind: str) -> Array:
    if kind == "double":
        # A negative zero is equal to zero.
        values = compute.add(values, 0.0)
    elif kind == "date":
        values = values.cast(pa.int32())
    elif kind == "timestamp":
        values = values.cast(pa.int64())
    return values.cast(pa.string())
