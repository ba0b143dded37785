"""A large text file is cut at line ends; read in spans, it gives what it gives as a whole."""

from io import BytesIO
from typing import Any, BinaryIO

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from pipeline_core.contract import Contract
from pipeline_core.manifest import ManifestFile
from record_engine import Limits, Span, Survey, lines_are_records, read, spans, survey

CONTRACT = Contract.from_document(
    {
        "dataset": "d",
        "version": "1.0.0",
        "columns": [
            {"name": "id", "type": "int", "required": True},
            {"name": "name", "type": "string", "max_length": 3},
        ],
        "primary_key": ["id"],
        "partition_by": [],
        "quality": [],
        "formats": ["csv", "jsonl"],
        "null_tokens": [""],
        "delimiter": ",",
        "time_zone": "UTC",
        "max_file_bytes": 10**9,
        "frequency_hours": None,
        "max_record_bytes": 12,
    }
)


def cut(content: bytes, size: int, read_bytes: int) -> list[Span]:
    found = [
        survey(BytesIO(content), start, min(len(content), start + size), read_bytes)
        for start in range(0, len(content), size)
    ]
    return spans(found, len(content))


def records(
    content: bytes, kind: str, limits: Limits, wanted: Span | None
) -> tuple[list[dict[str, Any]], str | None, int]:
    def open_file(_: ManifestFile) -> BinaryIO:
        return BytesIO(content)

    file = ManifestFile(key=f"f.{kind}", version="v", uri="", size=len(content), format=kind, landed_at="")
    *batches, summary = read(file, 0, CONTRACT, open_file, limits, wanted)
    (last,) = summary.to_pylist()
    rows = [row for batch in batches for row in batch.to_pylist()]
    return sorted(rows, key=lambda row: row["_line"]), last["_raw"], int(last["_reasons"][0])


PIECES = st.sampled_from(
    ["1", "23", ",", "ab", "long", "\n", "\r\n", "\r", "é", "\ufeff", "\0", "\n\n", '{"id": 1}', "id,name"]
)
TEXTS = st.lists(PIECES, max_size=60).map("".join)


@settings(deadline=None)
@given(
    text=TEXTS.map(lambda text: text.replace('"', "")),
    header=st.sampled_from(["id,name\n", "\ufeffid,name\r\n", "", "name,no\n", "\n", "id,name"]),
    size=st.integers(1, 40),
    read_bytes=st.sampled_from([1, 3, 1000]),
)
@example(text="1,a\n2,b\n", header="id,name\n", size=8, read_bytes=1)
@example(text="1,a\n2,b", header="id,name\n", size=1, read_bytes=1)
def test_csv_in_spans_gives_what_the_whole_file_gives(text: str, header: str, size: int, read_bytes: int) -> None:
    agree((header + text).encode(), "csv", size, read_bytes)


@settings(deadline=None)
@given(text=TEXTS, size=st.integers(1, 40), read_bytes=st.sampled_from([1, 3, 1000]))
def test_json_lines_in_spans_give_what_the_whole_file_gives(text: str, size: int, read_bytes: int) -> None:
    file = ManifestFile(key="f.jsonl", version="v", uri="", size=len(text.encode()), format="jsonl", landed_at="")
    # No other file is cut.
    assume(lines_are_records(BytesIO(text.encode()), file, CONTRACT))
    agree(text.encode(), "jsonl", size, read_bytes)


def agree(content: bytes, kind: str, size: int, read_bytes: int) -> None:
    limits = Limits(block_bytes=16, read_bytes=read_bytes)
    rows, problem, count = records(content, kind, limits, None)
    parts = cut(content, size, read_bytes)
    assert b"".join(content[part.start : part.end] for part in parts) == content
    found = [records(content, kind, limits, part) for part in parts]
    assert [row for part, _, _ in found for row in part] == rows
    assert {told for _, told, _ in found} <= {problem}
    assert sum(part for _, _, part in found) == count


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 2, Survey(1, 0, False)),
        (0, 3, Survey(2, 0, False)),
        (0, 4, Survey(3, 0, False)),
        (3, 8, Survey(1, 3, True)),
        (3, 9, Survey(1, 3, True)),
        (4, 8, Survey(0, -1, True)),
        (5, 6, Survey(0, -1, False)),
    ],
)
@pytest.mark.parametrize("read_bytes", [1, 2, 100])
def test_a_line_belongs_to_the_range_that_its_first_byte_is_in(
    start: int, end: int, expected: Survey, read_bytes: int
) -> None:
    assert survey(BytesIO(b'a\n\nb c "\n'), start, end, read_bytes) == expected
