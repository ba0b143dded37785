"""What a contract says of how its files are written, as `customProperties`, and what is allowed there."""

import codecs
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from open_data_contract_standard.model import SchemaProperty

KiB = 1024
RECORD_BYTES = (KiB, 64 * KiB * KiB)
"""Bytes that the bound of a record may have: the function `stage` holds a record about ten times."""

MAX_SKIPPED_LINES = 1_000
MAX_CHARACTERS = 10
"""Characters that a delimiter or the beginning of a comment may have."""

NO_TEXTS = ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "utf-7")
"""Codecs of Python that are no encoding of a file, or not of every machine."""

NULL_TOKENS = "a list of texts is needed, for example ['', 'NA']"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A property of the contract: where it stands in the compiled one, what it may be, and how that is said.

    `is_dialect` says that it stands in the object `dialect` there.
    """

    field: str
    allows: Callable[[Any], bool]
    allowed: str
    is_dialect: bool = True


TRUTH = "true or false is needed, without quotes"
MARK = "one punctuation character is needed, or '' for none"
BEGINNING = f"1 to {MAX_CHARACTERS} characters are needed, not a double quote, a line break, a NUL or a byte order mark"
SETTINGS: dict[str, Setting] = {
    "maxRecordBytes": Setting(
        field="max_record_bytes",
        allows=lambda value: _is_whole(value, *RECORD_BYTES),
        allowed=f"allowed: {RECORD_BYTES[0]} to {RECORD_BYTES[1]} (bytes of one record of a text file)",
        is_dialect=False,
    ),
    "delimiter": Setting(
        field="delimiter",
        allows=lambda value: _is_beginning(value) and not (len(value) > 1 and value[0] in " \t"),
        allowed=f"{BEGINNING}; several begin with no blank",
        is_dialect=False,
    ),
    "quote": Setting(field="quote", allows=lambda value: _is_mark(value), allowed=MARK),
    "escape": Setting(field="escape", allows=lambda value: _is_mark(value), allowed=MARK),
    "header": Setting(field="header", allows=lambda value: isinstance(value, bool), allowed=TRUTH),
    "skipLines": Setting(
        field="skip_lines",
        allows=lambda value: _is_whole(value, 0, MAX_SKIPPED_LINES),
        allowed=f"allowed: 0 to {MAX_SKIPPED_LINES}",
    ),
    "comment": Setting(
        field="comment",
        allows=lambda value: _is_beginning(value),
        allowed=BEGINNING,
    ),
    "trim": Setting(field="trim", allows=lambda value: isinstance(value, bool), allowed=TRUTH),
    "encoding": Setting(
        field="encoding",
        allows=lambda value: isinstance(value, str) and _codec(value) is not None,
        allowed="it is no encoding of text that Python knows, for example utf-8, utf-16, windows-1252",
    ),
    "lineEnds": Setting(
        field="line_ends", allows=lambda value: value in ("lf", "any"), allowed="allowed: lf (with a CR or not), any"
    ),
}


def compiled(custom: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the compiled contract that `customProperties` say something of."""
    said = {setting: custom[name] for name, setting in SETTINGS.items() if name in custom}
    dialect = {
        setting.field: _codec(value) if setting.field == "encoding" else value
        for setting, value in said.items()
        if setting.is_dialect
    }
    own = {setting.field: value for setting, value in said.items() if not setting.is_dialect}
    return {"delimiter": ",", **own, "dialect": dialect}


def problems(custom: Mapping[str, Any]) -> Iterator[str]:
    """Say which settings, each allowed by itself, cannot stand together."""
    delimiter, quote, escape = custom.get("delimiter", ","), custom.get("quote", '"'), custom.get("escape", "")
    if quote and quote == escape:
        yield f"customProperties (escape): {escape!r} is the quote too; leave it out where a quote in quotes is doubled"
    for name, mark in (("quote", quote), ("escape", escape)):
        if mark and isinstance(delimiter, str) and str(mark) in delimiter:
            yield f"customProperties (delimiter): {delimiter!r} has the {name} {mark!r} in it; change one of them"


def column_problems(column: SchemaProperty) -> Iterator[str]:
    """Say what a column's `customProperties` say wrongly of how its values are written."""
    for item in column.customProperties or []:
        if item.property == "nullTokens" and not is_null_tokens(item.value):
            yield f"customProperties (nullTokens): {item.value!r}; {NULL_TOKENS}"


def column_fields(column: SchemaProperty) -> dict[str, Any]:
    """The fields of a compiled column that its `customProperties` say something of."""
    said = {item.property: item.value for item in column.customProperties or []}
    return {"null_tokens": said["nullTokens"]} if "nullTokens" in said else {}


def is_null_tokens(value: Any) -> bool:
    """Whether a value is a list of texts."""
    return isinstance(value, list) and all(isinstance(token, str) for token in value)


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_beginning(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= MAX_CHARACTERS and not set(value) & set('"\r\n\0\ufeff')


def _is_mark(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > 1:
        return False
    return not value or (value.isascii() and value.isprintable() and not value.isalnum() and value != " ")


def _codec(name: str) -> str | None:
    """Python's own name of an encoding; None if it is none of text."""
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    own = "utf-8" if found.name == "utf-8-sig" else found.name
    # What is no text encoding (base64, rot13) has no text of bytes.
    is_text = getattr(found, "_is_text_encoding", True) and found.incrementaldecoder is not None
    return own if is_text and own not in NO_TEXTS else None
