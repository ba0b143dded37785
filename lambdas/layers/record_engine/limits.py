"""What the engine holds in memory at a time, and from where on a file is refused."""

from dataclasses import dataclass

from pipeline_core.layout import MAX_EXPANSION

MiB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The engine's bounds; how large a record may be is the contract's.

    `block_bytes` of text, unpacked, are worked on at a time, in about ten times as much memory (a record that is longer
    than a block takes its place), and `read_bytes` of a file are asked for at a time. `buffered_bytes` of typed rows
    wait before they are written.
    """

    block_bytes: int = 8 * MiB
    read_bytes: int = 4 * MiB
    buffered_bytes: int = 128 * MiB


MAX_PARQUET_CELLS = 2**30
"""Rows times columns that a small Parquet file may have: the engine reads some five million in a second, so that this
many are a matter of minutes, whatever the file's size is."""

MAX_PARQUET_BYTES = 8 * 1024 * MiB
"""Bytes of values that a small Parquet file may unpack to; at 20 MB/s they too are a matter of minutes."""


def is_parquet_bomb(*, rows: int, columns: int, unpacked: int, size: int) -> bool:
    """Whether a Parquet file has more in it than time allows, and more than a file of its size usually has.

    Honest encodings pack a million rows into a few kilobytes, so a ratio alone refuses nothing; a large file may have
    more cells than the absolute bounds say.
    """
    usual = MAX_EXPANSION * size
    return rows * columns > max(MAX_PARQUET_CELLS, usual) or unpacked > max(MAX_PARQUET_BYTES, usual)
