"""Keys of rows as texts that are equal where the keys are, and the order of rows that have one key."""

from collections.abc import Sequence

import pyarrow as pa
from pipeline_core.contract import LANDED, SOURCE, Contract

from record_engine.arrow import Array, compute

SEPARATOR = "\0"
"""No value has one: a record with a NUL is refused."""

Rows = pa.RecordBatch | pa.Table


def key_texts(rows: Rows, contract: Contract) -> Array:
    """A text for each row that is equal where the keys are."""
    texts = [_text(rows.column(name), contract.column(name).type) for name in contract.key]
    joined: Array = texts[0] if len(texts) == 1 else compute.binary_join_element_wise(*texts, SEPARATOR)
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def _text(values: Array, kind: str) -> Array:
    if kind == "double":
        # A negative zero is equal to zero.
        values = compute.add(values, 0.0)
    elif kind == "date":
        values = values.cast(pa.int32())
    elif kind == "timestamp":
        values = values.cast(pa.int64())
    return values.cast(pa.string())


def order_columns(contract: Contract) -> list[str]:
    """The columns that say which of two rows of a key is later; a null is before every value.

    The line of a row comes after them, where it is known.
    """
    return [*([contract.sequence] if contract.sequence else []), LANDED, SOURCE]


def is_later(rows: Sequence[Array], others: Sequence[Array]) -> Array:
    """Whether each of some rows is later than its counterpart, by columns of which the first that differs decides."""
    later = tied = None
    for mine, theirs in zip(rows, others, strict=True):
        here, there = compute.is_valid(mine), compute.is_valid(theirs)
        greater = compute.if_else(
            there, compute.and_(here, compute.fill_null(compute.greater(mine, theirs), False)), here
        )
        later = greater if later is None else compute.or_(later, compute.and_(tied, greater))
        same = equal(mine, theirs)
        tied = same if tied is None else compute.and_(tied, same)
    return later


def equal(mine: Array, theirs: Array) -> Array:
    """Whether values are equal; nulls are equal to each other."""
    both_null = compute.and_(compute.is_null(mine), compute.is_null(theirs))
    return compute.or_(both_null, compute.fill_null(compute.equal(mine, theirs), False))


def all_equal(rows: Rows, others: Rows, columns: Sequence[str]) -> Array:
    """Whether rows are equal to their counterparts in all of some columns."""
    found = pa.repeat(pa.scalar(True), rows.num_rows)
    for name in columns:
        found = compute.and_(found, equal(rows.column(name), others.column(name)))
    return found


def last_of_each(codes: Array, order: Sequence[Array]) -> Array:
    """For each code from 0 on, the place of its last row.

    Args:
        codes: a number for each row; none is left out.
        order: columns by which rows of one code follow each other.
    """
    columns = [codes]
    for column in order:
        # Nulls before every value.
        columns += [compute.is_valid(column), column]
    names = [str(place) for place in range(len(columns))]
    table = pa.Table.from_arrays(columns, names=names)
    places = compute.sort_indices(table, sort_keys=[(name, "ascending") for name in names])
    ordered = codes.take(places)
    is_last = pa.concat_arrays(
        [compute.not_equal(ordered.slice(0, len(ordered) - 1), ordered.slice(1)), pa.array([True])]
    )
    return places.filter(is_last)


def mask_of(places: Array, length: int) -> Array:
    """A mask of so many rows, true at some places."""
    return compute.is_in(pa.array(range(length), pa.int64()), value_set=places.cast(pa.int64()))
