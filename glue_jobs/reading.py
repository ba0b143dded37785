"""Reads the files of a batch into records: one row a record, every value still the text that was delivered.

A record is `_file` (position in the manifest), `_line` (where it stands in the file, from 1), `_raw` (as it
came), `_reasons` (why it cannot be read, empty if it can) and one text column for each column of the contract.
docs/semantics.md says what a record is in each format.
"""

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from pipeline_core.contract import Contract
from pipeline_core.manifest import ManifestFile
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

MAX_RECORD_LINES = 1_000
"""Physical lines that one quoted CSV record may span before its quotes count as unbalanced."""

MAX_RECORD_CHARACTERS = 16 * 1024 * 1024
"""The longest text record that is parsed: 16 Mi characters."""

BROKEN_PARQUET = re.compile(r"(is not a Parquet file|corrupted file|[Uu]nable to infer schema)[^\n]{0,200}")
"""What Spark and Parquet say of a file whose footer cannot be read."""

LINES = "_file int, _line long, _raw string, _unbalanced boolean"


@dataclass
class Batch:
    """The records of a batch, with what was found out about its files on the way.

    `rows` counts the records of each file as the reader saw them, before anything was checked; the audit
    compares it with what became of them. `problems` names files that are quarantined as a whole.
    """

    records: DataFrame
    rows: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    problems: dict[int, str] = field(default_factory=dict)


def read_batch(spark: SparkSession, files: Sequence[ManifestFile], contract: Contract) -> Batch:
    """Read every file of a manifest, whatever its format."""
    nothing = spark.createDataFrame([], record_schema(contract))
    batch = Batch(nothing)
    by_format: dict[str, dict[int, ManifestFile]] = defaultdict(dict)
    for position, file in enumerate(files):
        by_format[file.format][position] = file
    readers = {"csv": _read_csv, "jsonl": _read_jsonl, "parquet": _read_parquet}
    frames = [
        frame for name, members in sorted(by_format.items()) for frame in readers[name](spark, members, contract, batch)
    ]
    if frames:
        batch.records = reduce(DataFrame.unionByName, frames).select(*nothing.columns)
    return batch


def record_schema(contract: Contract) -> T.StructType:
    """Schema of the records of a contract."""
    schema = (
        T.StructType()
        .add("_file", T.IntegerType())
        .add("_line", T.LongType())
        .add("_raw", T.StringType())
        .add("_reasons", T.ArrayType(T.StringType()))
    )
    return reduce(lambda result, column: result.add(column.name, T.StringType()), contract.columns, schema)


def header_problems(names: Sequence[str], contract: Contract) -> list[str]:
    """Return why a file with these columns cannot be read by the contract; an empty list if it can."""
    known = {column.name for column in contract.columns}
    return (
        [f"duplicate_column:{name}" for name in sorted({name for name in names if names.count(name) > 1})]
        + [f"unexpected_column:{name}" for name in sorted(set(names) - known)]
        + [
            f"missing_column:{column.name}"
            for column in contract.columns
            if column.required and column.name not in names
        ]
    )


def column_name(text: str) -> str:
    """The contract's spelling of a column name in a file: trimmed, in lower case."""
    return text.strip().lower()


# ---------------------------------------------------------------------------------------------- text formats


@dataclass(frozen=True)
class _TextFile:
    """What one pass over a text file shows: its first line, its line numbering and its quotes."""

    header: str
    offsets: dict[int, int]
    multiline: bool
    rows: int


def _lines(spark: SparkSession, files: dict[int, ManifestFile]) -> DataFrame:
    """Every physical line: `_file`, `_block` (where its split begins), `_id` (rising in a split), `_raw`."""
    names = _paths(spark, files)
    # Only LF ends a line: a lone CR is data. A CR before the LF belongs to the line end.
    lines = (
        spark.read.option("lineSep", "\n")
        .text([file.uri for file in files.values()])
        .select(
            F.regexp_replace("_metadata.file_path", "^[a-z0-9]+:/+", "").alias("_path"),
            F.col("_metadata.file_block_start").alias("_block"),
            F.monotonically_increasing_id().alias("_id"),
            _without_carriage_return(F.col("value")).alias("_raw"),
        )
    )
    # An outer join, so that a file whose path is not recognised is seen, not lost.
    return lines.join(F.broadcast(names), "_path", "left")


def _without_carriage_return(line: Column) -> Column:
    # Byte by byte: string functions would replace what is not UTF-8.
    binary = line.cast("binary")
    shorter = binary.substr(F.lit(1), F.octet_length(binary) - 1).cast("string")
    return F.when(line.endswith("\r"), shorter).otherwise(line)


def small_frame(spark: SparkSession, rows: Iterable[dict[str, Any]], schema: str) -> DataFrame:
    """A small table of constants, made in the JVM: no Python workers, no job of its own."""
    parsed = F.from_json(F.lit(json.dumps(list(rows))), f"array<struct<{schema}>>")
    return spark.range(1).select(F.inline(parsed))


def _paths(spark: SparkSession, files: dict[int, ManifestFile]) -> DataFrame:
    rows = ({"_file": position, "_path": _without_scheme(file.uri)} for position, file in files.items())
    return small_frame(spark, rows, "_file: int, _path: string")


def _without_scheme(uri: str) -> str:
    return uri.partition("://")[2].lstrip("/")


def _survey(lines: DataFrame, files: dict[int, ManifestFile]) -> dict[int, _TextFile]:
    """Look at every text file once: first lines, line counts of the splits, odd quotes.

    Raises:
        RuntimeError: a file of the manifest was not read, or one was read that is not in it.
    """
    quotes = F.length("_raw") - F.length(F.replace(F.col("_raw"), F.lit('"'), F.lit("")))
    splits = (
        lines.groupBy("_file", "_path", "_block")
        .agg(
            F.min("_id").alias("first"),
            F.min_by("_raw", "_id").alias("header"),
            F.count("*").alias("lines"),
            F.sum((F.length("_raw") > 0).cast("int")).alias("rows"),
            F.max(quotes % 2 == 1).alias("odd"),
        )
        .collect()
    )
    _all_read({split["_file"] for split in splits}, files, [split["_path"] for split in splits])
    by_file: dict[int, list[Row]] = defaultdict(list)
    for split in sorted(splits, key=lambda split: (split["_file"], split["_block"])):
        by_file[split["_file"]].append(split)
    surveyed = {}
    for position, parts in by_file.items():
        offsets, before = {}, 0
        for part in parts:
            offsets[part["_block"]] = before - part["first"]
            before += part["lines"]
        surveyed[position] = _TextFile(
            parts[0]["header"],
            offsets,
            any(part["odd"] for part in parts),
            sum(part["rows"] for part in parts),
        )
    return surveyed


def _all_read(read: set[int | None], files: dict[int, ManifestFile], paths: list[str]) -> None:
    if read != set(files):
        missing = sorted(file.uri for position, file in files.items() if position not in read)
        raise RuntimeError(f"files of the manifest were not read: {missing[:5]}; read: {sorted(set(paths))[:5]}")


def _numbered(lines: DataFrame, survey: dict[int, _TextFile]) -> DataFrame:
    """Replace the split's running number by the line number in the file; lines without text are no records."""
    spark = lines.sparkSession
    offsets = small_frame(
        spark,
        (
            {"_file": position, "_block": block, "_offset": offset}
            for position, text in survey.items()
            for block, offset in text.offsets.items()
        ),
        "_file: int, _block: bigint, _offset: bigint",
    )
    return (
        lines.join(F.broadcast(offsets), ["_file", "_block"])
        .where(F.length("_raw") > 0)
        .select(
            "_file",
            (F.col("_id") + F.col("_offset") + 1).alias("_line"),
            "_raw",
            F.lit(False).alias("_unbalanced"),
        )
    )


def _text_reasons(also: Column) -> Column:
    """Why a text record cannot be read: the first of its encoding, a NUL, its length, and `also`."""
    raw = F.col("_raw")
    binary = raw.cast("binary")
    # decode puts U+FFFD for what is not UTF-8, so that coming back gives other bytes
    invalid = F.encode(F.decode(binary, "UTF-8"), "UTF-8") != binary
    return (
        F.when(invalid, F.lit("encoding"))
        .when(raw.contains("\x00"), F.lit("nul_character"))
        .when(F.length(raw) > MAX_RECORD_CHARACTERS, F.lit("too_long"))
        .otherwise(also)
    )


def _as_array(reason: Column) -> Column:
    return F.when(reason.isNull(), F.array().cast("array<string>")).otherwise(F.array(reason))


def _raw_as_text() -> Column:
    """The record as it came; where it is not UTF-8, its bytes as ISO-8859-1, which loses none of them."""
    binary = F.col("_raw").cast("binary")
    return F.when(F.array_contains("_reasons", "encoding"), F.decode(binary, "ISO-8859-1")).otherwise(F.col("_raw"))


# ---------------------------------------------------------------------------------------------- CSV


def _read_csv(
    spark: SparkSession, files: dict[int, ManifestFile], contract: Contract, batch: Batch
) -> Iterator[DataFrame]:
    lines = _lines(spark, files)
    survey = _survey(lines, files)
    headers: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for position, text in survey.items():
        headers[_header(text.header, contract.delimiter)].append(position)
        batch.rows[position] += text.rows - bool(text.header)
    # The first line is the header, even where it has no text: then its names do not fit.
    records = _numbered(lines, survey).where("_line > 1")
    torn = [position for position, text in survey.items() if text.multiline]
    if torn:
        stitched = spark.createDataFrame(
            records.where(F.col("_file").isin(torn))
            .repartition("_file")
            .sortWithinPartitions("_file", "_line")
            .rdd.mapPartitions(stitch),
            LINES,
        ).persist()
        for row in stitched.groupBy("_file").count().collect():
            batch.rows[row["_file"]] = row["count"]
        records = records.where(~F.col("_file").isin(torn)).unionByName(stitched)
    for names, positions in headers.items():
        chosen = records.where(F.col("_file").isin(positions))
        problems = header_problems(names, contract)
        if problems:
            for position in positions:
                batch.problems[position] = ", ".join(problems)
            yield _unread(chosen, contract, problems)
        else:
            yield _parse_csv(chosen, names, contract)


def _header(line: str, delimiter: str) -> tuple[str, ...]:
    row = next(csv.reader([line.removeprefix("\ufeff")], delimiter=delimiter), [])
    return tuple(column_name(name) for name in row)


def _unread(lines: DataFrame, contract: Contract, problems: list[str]) -> DataFrame:
    """Records of a file that is quarantined as a whole, each with the reasons."""
    reasons = F.array(*[F.lit(problem) for problem in problems])
    read = _text_reasons(F.lit(None).cast("string"))
    return lines.withColumn("_reasons", F.concat(reasons, _as_array(read))).select(
        "_file",
        "_line",
        _raw_as_text().alias("_raw"),
        "_reasons",
        *[F.lit(None).cast("string").alias(column.name) for column in contract.columns],
    )


def _parse_csv(lines: DataFrame, names: Sequence[str], contract: Contract) -> DataFrame:
    schema = ", ".join([*(f"`{name}` string" for name in names), "_corrupt string"])
    options = {
        "sep": contract.delimiter,
        "quote": '"',
        "escape": '"',
        "mode": "PERMISSIVE",
        "columnNameOfCorruptRecord": "_corrupt",
        "maxCharsPerColumn": "-1",
        "multiLine": "true",
    }
    delimiter = F.lit(contract.delimiter)
    # The parser throws, and the job with it, at more than 20,480 fields; such a record is malformed anyway.
    fields = F.length("_raw") - F.length(F.replace(F.col("_raw"), delimiter, F.lit(""))) + 1
    quoted = F.col("_raw").contains('"')
    parsable = (fields == len(names)) | (quoted & (fields > len(names)) & (fields <= 20_000))
    parsed = lines.withColumn("_fields", F.when(parsable, F.from_csv("_raw", schema, options)))
    malformed = F.col("_fields").isNull() | F.col("_fields._corrupt").isNotNull() | F.col("_unbalanced")
    reason = _text_reasons(F.when(malformed, F.lit("malformed_row")))
    values = {name: F.col(f"_fields.`{name}`") for name in names}
    return parsed.withColumn("_reasons", _as_array(reason)).select(
        "_file", "_line", _raw_as_text().alias("_raw"), "_reasons", *_values(values, contract)
    )


def _values(values: dict[str, Column], contract: Contract) -> list[Column]:
    return [values.get(column.name, F.lit(None)).cast("string").alias(column.name) for column in contract.columns]


def stitch(lines: Iterable[Row]) -> Iterator[tuple[int, int, str, bool]]:
    """Join physical CSV lines (sorted by file and line) to records: a line break inside quotes is data.

    A quote that is never closed would swallow the rest of the file: its lines come out one by one, marked
    as unbalanced.
    """
    pending: list[Row] = []
    is_open = False
    for line in lines:
        if pending and pending[0]["_file"] != line["_file"]:
            yield from _unbalanced(pending)
            pending, is_open = [], False
        pending.append(line)
        is_open ^= line["_raw"].count('"') % 2 == 1
        if not is_open:
            raw = "\n".join(part["_raw"] for part in pending)
            yield pending[0]["_file"], pending[0]["_line"], raw, False
            pending = []
        elif len(pending) >= MAX_RECORD_LINES:
            yield from _unbalanced(pending)
            pending, is_open = [], False
    yield from _unbalanced(pending)


def _unbalanced(lines: Iterable[Row]) -> Iterator[tuple[int, int, str, bool]]:
    for line in lines:
        yield line["_file"], line["_line"], line["_raw"], True


# ---------------------------------------------------------------------------------------------- JSON Lines


def _read_jsonl(
    spark: SparkSession, files: dict[int, ManifestFile], contract: Contract, batch: Batch
) -> Iterator[DataFrame]:
    lines = _lines(spark, files)
    survey = _survey(lines, files)
    for position, text in survey.items():
        batch.rows[position] += text.rows
    schema = T.StructType().add("values", T.MapType(T.StringType(), T.StringType())).add("reason", "string")
    names = frozenset(column.name for column in contract.columns)
    parse = F.udf(lambda raw: parse_json(raw, names), schema)
    parsed = _numbered(lines, survey).withColumn("_parsed", parse("_raw"))
    values = {name: F.col("_parsed.values").getItem(name) for name in names}
    yield parsed.withColumn("_reasons", _as_array(_text_reasons(F.col("_parsed.reason")))).select(
        "_file", "_line", _raw_as_text().alias("_raw"), "_reasons", *_values(values, contract)
    )


def parse_json(raw: str, names: frozenset[str]) -> tuple[dict[str, str | None] | None, str | None]:
    """Parse one line of JSON Lines to the text of its values, or to the reason why it cannot be read."""
    try:
        pairs = json.loads(
            raw.removeprefix("\ufeff"),
            object_pairs_hook=_Pairs,
            parse_int=str,
            parse_float=str,
            parse_constant=lambda text: text,
        )
    except (ValueError, RecursionError):
        return None, "malformed_row"
    if not isinstance(pairs, _Pairs):
        return None, "malformed_row"
    values: dict[str, str | None] = {}
    for key, value in pairs:
        name = column_name(key)
        if name not in names:
            return None, f"unexpected_column:{name[:100]}"
        if name in values:
            return None, f"duplicate_column:{name}"
        if isinstance(value, list):
            return None, f"nested_value:{name}"
        values[name] = str(value).lower() if isinstance(value, bool) else value
    return values, None


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as its pairs, so that a repeated name is seen; a list, so that nesting is too."""


# ---------------------------------------------------------------------------------------------- Parquet


def _read_parquet(
    spark: SparkSession, files: dict[int, ManifestFile], contract: Contract, batch: Batch
) -> Iterator[DataFrame]:
    schemas: dict[str, dict[int, ManifestFile]] = defaultdict(dict)
    for position, file in files.items():
        try:
            schema = spark.read.parquet(file.uri).schema
        except (PySparkException, Py4JJavaError) as error:
            broken = BROKEN_PARQUET.search(str(error))
            if broken is None:
                raise  # storage, permissions: not the file's fault
            batch.problems[position] = f"unreadable: {broken[0]}"
        else:
            schemas[schema.json()][position] = file
    for members in schemas.values():
        yield from _parse_parquet(spark, members, contract, batch)


def _parse_parquet(
    spark: SparkSession, files: dict[int, ManifestFile], contract: Contract, batch: Batch
) -> Iterator[DataFrame]:
    paths = _paths(spark, files)
    frame = spark.read.parquet(*[file.uri for file in files.values()])
    fields = frame.schema.fields
    names = [column_name(item.name) for item in fields]
    problems = header_problems(names, contract) + [
        f"nested_value:{name}"
        for name, item in zip(names, fields, strict=True)
        if isinstance(item.dataType, T.StructType | T.ArrayType | T.MapType | T.BinaryType)
    ]
    path = F.regexp_replace("_metadata.file_path", "^[a-z0-9]+:/+", "")
    raw = F.to_json(F.struct(*[F.col(f"`{item.name}`") for item in fields]), {"ignoreNullFields": "false"})
    records = (
        frame.select("*", path.alias("_path"), F.col("_metadata.row_index").alias("_row"))
        .join(F.broadcast(paths), "_path", "left")
        .withColumn("_line", F.col("_row") + 1)
        .withColumn("_raw", raw)
    )
    counts = records.groupBy("_file", "_path").count().collect()
    _all_read({row["_file"] for row in counts} | set(files), files, [row["_path"] for row in counts])
    for row in counts:
        batch.rows[row["_file"]] += row["count"]
    if problems:
        for position in files:
            batch.problems[position] = ", ".join(problems)
        yield _unread(records.select("_file", "_line", "_raw"), contract, problems)
        return
    values = {name: _text(item) for name, item in zip(names, fields, strict=True)}
    nothing = F.array().cast("array<string>")
    yield records.select("_file", "_line", "_raw", nothing.alias("_reasons"), *_values(values, contract))


def _text(item: T.StructField) -> Column:
    column = F.col(f"`{item.name}`")
    if isinstance(item.dataType, T.TimestampType):
        return F.date_format(column, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'")
    return column.cast("string")
