"""The partitions that rows belong to: transforms of their columns (docs/semantics.md, section 6), without numpy."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pyarrow as pa
from pipeline_core import partitions
from pipeline_core.contract import Contract
from pipeline_core.partitions import PartitionField

from record_engine.arrow import Array, compute

UNPARTITIONED = ""

HOUR_MICROSECONDS = 3_600_000_000
DAY_MICROSECONDS = 24 * HOUR_MICROSECONDS
CYCLE_DAYS, CYCLE_YEARS = 146_097, 400
"""After so many days the calendar repeats; moments of the year 0 and 10000, which dates of Python cannot be, exist."""

WORD = 0xFFFFFFFF
C1, C2 = 0xCC9E2D51, 0x1B873593


class Folders:
    """Says in which partition of a table a row lies, as the folder of it (`year=2013/day_day=2013-01-31/`)."""

    def __init__(self, contract: Contract) -> None:
        self._is_iceberg = contract.is_iceberg
        self._fields = [(field, contract.column(field.column).type) for field in contract.partition_fields]

    def of(self, rows: pa.RecordBatch) -> Array:
        """The folder of every row, as a dictionary array."""
        texts: list[Array | str] = []
        for field, kind in self._fields:
            values = rows.column(field.column)
            text = _quoted(field_texts(field, kind, values)) if self._is_iceberg else values.cast(pa.string())
            texts += [f"{field.name}=", text, "/"]
        if not texts:
            texts = [pa.repeat(pa.scalar(UNPARTITIONED), rows.num_rows)]
        joined: Array = compute.binary_join_element_wise(*texts, "")
        return joined.dictionary_encode()


def field_texts(field: PartitionField, kind: str, values: Array) -> Array:
    """The text of a field's value for each of a column's values; see `PartitionField`.

    Args:
        field: of the partitions.
        kind: the type of its column.
        values: of the column.
    """
    match field.transform:
        case partitions.IDENTITY:
            return compute.fill_null(values.cast(pa.string()), partitions.NULL)
        case partitions.BUCKET:
            return _by_distinct(_buckets(kind, field.width, values), str)
        case partitions.TRUNCATE:
            return _by_distinct(values, _truncated(kind, field.width))
        case partitions.HOUR:
            return _by_distinct(_floored(values.cast(pa.int64()), HOUR_MICROSECONDS), _hour_text)
        case transform:
            days = (
                values.cast(pa.int32())
                if kind == "date"
                else _floored(values.cast(pa.int64()), DAY_MICROSECONDS).cast(pa.int32())
            )
            length = {partitions.YEAR: 4, partitions.MONTH: 7, partitions.DAY: 10}[transform]
            return _by_distinct(days, lambda day: _date_text(day, length))


def _by_distinct(values: Array, text: Callable[[Any], str]) -> Array:
    """The texts of values, each made once."""
    coded = values.dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    texts = pa.array([None if value is None else text(value) for value in _plain(coded.dictionary)], pa.string())
    return compute.fill_null(texts.take(coded.indices), partitions.NULL)


def _plain(values: Array) -> list[Any]:
    """Values for Python; moments as numbers, for Python has no year 0."""
    found: list[Any] = (values.cast(pa.int64()) if pa.types.is_timestamp(values.type) else values).to_pylist()
    return found


def _quoted(texts: Array) -> Array:
    return _by_distinct(texts, lambda text: quote(text, safe=""))


def _floored(values: Array, unit: int) -> Array:
    """Division that rounds down, as Arrow's does not."""
    quotient = compute.divide(values, unit)
    is_less = compute.less(compute.multiply(quotient, unit), values)
    rest_is_negative = compute.and_(
        compute.invert(is_less), compute.not_equal(compute.multiply(quotient, unit), values)
    )
    return compute.subtract(quotient, rest_is_negative.cast(pa.int64()))


def _date_text(days: int, length: int) -> str:
    """The date of a day since 1970, `2026-01-31`, or the first characters of it."""
    cycles, rest = divmod(days + 719_468, CYCLE_DAYS)
    # Days of March to February, in which the odd day comes last (Howard Hinnant, "chrono-Compatible Low-Level Date
    # Algorithms", 2021).
    year = (rest - rest // 1_460 + rest // 36_524 - rest // 146_096) // 365
    day_of_year = rest - (365 * year + year // 4 - year // 100)
    month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    year += cycles * CYCLE_YEARS + (month <= 2)
    text = f"{year:04d}-{month:02d}-{day:02d}"
    return text[: len(text) - (10 - length)]


def _hour_text(hours: int) -> str:
    day, hour = divmod(hours, 24)
    return f"{_date_text(day, 10)}-{hour:02d}"


def _truncated(kind: str, width: int) -> Callable[[Any], str]:
    if kind == "string":
        return lambda value: str(value[:width])
    if kind.startswith("decimal"):

        def truncated(value: Decimal) -> str:
            unscaled = _unscaled(value)
            # By its text: arithmetic would round to 28 digits.
            return format(Decimal(f"{unscaled - unscaled % width}e{value.as_tuple().exponent}"), "f")

        return truncated
    return lambda value: str(value - value % width)


def _buckets(kind: str, width: int, values: Array) -> Array:
    """Buckets by Iceberg's hash (specification, appendix B): murmur3, 32 bits, of the value's bytes."""
    if kind in ("int", "bigint", "date", "timestamp"):
        hashes = _hash_of_numbers(values.cast(pa.int32()) if kind == "date" else values)
    else:
        content: Callable[[Any], bytes] = _unscaled_bytes if kind.startswith("decimal") else str.encode
        coded = values.dictionary_encode()
        found = [None if value is None else murmur3(content(value)) for value in coded.dictionary.to_pylist()]
        hashes = pa.array(found, pa.uint32()).take(coded.indices)
    positive = compute.bit_wise_and(hashes, pa.scalar(0x7FFFFFFF, pa.uint32())).cast(pa.int64())
    return compute.subtract(positive, compute.multiply(compute.divide(positive, width), width))


def _unscaled(value: Decimal) -> int:
    sign, digits, _ = value.as_tuple()
    return int("".join(map(str, digits))) * (-1 if sign else 1)


def _unscaled_bytes(value: Decimal) -> bytes:
    """The fewest bytes of a decimal's digits as a number in two's complement, the highest first."""
    unscaled = _unscaled(value)
    bits = (unscaled if unscaled >= 0 else ~unscaled).bit_length()
    return unscaled.to_bytes(bits // 8 + 1, "big", signed=True)


def murmur3(content: bytes) -> int:
    """The murmur3 hash of 32 bits, with the seed 0 (Austin Appleby, MurmurHash3, public domain)."""
    value, whole = 0, len(content) // 4 * 4
    for at in range(0, whole, 4):
        value ^= _mixed(int.from_bytes(content[at : at + 4], "little"))
        value = (_rotated(value, 13) * 5 + 0xE6546B64) & WORD
    if whole < len(content):
        value ^= _mixed(int.from_bytes(content[whole:], "little"))
    value ^= len(content)
    value = ((value ^ value >> 16) * 0x85EBCA6B) & WORD
    value = ((value ^ value >> 13) * 0xC2B2AE35) & WORD
    return value ^ value >> 16


def _mixed(word: int) -> int:
    return (_rotated((word * C1) & WORD, 15) * C2) & WORD


def _rotated(word: int, bits: int) -> int:
    return ((word << bits) | (word >> (32 - bits))) & WORD


def _hash_of_numbers(values: Array) -> Array:
    """The hash of numbers as eight bytes, the lowest first: the same as `murmur3`, of all at once."""
    numbers = values.cast(pa.int64()).cast(pa.uint64(), safe=False)
    low = compute.bit_wise_and(numbers, pa.scalar(WORD, pa.uint64())).cast(pa.uint32())
    high = compute.shift_right(numbers, pa.scalar(32, pa.uint64())).cast(pa.uint32())
    hashes = _word(0)
    for word in (low, high):
        mixed = _times(_turned(_times(word, C1), 15), C2)
        hashes = compute.add(_times(_turned(compute.bit_wise_xor(hashes, mixed), 13), 5), _word(0xE6546B64))
    hashes = compute.bit_wise_xor(hashes, _word(8))
    for bits, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        hashes = _times(compute.bit_wise_xor(hashes, compute.shift_right(hashes, _word(bits))), factor)
    return compute.bit_wise_xor(hashes, compute.shift_right(hashes, _word(16)))


def _word(number: int) -> Array:
    return pa.scalar(number, pa.uint32())


def _times(words: Array, factor: int) -> Array:
    return compute.multiply(words, _word(factor))


def _turned(words: Array, bits: int) -> Array:
    left = compute.shift_left(words, _word(bits))
    return compute.bit_wise_or(left, compute.shift_right(words, _word(32 - bits)))
