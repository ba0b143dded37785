"""1.5, 2.6: the records of JSON."""

import json
from collections.abc import Iterator
from typing import Any

from pipeline_core.contract import Contract

from tests.robustness.oracle.headers import column_of, is_ignored, lines_of, name_of, shown_as, text_reason_of, texts_of
from tests.robustness.oracle.records import Record


class _Pairs(list[tuple[str, Any]]):
    pass


class _Number(str):
    pass


def _no_constant(text: str) -> None:
    raise ValueError(text)


def json_raws(text: bytes, unpacked: bytes, encoding: str, most: int) -> list[tuple[int, bytes]]:
    """1.5: the records of a JSON file, with their numbers."""
    layout = _json_layout(unpacked[:4096].decode(encoding, "replace").removeprefix("\ufeff"), len(unpacked) < 4096)
    if layout == "lines":
        return [(number, line) for number, line in lines_of(text) if line]
    found: list[tuple[int, bytes]] = []
    at, opened, unsure, size = 0, 0, 0, len(text)
    if text and not text.endswith(b"\n"):
        text += b"\n"
    while at < len(text):
        here = text[at : at + 1]
        if here in b" \t\r\n" or (layout == "array" and here in b",[]"):
            opened += (here == b"[") - (here == b"]")
            at += 1
            continue
        end = _json_end(text, at)
        if end is None or end - at > most:
            end = None
            if at >= unsure:
                end, unsure = _sure_end(text[: min(at + most, size)], at, layout, at + most >= size)
        if end is None:
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


def _sure_end(text: bytes, at: int, layout: str, is_whole: bool) -> tuple[int | None, int]:
    """1.5: where what is no JSON surely ends, and where it is seen that this is not sure."""
    blanks, marks = b" \t\r\n", b"{}[]:,"
    stack, last = b"", b""
    begins = True
    while begins or stack:
        while not begins and at < len(text) and text[at] in blanks:
            at += 1
        if at == len(text):
            return None, at
        here = text[at : at + 1]
        if begins and layout == "objects" and here != b"{":
            return None, at
        end = at + 1
        if here == b'"':
            while end < len(text) and text[end] not in b'"\n':
                end += 2 if text[end] == ord("\\") and text[end + 1 : end + 2] != b"\n" else 1
            is_good = text[end : end + 1] == b'"' and (begins or last in (b"{", b"[", b",", b":"))
            is_good = is_good and not _has_open_escape(text[at + 1 : end])
            end += 1
            name = b"text"
        elif here in b"{[":
            is_good = begins or last in ((b"[", b",") if stack.endswith(b"[") else (b":",))
            stack += here
            name = here
        elif here in b"}]":
            is_good = bool(stack) and stack[-1:] + here in (b"{}", b"[]")
            stack = stack[:-1]
            name = here
        elif here in b":,":
            is_good, name = not begins, here
        else:
            while end < len(text) and text[end] not in blanks + marks + b"\"'\\":
                end += 1
            is_good, name = here not in (b"'", b"\\"), b"word"
        if not is_good or (last == b"text" and name not in (b":", b",", b"]", b"}")):
            return None, at
        at, last, begins = end, name, False
    end = at
    while at < len(text) and text[at] in blanks:
        at += 1
    follows = text[at : at + 1]
    is_sure = follows in (b"{" if layout == "objects" else b",]") if follows else is_whole
    return (end if is_sure else None), at


def _has_open_escape(inside: bytes) -> bool:
    return (len(inside) - len(inside.rstrip(b"\\"))) % 2 == 1


def json_record(line: int, raw: bytes, contract: Contract, most: int) -> Record:
    text, reason = text_reason_of(raw, most)
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
        names = [name_of(key) for key, _ in pairs]
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
    sources = [name_of(column.source or column.name) for column in contract.columns]
    own = {name_of(key) for key, _ in pairs}

    def is_path(name: str) -> bool:
        return any(source.startswith(f"{name}.") for source in sources)

    def members(prefix: str, inside: _Pairs, kept: bool) -> Iterator[tuple[str, Any]]:
        for key, value in inside:
            name = prefix + name_of(key)
            is_column = column_of(name, contract) in known
            if prefix and name in own:
                continue
            if is_column or not (is_path(name) or kept):
                yield name, value
            if is_path(name):
                if isinstance(value, _Pairs):
                    yield from members(f"{name}.", value, kept or is_column)
                elif value is not None and not is_column:
                    raise LookupError(f"no_object:{shown_as(name)}")

    try:
        return _Pairs(members("", pairs, False))
    except LookupError as problem:
        return str(problem.args[0])


def _json_reason(pairs: _Pairs, contract: Contract) -> str | None:
    known = {column.name for column in contract.columns}
    if any("\x00" in value for _, value in pairs if isinstance(value, str)):
        return "nul_character"
    pairs = _Pairs((key, value) for key, value in pairs if not is_ignored(name_of(key), contract))
    names = [column_of(name_of(key), contract) for key, _ in pairs]
    for name in names:
        if name not in known:
            return f"unexpected_column:{shown_as(name) or 'a member has no name'}"
    for name in names:
        if names.count(name) > 1:
            return f"duplicate_column:{name}"
    texts = {column.name for column in contract.columns if column.type == "string"}
    nested = (name for name, (_, value) in zip(names, pairs, strict=True) if isinstance(value, list))
    return next((f"nested_value:{name}" for name in nested if name not in texts), None)
