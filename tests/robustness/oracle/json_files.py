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
