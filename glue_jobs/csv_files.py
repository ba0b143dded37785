"""Reads CSV files."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from pipeline_core.contract import Contract
from pipeline_core.manifest import ManifestFile
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from glue_jobs.records import Batch, as_array, column_name, header_problems, values_of
from glue_jobs.text_files import is_too_long, raw_as_text, read_lines, text_reason

MAX_RECORD_LINES = 1_000
"""Physical lines that one quoted CSV record may span before its quotes count as unbalanced."""

RECORD = "_file int, _line long, _raw binary, _unbalanced boolean"


def read_csv(
    spark: SparkSession, files: dict[int, ManifestFile], contract: Contract, batch: Batch
) -> Iterator[DataFrame]:
    """Read the records of CSV files, those with the same header and the same need for quotes together."""
    lines = read_lines(spark, files, batch)
    groups: dict[tuple[tuple[str, ...], bool, bool], list[int]] = defaultdict(list)
    for position, text in lines.files.items():
        groups[header(text.header, contract.delimiter), text.quotes, text.torn].append(position)
        batch.rows[position] += text.rows - bool(text.header)
    # The first line is the header, even where it has no text: then it names no column.
    body = lines.numbered.where("_line > 1")
    for (names, quotes, torn), positions in groups.items():
        records = body.where(F.col("_file").isin(positions))
        if torn:
            records = _stitched(spark, records)
            for row in records.groupBy("_file").count().collect():
                batch.rows[row["_file"]] = row["count"]
        else:
            records = records.where(F.length("_raw") > 0).withColumn("_unbalanced", F.lit(False))
        problems = header_problems(names, contract)
        if problems:
            for position in positions:
                batch.problems[position] = ", ".join(problems)
            yield _unread(records, contract, problems)
        else:
            yield _parsed(records, names, contract, quotes=quotes)


def header(line: str, delimiter: str) -> tuple[str, ...]:
    """Names of the columns; none where the line has no text, or its quotes do not close."""
    values = split_record(line, delimiter) if line else None
    return tuple(column_name(name) for name in values or ())


def _stitched(spark: SparkSession, lines: DataFrame) -> DataFrame:
    # As bytes: Python would replace what is not UTF-8.
    ordered = (
        lines.select("_file", "_line", F.col("_raw").cast("binary").alias("_raw"))
        .repartition("_file")
        .sortWithinPartitions("_file", "_line")
    )
    records = spark.createDataFrame(ordered.rdd.mapPartitions(stitch), RECORD)
    return records.withColumn("_raw", F.col("_raw").cast("string")).persist()


def stitch(lines: Iterable[Row]) -> Iterator[tuple[int, int, bytes, bool]]:
    """Join physical CSV lines (sorted by file and line) to records: a line break inside quotes is data.

    A quote that is never closed would swallow the rest of the file: its lines come out one by one, marked
    as unbalanced. Lines without text are no records, but they are data inside quotes.
    """
    pending: list[Row] = []
    is_open = False
    for line in lines:
        if pending and pending[0]["_file"] != line["_file"]:
            yield from _unbalanced(pending)
            pending, is_open = [], False
        if not pending and not line["_raw"]:
            continue
        pending.append(line)
        is_open ^= bytes(line["_raw"]).count(b'"') % 2 == 1
        if not is_open:
            raw = b"\n".join(bytes(part["_raw"]) for part in pending)
            yield pending[0]["_file"], pending[0]["_line"], raw, False
            pending = []
        elif len(pending) >= MAX_RECORD_LINES:
            yield from _unbalanced(pending)
            pending, is_open = [], False
    yield from _unbalanced(pending)


def _unbalanced(lines: Iterable[Row]) -> Iterator[tuple[int, int, bytes, bool]]:
    for line in lines:
        if line["_raw"]:
            yield line["_file"], line["_line"], bytes(line["_raw"]), True


def _unread(records: DataFrame, contract: Contract, problems: list[str]) -> DataFrame:
    """Records of a file that is quarantined as a whole, each with the reasons."""
    reasons = F.array(*[F.lit(problem) for problem in problems])
    read = text_reason(F.lit(None).cast("string"))
    return records.withColumn("_reasons", F.concat(reasons, as_array(read))).select(
        "_file", "_line", raw_as_text().alias("_raw"), "_reasons", *values_of({}, contract)
    )


def _parsed(records: DataFrame, names: Sequence[str], contract: Contract, *, quotes: bool) -> DataFrame:
    parsed = records.withColumn("_fields", _fields(contract.delimiter, quotes=quotes))
    malformed = F.col("_fields").isNull() | (F.size("_fields") != len(names)) | F.col("_unbalanced")
    reason = text_reason(F.when(malformed, F.lit("malformed_row")))
    values = {name: F.col("_fields")[place] for place, name in enumerate(names)}
    return parsed.withColumn("_reasons", as_array(reason)).select(
        "_file", "_line", raw_as_text().alias("_raw"), "_reasons", *values_of(values, contract)
    )


def _fields(delimiter: str, *, quotes: bool) -> Column:
    """The values of a record. Without quotes a value is what stands between two delimiters, as the JVM can split it;
    Python sees the records with quotes only."""
    plain = F.split("_raw", re.escape(delimiter) if delimiter.isascii() else delimiter, -1)
    if not quotes:
        return plain
    has_quotes = F.col("_raw").contains('"')
    parse = F.udf(lambda raw: None if raw is None else split_record(raw, delimiter), T.ArrayType(T.StringType()))
    return F.when(has_quotes, parse(F.when(has_quotes & ~is_too_long(), F.col("_raw")))).otherwise(plain)


def split_record(text: str, delimiter: str) -> list[str] | None:
    """The values of one CSV record; None if it is malformed.

    A value that begins with a quote ends with its closing quote, then blanks, then the delimiter.
    """
    values: list[str] = []
    at, last = 0, len(text)
    while True:
        if text.startswith('"', at):
            end = _closing_quote(text, at)
            if end < 0:
                return None
            values.append(text[at + 1 : end].replace('""', '"'))
            at = end + 1
            while at < last and text[at] in " \t" and text[at] != delimiter:
                at += 1
            if at < last and text[at] != delimiter:
                return None
        else:
            end = text.find(delimiter, at)
            end = last if end < 0 else end
            values.append(text[at:end])
            at = end
        if at >= last:
            return values
        at += 1


def _closing_quote(text: str, opening: int) -> int:
    """Where the quote that opens there is closed; a doubled quote is data. -1 if it is not."""
    at = text.find('"', opening + 1)
    while at >= 0 and text.startswith('"', at + 1):
        at = text.find('"', at + 2)
    return at
