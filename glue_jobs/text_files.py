"""Reads text files line by line, and looks once at every file: its header, its lines, its quotes."""

from codecs import BOM_UTF8
from collections import defaultdict
from dataclasses import dataclass

from pipeline_core.manifest import ManifestFile
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from glue_jobs.gzip_files import gzip_problems, unpacked_bytes
from glue_jobs.records import MAX_RECORD_CHARACTERS, Batch, all_read, path_of_row, paths, small_frame


@dataclass(frozen=True)
class TextFile:
    """What one pass over a text file shows: its first line, its line numbering, its quotes and its lines with text."""

    header: str
    offsets: dict[int, int]
    quotes: bool
    torn: bool
    rows: int


@dataclass(frozen=True)
class Lines:
    """The lines of text files with their numbers (`_file`, `_line`, `_raw`), and what a first look at them showed."""

    numbered: DataFrame
    files: dict[int, TextFile]


def read_lines(spark: SparkSession, files: dict[int, ManifestFile], batch: Batch) -> Lines:
    """Read text files; those that cannot be unpacked are a problem of the batch, and have no lines."""
    broken = gzip_problems(spark, files)
    batch.problems.update(broken)
    sound = {position: file for position, file in files.items() if position not in broken}
    lines, found = _survey(spark, sound) if sound else (_lines(spark, files), {})
    return Lines(_numbered(lines, found), found)


def _lines(spark: SparkSession, files: dict[int, ManifestFile]) -> DataFrame:
    """Every physical line: `_file`, `_block` (where its split begins), `_id` (rising in a split), `_raw`.

    Hadoop's reader drops a byte order mark at the start of a file.
    """
    names = paths(spark, files)
    # Only LF ends a line: a lone CR is data. A CR before it, or at the end of the file, belongs to the line end.
    lines = (
        spark.read.option("lineSep", "\n")
        .text([file.uri for file in files.values()])
        .select(
            path_of_row().alias("_path"),
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


def _survey(spark: SparkSession, files: dict[int, ManifestFile]) -> tuple[DataFrame, dict[int, TextFile]]:
    """Look at every text file once: first lines, line counts of the splits, quotes.

    Raises:
        RuntimeError: a file of the manifest was not read, or one was read that is not in it.
    """
    lines = _lines(spark, files)
    quotes = F.length("_raw") - F.length(F.replace(F.col("_raw"), F.lit('"'), F.lit("")))
    splits = (
        lines.groupBy("_file", "_path", "_block")
        .agg(
            F.min("_id").alias("first"),
            F.min_by("_raw", "_id").alias("header"),
            F.count("*").alias("lines"),
            F.sum((F.length("_raw") > 0).cast("int")).alias("rows"),
            F.max(F.col("_raw").contains('"')).alias("quotes"),
            F.max(quotes % 2 == 1).alias("odd"),
        )
        .collect()
    )
    read = {split["_file"] for split in splits}
    blank = {position for position in files.keys() - read if _is_blank(spark, files[position])}
    all_read(read | blank, files, [split["_path"] for split in splits])
    by_file: dict[int, list[Row]] = defaultdict(list)
    for split in sorted(splits, key=lambda split: (split["_file"], split["_block"])):
        by_file[split["_file"]].append(split)
    surveyed = dict.fromkeys(blank, TextFile(header="", offsets={}, quotes=False, torn=False, rows=0))
    for position, parts in by_file.items():
        offsets, before = {}, 0
        for part in parts:
            offsets[part["_block"]] = before - part["first"]
            before += part["lines"]
        surveyed[position] = TextFile(
            header=parts[0]["header"],
            offsets=offsets,
            quotes=any(part["quotes"] for part in parts),
            torn=any(part["odd"] for part in parts),
            rows=sum(part["rows"] for part in parts),
        )
    return lines, surveyed


def _is_blank(spark: SparkSession, file: ManifestFile) -> bool:
    """Whether a file of which no line was read has none: it is nothing, or a byte order mark, once it is unpacked."""
    return unpacked_bytes(spark, file.uri, len(BOM_UTF8) + 1) <= len(BOM_UTF8)


def _numbered(lines: DataFrame, files: dict[int, TextFile]) -> DataFrame:
    """Replace the split's running number by the line number in the file."""
    offsets = small_frame(
        lines.sparkSession,
        (
            {"_file": position, "_block": block, "_offset": offset}
            for position, text in files.items()
            for block, offset in text.offsets.items()
        ),
        "_file: int, _block: bigint, _offset: bigint",
    )
    joined = lines.join(F.broadcast(offsets), ["_file", "_block"])
    return joined.select("_file", (F.col("_id") + F.col("_offset") + 1).alias("_line"), "_raw")


def text_reason(also: Column) -> Column:
    """Why a text record cannot be read: the first of its encoding, a NUL, its length, and `also`."""
    raw = F.col("_raw")
    binary = raw.cast("binary")
    # decode puts U+FFFD for what is not UTF-8, so that coming back gives other bytes
    invalid = F.encode(F.decode(binary, "UTF-8"), "UTF-8") != binary
    return (
        F.when(invalid, F.lit("encoding"))
        .when(raw.contains("\x00"), F.lit("nul_character"))
        .when(is_too_long(), F.lit("too_long"))
        .otherwise(also)
    )


def is_too_long() -> Column:
    """Whether a record has too many characters to be parsed."""
    return F.length("_raw") > MAX_RECORD_CHARACTERS


def raw_as_text() -> Column:
    """The record as it came; where it is not UTF-8, its bytes as ISO-8859-1, which loses none of them."""
    binary = F.col("_raw").cast("binary")
    return F.when(F.array_contains("_reasons", "encoding"), F.decode(binary, "ISO-8859-1")).otherwise(F.col("_raw"))
