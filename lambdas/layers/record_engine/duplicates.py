"""Knows the keys that were seen, so that the first record of a key wins (docs/semantics.md, section 5)."""

import pyarrow as pa
from pipeline_core.contract import Contract

from record_engine.arrow import Array
from record_engine.keys import key_texts


class SeenKeys:
    """Keys of the table, and of the records that came before.

    Each takes its text and some 130 bytes of memory, and this is all that grows with the number of rows.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._seen: set[object] = set()

    def add(self, rows: pa.RecordBatch) -> None:
        """Have seen the keys of some rows; without a key, there is nothing to see."""
        if self._contract.key:
            self._seen.update(self._keys(rows))

    def first(self, rows: pa.RecordBatch) -> Array | None:
        """Which of some rows are the first of their key, as a mask; None if all are. Their keys are seen then."""
        if not self._contract.key:
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
        keys: list[object] = key_texts(rows, self._contract).to_pylist()
        return keys
