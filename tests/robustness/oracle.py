"""What becomes of every record, computed in plain Python from docs/semantics.md; the numbers are its sections.

Nothing of an engine is imported. It is slow, looks at every byte, and holds files in memory: it is what every engine
is compared with. Where the document is silent, `READINGS` says how it was read.
"""

import base64
import bz2
import codecs
import datetime as dt
import gzip
import io
import json
import re
import zipfile
import zoneinfo
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pipeline_core.contract import Column, Contract
from pipeline_core.dialect import Dialect, Written

READINGS = (
    "2.3 A JSON record that lacks a required column has required:<c>, not missing_column:<c>.",
    "3.3 A sign may precede every number; `5.` has a fraction of no digits; leading zeros are no digits of a decimal.",
    "3.4 Of a local time that exists twice the first is meant; one in a gap counts on from before the gap.",
)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass
class Record:
    """One record: where it stands, how it came, why it cannot be read, and the text of its columns."""

    line: int
    raw: str | None
    reasons: set[str] = field(default_factory=set)
    texts: dict[str, str | None] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    # What the values of a JSON or Parquet file are by their type: "number", "boolean" or "moment".
    kinds: dict[str, str] = field(default_factory=dict)


@dataclass
class Outcome:
    """The fate of a file's records."""

    curated: list[Record] = field(default_factory=list)
    quarantined: list[Record] = field(default_factory=list)
    duplicates: list[Record] = field(default_factory=list)
    problems: set[str] = field(default_factory=set)

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Read, curated, quarantined, duplicates."""
        fates = len(self.curated), len(self.quarantined), len(self.duplicates)
        return (sum(fates), *fates)


def judge(files: Mapping[str, bytes], contract: Contract) -> dict[str, Outcome]:
    """The fate of every record of a batch, whose files are in the order of the manifest; nothing is published yet."""
    outcomes = {}
    taken: set[tuple[Any, ...]] = set()
    for name, content in files.items():
        outcome = outcomes[name] = Outcome()
        in_path = path_texts(name, contract)
        outcome.problems, records = _records(name, content, _less_required(contract, in_path))
        for record in records:
            if not record.reasons:
                _check(record, contract, in_path)
            key = tuple(record.values.get(column) for column in contract.primary_key)
            if record.reasons:
                outcome.quarantined.append(record)
            elif key in taken and contract.write_mode == "first":
                outcome.duplicates.append(record)
            else:
                taken.add(key)
                outcome.curated.append(record)
    return outcomes


def _records(name: str, content: bytes, contract: Contract) -> tuple[set[str], list[Record]]:
    most, dialect, unpacked = contract.max_record_bytes, contract.dialect, content
    if packing := _packing(content):
        unpack = UNPACK[packing]
        try:
            unpacked = unpack(content)
        except Exception:  # noqa: BLE001  whatever a library says of a damaged file
            return {"unreadable"}, []
        if len(unpacked) > 200 * len(content):
            return {f"{packing}_bomb"}, []
    marks = [("utf-32", codecs.BOM_UTF32_LE), ("utf-32", codecs.BOM_UTF32_BE)]
    marks += [("utf-16", codecs.BOM_UTF16_LE), ("utf-16", codecs.BOM_UTF16_BE)]
    marked = next((found for found, mark in marks if unpacked.startswith(mark)), None)
    encoding = marked if marked and dialect.encoding == "utf-8" else dialect.encoding
    if encoding in ("utf-16", "utf-32") and not marked:
        encoding += "-le"
    kind, problem = _format(name.lower(), unpacked[:4096], encoding, contract.formats)
    if problem or kind not in contract.formats:
        return {problem or "unknown_format"}, []
    if kind == "parquet":
        return ({"unreadable"}, []) if packing else _parquet(unpacked, contract)
    text = _in_utf8(unpacked, encoding) if encoding != "utf-8" else unpacked
    if dialect.line_ends == "any":
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    text = text.removeprefix(b"\xef\xbb\xbf")
    if kind == "jsonl":
        return set(), [_json(number, raw, contract, most) for number, raw in _json_raws(text, unpacked, encoding, most)]
    return _csv_file(name, text, contract, most)


def _unzipped(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (member,) = [each for each in archive.infolist() if not re.search(r"/$|(^|/)[._]", each.filename)]
        return archive.read(member)


def _unbzipped(content: bytes) -> bytes:
    found = b""
    while content:
        member = bz2.BZ2Decompressor()
        found += member.decompress(content)
        if not member.eof:
            raise EOFError("cut off")
        content = member.unused_data.lstrip(b"\0")
    return found


UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "bzip2": _unbzipped,
    "zstd": lambda content: pa.CompressedInputStream(pa.BufferReader(content), "zstd").read(),
    "zip": _unzipped,
}


OTHERS = re.compile(
    rb"\x89PNG|\xff\xd8\xff|GIF8|%PDF-|\x7fELF|\xd0\xcf\x11\xe0|Obj\x01|ORC[\n\x08]|ARROW1\0|SQLite format 3\0|"
    rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07|\xfd7zXZ\0|\x04\x22\x4d\x18|\xff\x06\0\0sNaPpY"
)


def _packing(content: bytes) -> str | None:
    begins = [("gzip", b"\x1f\x8b\x08"), ("bzip2", b"BZh"), ("zstd", b"\x28\xb5\x2f\xfd"), ("zip", b"PK\x03\x04")]
    begins.append(("zip", b"PK\x05\x06"))
    return next((name for name, begin in begins if content.startswith(begin)), None)


def _format(name: str, beginning: bytes, encoding: str, formats: Sequence[str]) -> tuple[str, str | None]:
    """1.2: the format of an unpacked content; and why it is refused."""
    if beginning.startswith(b"PAR1"):
        return "parquet", None
    hint = re.search(r"\.(csv|tsv|jsonl|ndjson|json|parquet|parq)(\.(gz|gzip|bz2|zst|zstd|zip))*$", name)
    said = {"c": "csv", "t": "csv", "j": "jsonl", "n": "jsonl", "p": "parquet"}[hint[1][0]] if hint else None
    text = beginning.decode(encoding, "replace").removeprefix("\ufeff")
    controls = [
        character
        for character in text
        if (character <= "\x1a" and character not in "\t\n\r\f\x01") or character in "\x7f\ufffd"
    ]
    if said == "parquet" and (controls or not beginning):
        return "parquet", None
    if _packing(beginning) or OTHERS.match(beginning) or (len(controls) > 16 and 20 * len(controls) > len(text)):
        return "csv", "not_text"
    kinds = [each for each in formats if each != "parquet"]
    if re.match(r"\s*(\{\s*[\"}]|\[\s*[{\]])", text) and ("jsonl" in formats or said is None):
        return "jsonl", None
    return said if said in ("csv", "jsonl") else kinds[0] if kinds else "csv", None


def _in_utf8(content: bytes, encoding: str) -> bytes:
    """10.3: the text in UTF-8; a byte that is none is half a surrogate pair."""
    text, at = "", 0
    while at < len(content):
        try:
            text += content[at:].decode(encoding)
            break
        except UnicodeDecodeError as error:
            text += content[at : at + error.start].decode(encoding)
            wrong = content[at + error.start : at + error.end]
            text += "".join(chr(0xDC00 + byte) for byte in wrong)
            at += error.end
            if encoding == "utf-16":
                # The mark is read; what follows has the same order.
                encoding = "utf-16-le" if content.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
    return text.encode("utf-8", "surrogatepass")


# ------------------------------------------------------------------------------------------------ 1, 2: files


def _lines(text: bytes) -> Iterator[tuple[int, bytes]]:
    lines = text.split(b"\n")
    last = lines.pop()
    for number, line in enumerate(lines, 1):
        yield number, line.removesuffix(b"\r")
    if last := last.removesuffix(b"\r"):
        yield len(lines) + 1, last


def _text_reason(raw: bytes, most: int) -> tuple[str, str | None]:
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


def _name(text: str) -> str:
    return text.strip(" \t").lower()


def header_problems(names: list[str], contract: Contract, header: bytes | None = None) -> set[str]:
    """2.3: why a file with these columns is quarantined as a whole; 2.5: what is ignored is none of its columns.

    `header` is that of a CSV file.
    """
    found = _header_problems(names, contract)
    if header and not names:
        names = [_name(header.decode("utf-8", "replace"))]
    if header and len(names) == 1 and column_of(names[0], contract) == names[0]:
        known = {column.name for column in contract.columns}
        for mark, shown in ((",", ","), (";", ";"), ("\t", "\\t"), ("|", "|")):
            parts = [column_of(_name(part.strip("\"' \t")), contract) for part in names[0].split(mark)]
            if names[0] not in known and len(parts) > 1 and known & set(parts):
                found = {f"unexpected_column:one column `{_shown(names[0])}`: is `{shown}` the delimiter?"}
                break
    return found


def _cr_problems(header: bytes, contract: Contract) -> set[str]:
    """2.3: a CR in a header that is good up to there."""
    first, *others = header.split(b"\r")
    if others and first:
        record, _, _ = _csv_record(
            first, 0, 1, contract.delimiter.encode(), contract.max_record_bytes, contract.dialect
        )
        names = [_name(value.decode("utf-8", "replace")) for value in record.values or []]
        if not header_problems(names, contract):
            return {"unexpected_column:lines end in CR only; set lineEnds: any"}
    return set()


def _shown(name: str) -> str:
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
        {f"duplicate_column:{_shown(name)}" for name in kept if kept.count(name) > 1}
        | {f"unexpected_column:{_shown(name)}" for name in kept if name not in known}
        | {f"missing_column:{column.name}" for column in contract.columns if column.required} - {
            f"missing_column:{name}" for name in kept
        }
    )  # fmt: skip
    return found or (set() if kept else {"no_known_column"})


def column_of(name: str, contract: Contract) -> str:
    """2.1: the column of the table that a column of a file is; its own name, if it is none."""
    for column in contract.columns:
        if column.source is not None and _name(column.source) == name:
            return column.name
    return name


def is_ignored(name: str, contract: Contract) -> bool:
    """2.5: whether a column of a file is left out."""
    if column_of(name, contract) in {column.name for column in contract.columns}:
        return False
    patterns = [".*".join(map(re.escape, _name(pattern).split("*"))) for pattern in contract.ignored_columns]
    listed = any(re.fullmatch(pattern, name, re.DOTALL) for pattern in patterns)
    return listed or contract.unexpected_columns == "ignore"


def texts_of(names: list[str], values: Iterable[str | None], contract: Contract) -> dict[str, str | None]:
    """The texts of a record by the columns of the table."""
    pairs = zip(names, values, strict=True)
    return {column_of(name, contract): text for name, text in pairs if not is_ignored(name, contract)}


def _csv_file(key: str, text: bytes, contract: Contract, most: int) -> tuple[set[str], list[Record]]:
    dialect, delimiter = contract.dialect, contract.delimiter.encode()
    line, at = 1, 0

    def next_line() -> None:
        nonlocal line, at
        end = text.find(b"\n", at)
        at, line = (len(text) if end < 0 else end + 1), line + 1

    for _ in range(dialect.skip_lines):
        next_line()

    def is_comment() -> bool:
        return bool(dialect.comment) and text.startswith(dialect.comment.encode(), at)

    while is_comment():
        next_line()
    if dialect.header:
        first, line, at = _csv_record(text, at, line, delimiter, most, dialect)
        names = [_name(value.decode("utf-8", "replace")) for value in first.values or [] if first.raw]
    else:
        names = [column.name for column in contract.columns if column.name not in path_texts(key, contract)]
    header = first.raw[:most] if dialect.header else None
    problems = header_problems(names, contract, header)
    problems = (_cr_problems(header, contract) if problems and header else set()) or problems
    records = []
    while at < len(text):
        if is_comment():
            next_line()
            continue
        begun = line
        found, line, at = _csv_record(text, at, line, delimiter, most, dialect)
        if not found.raw:
            continue
        raw, reason = _text_reason(found.raw, most)
        record = Record(begun, raw)
        records.append(record)
        if problems:
            record.reasons = problems | ({reason} if reason else set())
        elif reason:
            record.reasons = {reason}
        elif found.values is None or len(found.values) != len(names):
            record.reasons = {"malformed_row"}
        else:
            record.texts = texts_of(names, (value.decode() for value in found.values), contract)
    return problems, records


@dataclass
class _CsvRecord:
    """A record as its bytes, without its line end, and as its values; None if it is malformed."""

    raw: bytes
    values: list[bytes] | None


def _csv_record(
    text: bytes, begin: int, line: int, delimiter: bytes, most: int, dialect: Dialect
) -> tuple[_CsvRecord, int, int]:
    """1.4, 10.2: the record that begins there, with the line and the place that come after it; read byte by byte."""
    quote, escape = dialect.quote.encode(), dialect.escape.encode()
    values, value = [], bytearray()
    state, malformed, lines, at = "start", False, 0, begin
    while at < len(text):
        here = text[at : at + 1]
        ends_line = here == b"\n" or (here == b"\r" and text[at + 1 : at + 2] in (b"\n", b""))
        escaped = here == escape and (state == "quoted" or not quote)
        lines += here == b"\n"
        if escaped:
            behind = text[at + 1 :]
            if not behind or (not quote and behind == b"\r"):
                # At the end of the file it takes the line end that is not there.
                state = "quoted"
                break
            known = [quote, escape] if quote else [delimiter, escape, b"\r\n", b"\n", b"\r"]
            letters = {} if quote else {b"n": b"\n", b"r": b"\r", b"t": b"\t"}
            taken = next((each for each in known if behind.startswith(each)), None)
            if taken is not None:
                value += taken
            else:
                taken = behind[:1]
                value += letters.get(taken, escape + taken)
            lines += taken.count(b"\n")
            at += 1 + len(taken)
            state = state if quote else "unquoted"
        elif state == "quoted":
            if here != quote:
                value += here
            elif text[at + 1 : at + 2] == quote and not escape:
                value += here
                at += 1
            else:
                state = "closed"
            at += 1
        elif ends_line:
            at += 1
            if here == b"\r" and at < len(text):
                at += 1
                lines += 1
            raw = text[begin:at].removesuffix(b"\n").removesuffix(b"\r")
            if len(raw) > most:
                break
            values.append(bytes(value))
            return _CsvRecord(raw, None if malformed else values), line + lines, at
        elif text.startswith(delimiter, at):
            values.append(bytes(value))
            value.clear()
            state = "start"
            at += len(delimiter)
        elif quote and state == "start" and here == quote:
            state = "quoted"
            at += 1
        elif state == "closed" and here in (b" ", b"\t"):
            at += 1
        else:
            malformed |= state == "closed"
            state = "unquoted"
            value += here
            at += 1
    raw = text[begin:]
    if state != "quoted" and at == len(text) and len(raw) <= most and not raw.endswith(b"\n"):
        values.append(bytes(value))
        return _CsvRecord(raw, None if malformed else values), line + lines, at
    end = text.find(b"\n", begin)
    end = len(text) if end < 0 else end
    return _CsvRecord(text[begin:end].removesuffix(b"\r"), None), line + 1, end + 1


class _Pairs(list[tuple[str, Any]]):
    pass


class _Number(str):
    pass


def _no_constant(text: str) -> None:
    raise ValueError(text)


def _json_raws(text: bytes, unpacked: bytes, encoding: str, most: int) -> list[tuple[int, bytes]]:
    """1.5: the records of a JSON file, with their numbers."""
    layout = _json_layout(unpacked[:4096].decode(encoding, "replace").removeprefix("\ufeff"), len(unpacked) < 4096)
    if layout == "lines":
        return [(number, line) for number, line in _lines(text) if line]
    if text and not text.endswith(b"\n"):
        text += b"\n"
    found: list[tuple[int, bytes]] = []
    at, opened = 0, 0
    while at < len(text):
        here = text[at : at + 1]
        if here in b" \t\r\n" or (layout == "array" and here in b",[]"):
            opened += (here == b"[") - (here == b"]")
            at += 1
            continue
        end = _json_end(text, at)
        if end is None or end - at > most:
            end = text.index(b"\n", at)
        number = max(text.count(b"\n", 0, at) + 1, found[-1][0] + 1 if found else 1)
        found.append((number, text[at:end].removesuffix(b"\r")))
        at = end
    if opened > 0:
        found.append((found[-1][0] + 1 if found else 1, b""))
    return found


def _json_layout(beginning: str, is_whole: bool) -> str:
    text = beginning.lstrip(" \t\r\n")
    if not text.startswith("{"):
        return "array" if text.startswith("[") else "lines"
    line = text.split("\n")[0]
    end = _json_end(text.encode("utf-8", "replace"), 0)
    if end is not None:
        inside = text.encode("utf-8", "replace")[:end].decode("utf-8")
        return "objects" if "\n" in inside or line[len(inside) :].lstrip(" \t\r").startswith("{") else "lines"
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return "objects" if error.pos > len(line) or ("\n" not in text and not is_whole) else "lines"
    except RecursionError:
        pass
    return "lines"


def _json_end(text: bytes, at: int) -> int | None:
    """Where the object that begins there ends: at the first `}` up to which it is JSON."""
    if text[at : at + 1] != b"{":
        return None
    depth, is_text, escaped = 0, False, False
    for place in range(at, len(text)):
        here = text[place : place + 1]
        if is_text:
            is_text, escaped = (escaped or here != b'"'), here == b"\\" and not escaped
        elif here == b'"':
            is_text = True
        elif here in b"{[":
            depth += 1
        elif here in b"}]":
            depth -= 1
        if depth == 0:
            try:
                json.loads(text[at : place + 1].decode("latin-1"), parse_int=str)
            except (ValueError, RecursionError):
                return None
            return place + 1
    return None


def _json(line: int, raw: bytes, contract: Contract, most: int) -> Record:
    text, reason = _text_reason(raw, most)
    record = Record(line, text)
    pairs: Any = None
    if reason is None:
        try:
            pairs = json.loads(
                text, object_pairs_hook=_Pairs, parse_int=_Number, parse_float=_Number, parse_constant=_no_constant
            )
            json.dumps(pairs, ensure_ascii=False).encode()
            reason = None if isinstance(pairs, _Pairs) else "malformed_row"
        except (ValueError, RecursionError):
            reason = "malformed_row"
    if reason is None:
        found = _members(pairs, contract)
        reason = found if isinstance(found, str) else _json_reason(found, contract)
        pairs = found
    if reason:
        record.reasons = {reason}
    else:
        values = [_json_value(value) for _, value in pairs]
        names = [_name(key) for key, _ in pairs]
        record.texts = texts_of(names, values, contract)
        kinds = ["boolean" if isinstance(v, bool) else "number" if isinstance(v, _Number) else "" for _, v in pairs]
        record.kinds = {column_of(name, contract): kind for name, kind in zip(names, kinds, strict=True)}
    return record


def _json_value(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return _json_text(value) if isinstance(value, list) else value


def _json_text(value: Any) -> str:
    """3.6: the JSON text of a nested value."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, _Pairs):
        return "{" + ",".join(json.dumps(key, ensure_ascii=False) + ":" + _json_text(v) for key, v in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_json_text(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _members(pairs: _Pairs, contract: Contract) -> "_Pairs | str":
    """2.6: the members of a record, those of objects by their paths."""
    known = {column.name for column in contract.columns}
    sources = [_name(column.source or column.name) for column in contract.columns]
    own = {_name(key) for key, _ in pairs}

    def is_path(name: str) -> bool:
        return any(source.startswith(f"{name}.") for source in sources)

    def members(prefix: str, inside: _Pairs, kept: bool) -> Iterator[tuple[str, Any]]:
        for key, value in inside:
            name = prefix + _name(key)
            is_column = column_of(name, contract) in known
            if prefix and name in own:
                continue
            if is_column or not (is_path(name) or kept):
                yield name, value
            if is_path(name):
                if isinstance(value, _Pairs):
                    yield from members(f"{name}.", value, kept or is_column)
                elif value is not None and not is_column:
                    raise LookupError(f"no_object:{_shown(name)}")

    try:
        return _Pairs(members("", pairs, False))
    except LookupError as problem:
        return str(problem.args[0])


def _json_reason(pairs: _Pairs, contract: Contract) -> str | None:
    known = {column.name for column in contract.columns}
    if any("\x00" in value for _, value in pairs if isinstance(value, str)):
        return "nul_character"
    pairs = _Pairs((key, value) for key, value in pairs if not is_ignored(_name(key), contract))
    names = [column_of(_name(key), contract) for key, _ in pairs]
    for name in names:
        if name not in known:
            return f"unexpected_column:{_shown(name) or 'a member has no name'}"
    for name in names:
        if names.count(name) > 1:
            return f"duplicate_column:{name}"
    texts = {column.name for column in contract.columns if column.type == "string"}
    nested = (name for name, (_, value) in zip(names, pairs, strict=True) if isinstance(value, list))
    return next((f"nested_value:{name}" for name in nested if name not in texts), None)


def _is_too_precise(kind: pa.DataType) -> bool:
    return isinstance(kind, pa.Decimal256Type) and kind.precision > 38


def _parquet(content: bytes, contract: Contract) -> tuple[set[str], list[Record]]:
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        table = file.read()
    except (pa.ArrowInvalid, OSError):
        return {"unreadable"}, []
    schema = file.schema_arrow
    names = [column_of(_name(name), contract) for name in schema.names]
    binary = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    if not names:
        return {"unreadable"}, []
    plain = all(re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name) for name in schema.names)
    flat = list(_flat_columns(table, contract))
    header = header_problems([name for name, _ in flat], contract)
    flat = [(name, column) for name, column in flat if not is_ignored(name, contract)]
    names = [column_of(name, contract) for name, _ in flat]
    kinds = [(name, column.type) for name, (_, column) in zip(names, flat, strict=True)]
    as_json = {column.name for column in contract.columns if column.type == "string"}
    unsupported = {
        f"unsupported_type:{name}"
        for name, kind in kinds
        if pa.types.is_time(kind) or pa.types.is_float16(kind) or _is_too_precise(kind)
    }
    problems = header | unsupported
    problems |= {f"nested_value:{name}" for name, kind in kinds if any(is_(kind) for is_ in binary)}
    problems |= {f"nested_value:{name}" for name, kind in kinds if pa.types.is_nested(kind) and name not in as_json}
    if problems and (unsupported or not plain or len(set(names)) != len(names)):
        return problems, []
    if problems:
        return problems, [Record(n, None, set(problems)) for n in range(1, file.metadata.num_rows + 1)]
    columns = [
        [None if value is None else _json_of(value, column.type) for value in column.to_pylist()]
        if pa.types.is_nested(column.type)
        else [_parquet_text(value) for value in _values(column)]
        for _, column in flat
    ]
    rows = (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))
    meanings = {name: _meaning(kind) for name, kind in kinds}
    return problems, [
        Record(number, None, _row_reasons(texts), texts, kinds=meanings) for number, texts in enumerate(rows, 1)
    ]


def _flat_columns(table: pa.Table, contract: Contract) -> "Iterator[tuple[str, pa.ChunkedArray[Any]]]":
    """2.6: the columns of a file, those in structs by their paths."""
    known = {column.name for column in contract.columns}
    sources = [_name(column.source or column.name) for column in contract.columns]
    own = {_name(name) for name in table.schema.names}

    def look(name: str, column: "pa.ChunkedArray[Any]", kept: bool) -> "Iterator[tuple[str, pa.ChunkedArray[Any]]]":
        is_column = column_of(name, contract) in known
        is_way = any(source.startswith(f"{name}.") for source in sources) and pa.types.is_struct(column.type)
        if is_column or not (is_way or kept):
            yield name, column
        if is_way:
            rows = column.to_pylist()
            for place in range(column.type.num_fields):
                member = column.type.field(place)
                path = f"{name}.{_name(member.name)}"
                if path not in own:
                    values = pa.array([None if row is None else row[member.name] for row in rows], member.type)
                    yield from look(path, pa.chunked_array([values]), kept or is_column)

    for name, column in zip(table.schema.names, table.columns, strict=True):
        yield from look(_name(name), column, False)


def _json_of(value: Any, kind: Any) -> str:
    """2.6: the JSON text of a value of a Parquet file."""
    if value is None:
        return "null"
    if pa.types.is_struct(kind):
        members = [kind.field(place) for place in range(kind.num_fields)]
        return (
            "{"
            + ",".join(f"{json.dumps(m.name, ensure_ascii=False)}:{_json_of(value[m.name], m.type)}" for m in members)
            + "}"
        )
    if pa.types.is_map(kind):
        keys = [(_json_of(key, kind.key_type), _json_of(item, kind.item_type)) for key, item in value]
        return "{" + ",".join(f"{key if key[0] == chr(34) else json.dumps(key)}:{item}" for key, item in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_json_of(each, kind.value_type) for each in value) + "]"
    if isinstance(value, bytes):
        return json.dumps(base64.b64encode(value).decode())
    text = _parquet_text(value) or ""
    if isinstance(value, dt.datetime):
        zone = "Z" if value.tzinfo else ""
        text = value.replace(tzinfo=None).isoformat(timespec="microseconds") + zone
    is_plain = isinstance(value, bool | int | Decimal) or (
        isinstance(value, float) and text not in ("nan", "inf", "-inf")
    )
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def _meaning(kind: pa.DataType) -> str:
    """11: what a value is by its type."""
    if isinstance(kind, pa.DictionaryType):
        kind = kind.value_type
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return "moment"
    numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return "number" if any(is_(kind) for is_ in numbers) else ""


def _row_reasons(texts: dict[str, str | None]) -> set[str]:
    values = [value for value in texts.values() if value is not None]
    if any("\udc80" <= character <= "\udcff" for value in values for character in value):
        return {"encoding"}
    return {"nul_character"} if any("\x00" in value for value in values) else set()


def _values(column: "pa.ChunkedArray[Any]") -> list[Any]:
    """Text that is not UTF-8 has half surrogates for its bytes."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        raws = column.cast(pa.large_binary()).to_pylist()
        return [None if raw is None else raw.decode("utf-8", "surrogateescape") for raw in raws]
    return _shortest(column).to_pylist()


def _shortest(column: "pa.ChunkedArray[Any]") -> "pa.ChunkedArray[Any]":
    """Floats as the doubles that a person means by their text."""
    return column.cast(pa.string()).cast(pa.float64()) if pa.types.is_float32(column.type) else column


def _parquet_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime) and value.tzinfo:
        return value.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, float) and 1e-38 <= abs(value) < 1e38:
        plain = format(Decimal(str(value)), "f")
        return plain if "." in plain else f"{plain}.0"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


# ------------------------------------------------------------------------------------- 3, 4: values and checks


def path_texts(key: str, contract: Contract) -> dict[str, str | None]:
    """2.7: the columns of the contract that stand in the folders of a key."""
    found: dict[str, str | None] = {}
    for folder in key.split("/")[:-1]:
        name, equals, written = folder.partition("=")
        column = column_of(_name(_unquoted(name)), contract)
        if equals and column in {each.name for each in contract.columns}:
            value = written if "\0" in _unquoted(written) else _unquoted(written)
            found[column] = None if value == "__HIVE_DEFAULT_PARTITION__" else value
    return found


def _unquoted(text: str) -> str:
    raw = re.sub(b"%([0-9A-Fa-f]{2})", lambda match: bytes([int(match[1], 16)]), text.encode())
    return raw.decode("utf-8", "replace")


def _less_required(contract: Contract, in_path: Mapping[str, str | None]) -> Contract:

    columns = [replace(each, required=False) if each.name in in_path else each for each in contract.columns]
    return replace(contract, columns=tuple(columns))


def _check(record: Record, contract: Contract, in_path: Mapping[str, str | None]) -> None:
    own = Record(0, None, texts={**in_path})
    if in_path:
        _check(own, contract, {})
    for column in contract.columns:
        _check_column(record, column, contract)
        if column.name in in_path:
            _with_path(record, own, column)


def _with_path(record: Record, own: Record, column: Column) -> None:
    """2.7: the value of a column that the path has, too."""
    name = column.name
    mine, path = record.values[name], own.values[name]
    lacks = f"required:{name}"
    by_path = {reason for reason in own.reasons if reason.partition(":")[2] == name}
    others = {reason for reason in record.reasons if reason.partition(":")[2] == name and reason != lacks}
    record.reasons.discard(lacks)
    if by_path - {lacks} or (by_path and mine is None and not others):
        record.reasons |= by_path
    if mine is not None and path is not None and mine != path:
        record.reasons.add(f"path_value:{name}")
    record.values[name] = path if mine is None else mine


def _check_column(record: Record, column: Column, contract: Contract) -> None:
    text = record.texts.get(column.name)
    if text is not None and (contract.dialect.trim or column.type != "string"):
        text = text.strip(" \t")
    if text in (contract.null_tokens if column.null_tokens is None else column.null_tokens):
        text = None
    value = None if text is None else _value(record, text, column, contract.time_zone)
    record.values[column.name] = value
    record.reasons |= {f"{code}:{column.name}" for code in _broken(column, text, value, contract)}


def _broken(column: Column, text: str | None, value: Any, contract: Contract) -> Iterator[str]:
    if text is None:
        if column.required:
            yield "required"
        return
    if value is None:
        yield "type"
        return

    def given(written: str) -> Any:
        return _cast(written, column.type, contract.time_zone)

    if column.minimum is not None and value < given(column.minimum):
        yield "minimum"
    if column.maximum is not None and value > given(column.maximum):
        yield "maximum"
    if column.enum is not None and value not in map(given, column.enum):
        yield "enum"
    if column.min_length is not None and len(text) < column.min_length:
        yield "min_length"
    if column.max_length is not None and len(text) > column.max_length:
        yield "max_length"
    if column.pattern is not None and not re.search(column.pattern, text, re.ASCII):
        yield "pattern"
    is_partition = column.name in contract.partition_by and column.type == "string"
    if is_partition and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", text):
        yield "partition_value"


def _cast(text: str, kind: str, zone: str) -> Any:
    """3.3: the typed value, or None if the type does not accept the text. A timestamp is its microseconds."""
    if kind == "string":
        return text
    if kind in ("int", "bigint"):
        bits = 31 if kind == "int" else 63
        number = int(text.partition(".")[0]) if re.fullmatch(r"[+-]?[0-9]+(\.0*)?", text) else None
        return number if number is not None and -(2**bits) <= number < 2**bits else None
    if kind == "double":
        found = re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text)
        return float(text) if found and abs(float(text)) != float("inf") else None
    if kind == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower())
    if kind == "date":
        return _date(text)
    if kind == "timestamp":
        return _timestamp(text, zone)
    precision, scale = (int(digits) for digits in re.findall(r"\d+", kind))
    if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]{1,3}", text):
        text = f"{Decimal(text):f}"
    match = re.fullmatch(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?", text)
    if not match or not re.match(r"[+-]?\.?[0-9]", text):
        return None
    fraction = (match[3] or "").rstrip("0")
    fits = len(match[2]) <= precision - scale and len(fraction) <= scale
    return Decimal(f"{match[1]}{match[2] or '0'}.{fraction.ljust(scale, '0')}") if fits else None


def _date(text: str) -> dt.date | None:
    try:
        day = re.sub(r"[T ]00:00(:00(\.0+)?)?$", "", text) if "\n" not in text else text
        return dt.date(*map(int, day.split("-"))) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day) else None
    except ValueError:
        return None


def _timestamp(text: str, zone: str) -> int | None:
    pattern = (
        r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})"
        r"(?::([0-9]{2})(?:\.([0-9]{1,6}|[0-9]{6}0{1,3}))?)?( ?(Z|UTC|([+-])([0-9]{2})(?::?([0-9]{2}))?))?"
    )
    match = re.fullmatch(pattern, text)
    if not match:
        return None
    year, month, day, hour, minute, second = (int(group or 0) for group in match.groups()[:6])
    fraction = int((match[7] or "")[:6].ljust(6, "0"))
    try:
        local = dt.datetime(year, month, day, hour, minute, second, fraction)  # noqa: DTZ001  local, by definition
    except ValueError:
        return None
    return _in_utc(local, match[9], zone)


def _in_utc(local: dt.datetime, written: str | None, zone: str) -> int | None:
    """The microseconds of a local time with an offset as it is written, or else in a zone."""
    if not written:
        offset = local.replace(tzinfo=zoneinfo.ZoneInfo(zone)).utcoffset() or dt.timedelta()
    elif written in ("Z", "UTC", "GMT"):
        offset = dt.timedelta()
    else:
        hours, minutes = int(written[1:3]), int(written[3:].lstrip(":") or "0")
        if minutes > 59 or 60 * hours + minutes > 18 * 60:
            return None
        offset = dt.timedelta(hours=hours, minutes=minutes) * (-1 if written[0] == "-" else 1)
    # In numbers: the first and the last hours of the calendar have no datetime in UTC.
    return (local.replace(tzinfo=dt.UTC) - EPOCH - offset) // dt.timedelta(microseconds=1)


# ------------------------------------------------------------------------------------------------ 11: values


def _value(record: Record, text: str, column: Column, zone: str) -> Any:
    """11: the value of a text of a column that may be written otherwise."""
    written, kind = column.written, record.kinds.get(column.name)
    if written is None or column.type == "string":
        return _cast(text, column.type, zone)
    if column.type == "boolean":
        if kind == "boolean":
            return text == "true"
        found = [truth for truth, words in ((True, written.true_words), (False, written.false_words))
                 if text.lower() in [word.lower() for word in words]]  # fmt: skip
        return found[0] if found else None
    if column.type in ("date", "timestamp"):
        if kind == "moment" or not written.format:
            return _cast(text, column.type, zone)
        units: dict[str, Any] = {
            "epoch_days": 86_400,
            "epoch_seconds": 1,
            "epoch_milliseconds": "0.001",
            "epoch_microseconds": "1e-6",
        }
        if written.format in units:
            if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", text) or len(text) > 100:
                return None
            micros: Any = Fraction(text) * Fraction(units[written.format]) * 1_000_000
            if micros.denominator > 1 or not -62_135_596_800 * 10**6 <= micros < 253_402_300_800 * 10**6:
                return None
        else:
            found_moment = _read_format(text, written.format)
            if found_moment is None:
                return None
            micros = _in_utc(*found_moment, zone if column.type == "timestamp" else "UTC")
        if column.type == "timestamp" or micros is None:
            return None if micros is None else int(micros)
        days, rest = divmod(int(micros), 86_400 * 10**6)
        return None if rest else dt.date(1970, 1, 1) + dt.timedelta(days=days)
    if kind == "number":
        return _cast(text, column.type, zone)
    return _cast(_plain_number(text, written), column.type, zone)


def _plain_number(text: str, written: Written) -> str:
    """11.2: a number without signs of currencies and separators; `x`, if it is not written so."""
    sign = ""
    if text[:1] in ("+", "-"):
        sign, text = text[0], text[1:]
    signs = sorted(written.currency_signs, key=len, reverse=True)
    before = next((each for each in signs if text.startswith(each)), None)
    if before is not None:
        text = re.sub("^[ \u00a0]", "", text.removeprefix(before))
        if text[:1] in ("+", "-"):
            if sign:
                return "x"
            sign, text = text[0], text[1:]
    else:
        behind = next((each for each in signs if text.endswith(each)), None)
        if behind is not None:
            text = re.sub("[ \u00a0]$", "", text.removesuffix(behind))
    whole, _, exponent = text.replace("E", "e").partition("e")
    whole, point, fraction = whole.partition(written.decimal_separator)
    thousands = written.thousands_separator
    if thousands and thousands in whole:
        groups = whole.split(thousands)
        if not 1 <= len(groups[0]) <= 3 or any(len(group) != 3 for group in groups[1:]):
            return "x"
        whole = "".join(groups)
    if any(part and not re.fullmatch("[0-9]+", part) for part in (whole, fraction)):
        return "x"
    return f"{sign}{whole}{'.' if point else ''}{fraction}" + (f"e{exponent}" if "e" in text.lower() else "")


NAMES_OF_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905  reads better as words
LONG_MONTHS = ["uary", "ruary", "ch", "il", "", "e", "y", "ust", "tember", "ober", "ember", "ember"]
NAMES_OF_DAYS = ["mon day", "tue sday", "wed nesday", "thu rsday", "fri day", "sat urday", "sun day"]


def _read_format(text: str, pattern: str) -> tuple[dt.datetime, str | None] | None:
    """11.1: the local time and the offset of a text; every way to leave out what may lack is tried."""
    for plain in _without_brackets(pattern):
        found = _read_plain(text, plain)
        if found is not None:
            return found
    return None


def _without_brackets(pattern: str) -> Iterator[str]:
    match = re.search(r"\[([^\[\]]*)\]", pattern)
    if match is None:
        yield pattern
        return
    for inside in (match[1], ""):
        yield from _without_brackets(pattern[: match.start()] + inside + pattern[match.end() :])


def _read_plain(text: str, pattern: str) -> tuple[dt.datetime, str | None] | None:
    found: dict[str, Any] = {"H": 0, "m": 0, "s": 0, "S": 0, "offset": None}
    while pattern:
        letter = pattern[0]
        count = len(pattern) - len(pattern.lstrip(letter))
        if letter == "'":
            end = pattern.index("'", 1)
            literal, pattern = pattern[1:end] or "'", pattern[end + 1 :]
            if literal == "Z":
                pattern = f"X{pattern}"
                continue
            if not text.startswith(literal):
                return None
            text = text.removeprefix(literal)
            continue
        if not letter.isalpha() or letter == "T":
            if not text.startswith(letter):
                return None
            text, pattern = text[1:], pattern[1:]
            continue
        pattern = pattern[count:]
        if letter in "XxZ":
            part = re.match(r"Z|[+-][0-9]{2}(:?[0-9]{2})?", text)
            letter = "offset"
        elif letter == "z":
            part, letter = re.match("UTC|GMT|Z", text), "offset"
        elif letter == "a":
            part = re.match("(?i:am|pm)", text)
        elif letter == "E" or (letter in "ML" and count > 2):
            part = re.match("[A-Za-z]{3}" if count == 3 or (letter == "E" and count < 4) else "[A-Za-z]+", text)
        elif letter == "S" or count > 1:
            part = re.match(f"[0-9]{{{count}}}", text)
        else:
            part = re.match("[0-9]{1,2}", text)
        if part is None:
            return None
        text = text.removeprefix(part[0])
        if letter in "yu":
            found["y"] = int(part[0]) + (2000 if count == 2 else 0)
        elif letter in "ML" and count > 2:
            long = [a + b for a, b in zip(NAMES_OF_MONTHS, LONG_MONTHS, strict=True)]
            names = NAMES_OF_MONTHS if count == 3 else long
            if part[0].lower() not in names:
                return None
            found["M"] = names.index(part[0].lower()) + 1
        elif letter == "E":
            found["E"] = part[0].lower()
            if found["E"] not in [each[:3] if count < 4 else each.replace(" ", "") for each in NAMES_OF_DAYS]:
                return None
        elif letter == "S":
            if part[0][6:].strip("0"):
                return None
            found["S"] = int(part[0][:6].ljust(6, "0"))
        elif letter in ("a", "offset"):
            found[letter] = part[0]
        else:
            found["M" if letter == "L" else letter] = int(part[0])
    if text:
        return None
    hour = found["H"]
    if "h" in found:
        if not 1 <= found["h"] <= 12 or "a" not in found:
            return None
        hour = found["h"] % 12 + (12 if found["a"].lower() == "pm" else 0)
    try:
        local = dt.datetime(found["y"], found["M"], found["d"], hour, found["m"], found["s"], found["S"])  # noqa: DTZ001  local, by definition
    except ValueError:
        return None
    if "E" in found and NAMES_OF_DAYS[local.weekday()][:3] != found["E"][:3]:
        return None
    return local, found["offset"]
