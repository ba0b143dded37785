"""The Hive types that a Glue crawler gives to the columns of Parquet files."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

_SIMPLE: Final = {
    pa.bool_(): "boolean",
    pa.int8(): "tinyint",
    pa.int16(): "smallint",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.date32(): "date",
    pa.string(): "string",
    pa.large_string(): "string",
    pa.binary(): "binary",
}


def hive_type(kind: pa.DataType) -> str:
    """The Hive type of a column.

    Raises:
        ValueError: if Athena has no type for it.
    """
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if pa.types.is_timestamp(kind):
        return "timestamp"
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"array<{hive_type(kind.value_type)}>"
    if pa.types.is_map(kind):
        return f"map<{hive_type(kind.key_type)},{hive_type(kind.item_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{','.join(f'{inner.name}:{hive_type(inner.type)}' for inner in kind)}>"
    raise ValueError(f"Parquet's {kind} has no Hive type that Athena reads")
