"""1.3, 2: lines, and which columns the columns of a file are."""

import re
from collections.abc import Iterable, Iterator

from pipeline_core.contract import Contract

from tests.robustness.oracle.csv_record import csv_record


def lines_of(text: bytes) -> Iterator[tuple[int, bytes]]:
    lines = text.split(b"\n")
    last = lines.pop()
    for number, line in enumerate(lines, 1):
        yield number, line.removesuffix(b"\r")
    if last := last.removesuffix(b"\r"):
        yield len(lines) + 1, last


def text_reason_of(raw: bytes, most: int) -> tuple[str, str | None]:
    if len(raw) > most:
        # The end may be in the middle of a character.
        beginnings = (raw[: most - cut] for cut in range(4))
        text = next((one.decode() for one in beginnings if _is_utf8(one)), raw[:most].decode("latin-1"))
        return text, "too_long"
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1"), "encoding"
    return text, "nul_character" if "\x00" in text else None


def _is_utf8(raw: bytes) -> bool:
    return raw.decode("utf-8", "replace").encode() == raw


def name_of(text: str) -> str:
    return text.strip(" \t").lower()


def header_problems(names: list[str], contract: Contract, header: bytes | None = None) -> set[str]:
    """2.3: why a file with these columns is quarantined as a whole; 2.5: what is ignored is none of its columns.

    `header` is that of a CSV file.
    """
    found = _header_problems(names, contract)
    if header and not names:
        names = [name_of(header.decode("utf-8", "replace"))]
    if header and len(names) == 1 and column_of(names[0], contract) == names[0]:
        known = {column.name for column in contract.columns}
        for mark, shown in ((",", ","), (";", ";"), ("\t", "\\t"), ("|", "|")):
            parts = [column_of(name_of(part.strip("\"' \t")), contract) for part in names[0].split(mark)]
            if names[0] not in known and len(parts) > 1 and known & set(parts):
                found = {f"unexpected_column:one column `{shown_as(names[0])}`: is `{shown}` the delimiter?"}
                break
    return found


def cr_problems(header: bytes, contract: Contract) -> set[str]:
    """2.3: a CR in a header that is good up to there."""
    first, *others = header.split(b"\r")
    if others and first:
        record, _, _ = csv_record(first, 0, 1, contract.delimiter.encode(), contract.max_record_bytes, contract.dialect)
        names = [name_of(value.decode("utf-8", "replace")) for value in record.values or []]
        if not header_problems(names, contract):
            return {"unexpected_column:lines end in CR only; set lineEnds: any"}
    return set()


def shown_as(name: str) -> str:
    """2.3: 100 characters of a name, fit for a screen."""
    odd = {*map(chr, (*range(32), *range(127, 160))), *"\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e"}
    odd |= {*"\u2066\u2067\u2068\u2069\ufeff", *map(chr, range(0xD800, 0xE000))}
    escaped = [ascii(character)[1:-1] if character in odd else character for character in name[:100]]
    return "".join(escaped)


def _header_problems(names: list[str], contract: Contract) -> set[str]:
    kept = [column_of(name, contract) for name in names if not is_ignored(name, contract)]
    known = {column.name for column in contract.columns}
    unnamed = {f"unexpected_column:column {place} has no name" for place, name in enumerate(names, 1)
               if not name and not is_ignored(name, contract) and column_of(name, contract) not in known}  # fmt: skip
    if unnamed:
        others = _header_problems([name for name in names if name], contract)
        return unnamed | (others - {"no_known_column"})
    found = (
        {f"duplicate_column:{shown_as(name)}" for name in kept if kept.count(name) > 1}
        | {f"unexpected_column:{shown_as(name)}" for name in kept if name not in known}
        | {f"missing_column:{column.name}" for column in contract.columns if column.required} - {
            f"missing_column:{name}" for name in kept
        }
    )  # fmt: skip
    return found or (set() if kept else {"no_known_column"})


def column_of(name: str, contract: Contract) -> str:
    """2.1: the column of the table that a column of a file is; its own name, if it is none."""
    for column in contract.columns:
        if column.source is not None and name_of(column.source) == name:
            return column.name
    return name


def is_ignored(name: str, contract: Contract) -> bool:
    """2.5: whether a column of a file is left out."""
    if column_of(name, contract) in {column.name for column in contract.columns}:
        return False
    patterns = [".*".join(map(re.escape, name_of(pattern).split("*"))) for pattern in contract.ignored_columns]
    listed = any(re.fullmatch(pattern, name, re.DOTALL) for pattern in patterns)
    return listed or contract.unexpected_columns == "ignore"


def texts_of(names: list[str], values: Iterable[str | None], contract: Contract) -> dict[str, str | None]:
    """The texts of a record by the columns of the table."""
    pairs = zip(names, values, strict=True)
    return {column_of(name, contract): text for name, text in pairs if not is_ignored(name, contract)}
