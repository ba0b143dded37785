"""What becomes of every record, computed in plain Python from docs/semantics.md; the numbers are its sections.

Nothing of an engine is imported. It is slow, looks at every byte, and holds files in memory: it is what every engine
is compared with. Where the document is silent, `READINGS` says how it was read.
"""

import codecs
from collections.abc import Mapping
from typing import Any

from pipeline_core.contract import Contract

from tests.robustness.oracle.contents import UNPACK, format_of, in_utf8, packing_of
from tests.robustness.oracle.csv_files import csv_file
from tests.robustness.oracle.json_files import json_raws, json_record
from tests.robustness.oracle.parquet_files import parquet_file
from tests.robustness.oracle.records import Outcome, Record
from tests.robustness.oracle.values import check_record, less_required, path_texts

__all__ = ["Outcome", "Record", "judge"]

READINGS = (
    "2.3 A JSON record that lacks a required column has required:<c>, not missing_column:<c>.",
    "3.3 A sign may precede every number; `5.` has a fraction of no digits; leading zeros are no digits of a decimal.",
    "3.4 Of a local time that exists twice the first is meant; one in a gap counts on from before the gap.",
)


def judge(files: Mapping[str, bytes], contract: Contract) -> dict[str, Outcome]:
    """The fate of every record of a batch, whose files are in the order of the manifest; nothing is published yet."""
    outcomes = {}
    taken: set[tuple[Any, ...]] = set()
    for name, content in files.items():
        outcome = outcomes[name] = Outcome()
        in_path = path_texts(name, contract)
        outcome.problems, records = _records(name, content, less_required(contract, in_path))
        for record in records:
            if not record.reasons:
                check_record(record, contract, in_path)
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
    if packing := packing_of(content):
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
    kind, problem = format_of(name.lower(), unpacked[:4096], encoding, contract.formats)
    if problem or kind not in contract.formats:
        return {problem or "unknown_format"}, []
    if kind == "parquet":
        return ({"unreadable"}, []) if packing else parquet_file(unpacked, contract)
    text = in_utf8(unpacked, encoding) if encoding != "utf-8" else unpacked
    if dialect.line_ends == "any":
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    text = text.removeprefix(b"\xef\xbb\xbf")
    if kind == "jsonl":
        return set(), [
            json_record(number, raw, contract, most) for number, raw in json_raws(text, unpacked, encoding, most)
        ]
    return csv_file(name, text, contract, most)
