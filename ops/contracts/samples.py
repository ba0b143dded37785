"""What sample files are: their content unpacked and as text, their format, and how their text is written."""

import csv
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline_core.content import HEAD_BYTES, encoding_of, format_of, hint_of, packing_of
from pipeline_core.dialect import Dialect

from contracts.compiler.checks import FORMATS
from ops.contracts.trial import TrialError, engine

READ_BYTES = 1024 * 1024
OBJECT = re.compile(r"\{")
ASCII, UTF_8, WINDOWS = "ascii", "utf-8", "cp1252"
NONE = ("", "(empty)", "\0")
"""What DuckDB's sniffer says where a file has no quote or escape."""


@dataclass(frozen=True)
class Sample:
    """A sample file. `content` is unpacked and, but for Parquet, in UTF-8; `columns` are as the file calls them."""

    file: Path
    content: Path
    format: str
    encoding: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Style:
    """How the text of the samples is written, and what of that was a guess, by the name of the setting."""

    delimiter: str = ","
    dialect: Dialect = field(default_factory=Dialect)
    guesses: tuple[tuple[str, str], ...] = ()


@contextmanager
def opened(files: Sequence[Path]) -> Iterator[tuple[list[Sample], Style]]:
    """The samples, with their contents for as long as the context is open, and the style of the first that is CSV.

    Raises:
        TrialError: a file cannot be read as it is; says why.
    """
    engine()
    with tempfile.TemporaryDirectory() as folder:
        samples = [_sample(file, Path(folder) / str(number)) for number, file in enumerate(files)]
        style = next((_style(sample) for sample in samples if sample.format == "csv"), Style())
        encodings = {sample.encoding for sample in samples} - {ASCII}
        if WINDOWS in encodings and len(encodings) > 1:
            raise TrialError(f"{files[0]}: the samples are in several encodings ({', '.join(sorted(encodings))})")
        if WINDOWS in encodings:
            guess = ("encoding", "a sample is no UTF-8; that it is this is a guess")
            dialect = replace(style.dialect, encoding=WINDOWS)
            style = replace(style, dialect=dialect, guesses=(*style.guesses, guess))
        yield [replace(sample, columns=tuple(_columns(sample, style))) for sample in samples], style


def _sample(file: Path, content: Path) -> Sample:
    if not file.is_file():
        raise TrialError(f"{file}: there is no such file")
    _unpack(file, content)
    with content.open("rb") as beginning:
        head = beginning.read(HEAD_BYTES)
    found = format_of(head, hint_of(file.name), FORMATS, UTF_8)
    if found.problem:
        raise TrialError(f"{file}: {found.problem}")
    encoding = encoding_of(head, UTF_8)
    if found.format == "parquet":
        return Sample(file, content, found.format, ASCII)
    text = content.read_bytes()
    for codec in (encoding, WINDOWS):
        try:
            decoded = text.decode(codec)
        except UnicodeDecodeError:
            continue
        content.write_text(decoded.removeprefix("\ufeff"), encoding=UTF_8, newline="")
        return Sample(file, content, found.format, ASCII if decoded.isascii() else codec)
    raise TrialError(f"{file}: it is no text in {encoding}, nor in windows-1252")


def _unpack(file: Path, content: Path) -> None:
    from record_engine.packing import unpacked
    from record_engine.watched import UnreadableError

    with file.open("rb") as packed, content.open("wb") as out:
        packing = packing_of(packed.read(HEAD_BYTES))
        packed.seek(0)
        chunks = unpacked(packing, packed, READ_BYTES) if packing else iter(lambda: packed.read(READ_BYTES), b"")
        try:
            for chunk in chunks:
                out.write(chunk)
        except UnreadableError as error:
            raise TrialError(f"{file}: {error}") from error


def _style(sample: Sample) -> Style:
    """How a CSV file is written, by DuckDB's sniffer; as most are, where that finds nothing."""
    import duckdb

    try:
        asked = duckdb.execute("SELECT * FROM sniff_csv(?)", [str(sample.content)])
        row = asked.fetchone()
    except duckdb.Error:
        return Style()
    found: dict[str, Any] = dict(zip([column[0] for column in asked.description or []], row or (), strict=True))
    said: dict[str, Any] = {"header": bool(found["HasHeader"]), "skip_lines": int(found["SkipRows"])}
    if found["Quote"] not in (*NONE, '"'):
        said["quote"] = found["Quote"]
    if found["Escape"] not in (*NONE, said.get("quote", '"')):
        said["escape"] = found["Escape"]
    reasons = {
        "quote": "values are quoted so",
        "escape": "a quote in quotes is escaped so",
        "header": "line 1 looks like the others: columns come in the order of this contract",
        "skip_lines": "what comes before the table",
    }
    dialect = Dialect(**said)
    guesses = [(name, reasons[name]) for name, value in said.items() if value != getattr(Dialect(), name)]
    return Style(delimiter=str(found["Delimiter"]), dialect=dialect, guesses=tuple(guesses))


def _columns(sample: Sample, style: Style) -> Iterable[str]:
    if sample.format == "parquet":
        import pyarrow.parquet as pq

        return list(pq.read_schema(sample.content).names)
    with sample.content.open(encoding=UTF_8, newline="") as lines:
        if sample.format == "csv":
            for _ in range(style.dialect.skip_lines):
                lines.readline()
            quote, escape = style.dialect.quote, style.dialect.escape or None
            reader = csv.reader(lines, delimiter=style.delimiter, quotechar=quote, escapechar=escape)
            first = next(reader, [])
            if not style.dialect.header:
                return [f"column_{number}" for number in range(1, len(first) + 1)]
            return [name.strip(" \t") for name in first]
        return list(dict.fromkeys(name.strip(" \t") for found in _objects(lines.read()) for name in found))


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The objects of JSON: on lines, one after the other, or in an array. What is none is the engine's to judge."""
    decoder, at = json.JSONDecoder(), 0
    while (match := OBJECT.search(text, at)) is not None:
        at = match.start()
        try:
            found, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at = (text.find("\n", at) + 1) or len(text)
        else:
            yield found
