"""What a contract says of how its files are written, as `customProperties`, and what is allowed there."""

import codecs
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from open_data_contract_standard.model import SchemaProperty
from pipeline_core.date_patterns import ALLOWED, DEFAULTS, EPOCHS, FormatError, date_pattern

KiB = 1024
RECORD_BYTES = (KiB, 64 * KiB * KiB)
"""Bytes that the bound of a record may have: the function `stage` holds a record about ten times."""

MAX_SKIPPED_LINES = 1_000
MAX_CHARACTERS = 10
"""Characters that a delimiter or the beginning of a comment may have."""

NO_TEXTS = ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "utf-7")
"""Codecs of Python that are no encoding of a file, or not of every machine."""

NULL_TOKENS = "a list of texts is needed, for example ['', 'NA']"


def is_null_tokens(value: Any) -> bool:
    """Whether a value is a list of texts."""
    return isinstance(value, list) and all(isinstance(token, str) for token in value)


def is_truth(value: Any) -> bool:
    """Whether a value is true or false."""
    return isinstance(value, bool)


def is_whole(value: Any, least: int, most: int) -> bool:
    """Whether a value is a whole number within bounds."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_beginning(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= MAX_CHARACTERS and not set(value) & set('"\r\n\0\ufeff')


def _is_sign(text: str) -> bool:
    return bool(text) and text == text.strip() and not set(text) & set("0123456789+-")


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
        allows=lambda value: is_whole(value, *RECORD_BYTES),
        allowed=f"allowed: {RECORD_BYTES[0]} to {RECORD_BYTES[1]} (bytes of one record of a text file)",
        is_dialect=False,
    ),
    "delimiter": Setting(
        field="delimiter",
        allows=lambda value: _is_beginning(value) and not (len(value) > 1 and value[0] in " \t"),
        allowed=f"{BEGINNING}; several begin with no blank",
        is_dialect=False,
    ),
    "quote": Setting(field="quote", allows=_is_mark, allowed=MARK),
    "escape": Setting(field="escape", allows=_is_mark, allowed=MARK),
    "header": Setting(field="header", allows=is_truth, allowed=TRUTH),
    "skipLines": Setting(
        field="skip_lines",
        allows=lambda value: is_whole(value, 0, MAX_SKIPPED_LINES),
        allowed=f"allowed: 0 to {MAX_SKIPPED_LINES}",
    ),
    "comment": Setting(field="comment", allows=_is_beginning, allowed=BEGINNING),
    "trim": Setting(field="trim", allows=is_truth, allowed=TRUTH),
    "encoding": Setting(
        field="encoding",
        allows=lambda value: isinstance(value, str) and _codec(value) is not None,
        allowed="it is no encoding of text that Python knows, for example utf-8, utf-16, windows-1252",
    ),
    "lineEnds": Setting(
        field="line_ends", allows=lambda value: value in ("lf", "any"), allowed="allowed: lf (with a CR or not), any"
    ),
}


NUMBERS, BOOLEANS = ("int", "bigint", "double", "decimal"), ("boolean",)
THOUSANDS = (",", ".", " ", "'", "_", "\u00a0", "\u202f", "\u2019")
WORDS = "a list of texts is needed, for example ['yes', 'y']"


@dataclass(frozen=True, kw_only=True)
class ValueSetting:
    """A property of a column, or of all columns of its types: how their values are written in files."""

    field: str
    types: tuple[str, ...]
    allows: Callable[[Any], bool]
    allowed: str


def _moments(kind: str) -> ValueSetting:
    return ValueSetting(
        field="format",
        types=(kind,),
        allows=lambda value: not list(format_problems(value, kind)),
        allowed=f"it is no format of a {kind}; {ALLOWED}",
    )


VALUE_SETTINGS: dict[str, ValueSetting] = {
    "dateFormat": _moments("date"),
    "timestampFormat": _moments("timestamp"),
    "decimalSeparator": ValueSetting(
        field="decimal_separator", types=NUMBERS, allows=lambda value: value in (".", ","), allowed="allowed: '.', ','"
    ),
    "thousandsSeparator": ValueSetting(
        field="thousands_separator",
        types=NUMBERS,
        allows=lambda value: value in ("", *THOUSANDS),
        allowed=f"allowed: {', '.join(map(repr, THOUSANDS))}, or '' for none",
    ),
    "currencySigns": ValueSetting(
        field="currency_signs",
        types=NUMBERS,
        allows=lambda value: is_null_tokens(value) and all(_is_sign(sign) for sign in value),
        allowed="a list of texts without digits, signs and separators of numbers is needed, for example ['$', 'EUR']",
    ),
    "trueWords": ValueSetting(
        field="true_words", types=BOOLEANS, allows=lambda value: is_null_tokens(value) and bool(value), allowed=WORDS
    ),
    "falseWords": ValueSetting(
        field="false_words", types=BOOLEANS, allows=lambda value: is_null_tokens(value) and bool(value), allowed=WORDS
    ),
}
"""Settings of values, by the name of the property, which a contract, a table or a column may have."""

WORDS_OF = {"true_words": ("true", "1"), "false_words": ("false", "0")}
"""Words of booleans where a contract gives none (docs/semantics.md, section 3.3)."""


def format_problems(value: object, kind: str) -> Iterator[str]:
    """Say why a format of a date or timestamp column is none that files can be read by."""
    if not isinstance(value, str) or not value:
        yield f"{value!r}; {ALLOWED}"
    elif value not in EPOCHS and value not in DEFAULTS[kind]:
        try:
            date_pattern(value, kind)
        except FormatError as error:
            yield f"{value!r}: {error}"


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


def column_problems(column: SchemaProperty, kind: str, custom: Mapping[str, Any]) -> Iterator[str]:
    """Say what a column's `customProperties` say wrongly of how its values are written.

    Args:
        column: as the contract has it.
        kind: its type in the table.
        custom: the settings of its table.
    """
    is_wrong = False
    for item in column.customProperties or []:
        setting = VALUE_SETTINGS.get(item.property or "")
        where = f"customProperties ({item.property}): {item.value!r}"
        if item.property == "nullTokens" and not is_null_tokens(item.value):
            yield f"{where}; {NULL_TOKENS}"
        elif setting is not None and not setting.allows(item.value):
            is_wrong = True
            yield f"{where}; {setting.allowed}"
        elif setting is not None and kind.split("(")[0] not in setting.types:
            yield f"{where}; a {kind} column has none: it is for {', '.join(setting.types)}"
    said = written(column, kind, {name: value for name, value in custom.items() if _is_good(name, value)})
    if is_wrong or not said:
        return
    decimal, thousands = said.get("decimal_separator", "."), said.get("thousands_separator")
    if decimal == thousands:
        yield (
            f"customProperties (thousandsSeparator): {thousands!r} is the decimalSeparator too ('.' where there is "
            "none); change one of them"
        )
    if any(sign and set(sign) & {decimal, thousands} for sign in said.get("currency_signs", ())):
        yield f"customProperties (currencySigns): {said['currency_signs']!r} have a separator of numbers in them"
    true, false = ({word.lower() for word in said.get(name, usual)} for name, usual in WORDS_OF.items())
    if both := sorted(true & false):
        yield (
            f"customProperties (trueWords, falseWords): {', '.join(both)} would be both; say both lists (true, 1 and "
            "false, 0 are meant where there is none)"
        )


def _is_good(name: str, value: Any) -> bool:
    return name in VALUE_SETTINGS and VALUE_SETTINGS[name].allows(value)


def column_fields(column: SchemaProperty, kind: str, custom: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a compiled column that `customProperties`, its own or its table's, say something of."""
    said = {item.property: item.value for item in column.customProperties or []}
    null_tokens = {"null_tokens": said["nullTokens"]} if "nullTokens" in said else {}
    found = written(column, kind, custom)
    return null_tokens | ({"written": found} if found else {})


def written(column: SchemaProperty, kind: str, custom: Mapping[str, Any]) -> dict[str, Any]:
    """How the values of a column are written, as far as it is not as usual."""
    own = {item.property or "": item.value for item in column.customProperties or []}
    said = {**custom, **own}
    plain = kind.split("(")[0]
    found = {
        setting.field: said[name] for name, setting in VALUE_SETTINGS.items() if name in said and plain in setting.types
    }
    if plain in DEFAULTS:
        format_ = (column.logicalTypeOptions or {}).get("format", found.pop("format", None))
        if format_ is not None and format_ not in DEFAULTS[plain]:
            found["format"] = format_
    return found
