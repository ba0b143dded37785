"""Reads Parquet files. Their footers are looked at first: Spark fails on types and names that a file may have."""

import operator
import re
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pipeline_core.contract import Contract
from pipeline_core.layout import MAX_EXPANSION
from pipeline_core.manifest import ManifestFile
from py4j.protocol import Py4JJavaError
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from glue_jobs.failures import is_content, is_storage
from glue_jobs.records import (
    Batch,
    all_read,
    column_name,
    header_problems,
    path_of_row,
    paths,
    quoted,
    values_of,
)

PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
"""Column names that mean the same to every engine. A contract has no others."""

TEXT = ("STRING", "ENUM", "JSON", "DECIMAL")
UNSUPPORTED = ("TIME(", "FLOAT16", "INTERVAL", "UUID")
DECIMAL = re.compile(r"DECIMAL\((\d+)")
MAX_PRECISION = 38
"""Digits of a decimal at most, in Spark and in Athena."""

READERS = 8
MICROSECONDS = "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"
KEPT = {
    "ignoreNullFields": "false",
    "timestampFormat": f"{MICROSECONDS}'Z'",
    "timestampNTZFormat": MICROSECONDS,
}
"""How a record is written as JSON where it is kept; Spark's own formats end at milliseconds."""

DECIMALS = (1e-38, 1e38)
"""The least and the first too great of what a decimal of the table can hold."""

PLAIN_NUMBER = "0.0" + "#" * 60
"""The shortest digits of a double without an exponent, as Java's DecimalFormat understands it."""

BOMB = f"parquet_bomb: the content has more than {MAX_EXPANSION} times the bytes, or the rows, that the file has bytes"


@dataclass(frozen=True)
class Field:
    """A column of a Parquet file: its name, whether it is nested or binary, and its annotation, `` if it has none."""

    name: str
    nested: bool
    annotation: str

    @property
    def supported(self) -> bool:
        """Whether a value of it has a text."""
        precision = DECIMAL.match(self.annotation)
        return not self.annotation.startswith(UNSUPPORTED) and (precision is None or int(precision[1]) <= MAX_PRECISION)

    @property
    def in_nanoseconds(self) -> bool:
        """Whether Spark reads it as a number of nanoseconds."""
        return self.annotation.startswith("TIMESTAMP(NANOS")


@dataclass(frozen=True)
class Footer:
    """What a file says of itself."""

    schema: str
    fields: tuple[Field, ...]
    rows: int
    unpacked_bytes: int


def read_parquet(
    spark: SparkSession, files: dict[int, ManifestFile], contract: Contract, batch: Batch
) -> Iterator[DataFrame]:
    """Read the records of Parquet files, those with the same schema together."""
    with ThreadPoolExecutor(READERS) as pool:
        footers = dict(zip(files, pool.map(lambda file: _footer(spark, file.uri), files.values()), strict=True))
    schemas: dict[str, dict[int, Footer]] = defaultdict(dict)
    for position, footer in footers.items():
        if isinstance(footer, str):
            batch.problems[position] = f"unreadable: {footer}"
        elif max(footer.rows, footer.unpacked_bytes) > MAX_EXPANSION * files[position].size:
            batch.problems[position] = BOMB
        else:
            schemas[footer.schema][position] = footer
    for members in schemas.values():
        fields = next(iter(members.values())).fields
        problems = _problems(fields, contract)
        for position in members if problems else ():
            batch.problems[position] = ", ".join(problems)
        if not problems or _shows_records(fields):
            chosen = {position: files[position] for position in members}
            rows = {position: footer.rows for position, footer in members.items()}
            yield from _records(spark, chosen, rows, fields, problems, contract, batch)


def _footer(spark: SparkSession, uri: str) -> Footer | str:
    """Read a file's footer; the reason, if that cannot be done."""
    jvm: Any = spark._jvm
    parquet = jvm.org.apache.parquet.hadoop
    path = jvm.org.apache.hadoop.fs.Path(uri)
    try:
        source = parquet.util.HadoopInputFile.fromPath(path, spark._jsc.hadoopConfiguration())
        reader = parquet.ParquetFileReader.open(source)
        try:
            schema = reader.getFileMetaData().getSchema()
            rows = int(reader.getRecordCount())
            unpacked = sum(int(block.getTotalByteSize()) for block in reader.getRowGroups())
        finally:
            reader.close()
    except Py4JJavaError as error:
        # Somebody deleted the file, the network failed, the JVM is short of something: not the file's fault.
        if is_storage(error) or not is_content(error):
            raise
        return str(error.java_exception.toString())[:200]
    return Footer(str(schema.toString()), tuple(map(_field, schema.getFields())), rows, unpacked)


def _field(field: Any) -> Field:
    annotation = field.getLogicalTypeAnnotation()
    name = "" if annotation is None else str(annotation.toString())
    nested = not field.isPrimitive() or str(field.getRepetition().toString()) == "REPEATED"
    if not nested:
        kind = str(field.asPrimitiveType().getPrimitiveTypeName().toString())
        nested = kind in ("BINARY", "FIXED_LEN_BYTE_ARRAY") and not name.startswith((*TEXT, *UNSUPPORTED))
    return Field(str(field.getName()), nested, name)


def _problems(fields: tuple[Field, ...], contract: Contract) -> list[str]:
    return header_problems([column_name(field.name) for field in fields], contract) + [
        f"{'nested_value' if field.nested else 'unsupported_type'}:{quoted(column_name(field.name))}"
        for field in fields
        if field.nested or not field.supported
    ]


def _shows_records(fields: tuple[Field, ...]) -> bool:
    """Whether Spark can show the records of a file that is refused as a whole; else only the file is kept."""
    names = [field.name.lower() for field in fields]
    plain = all(PLAIN_NAME.fullmatch(field.name) for field in fields)
    return bool(names) and plain and len(set(names)) == len(names) and all(field.supported for field in fields)


def _records(
    spark: SparkSession,
    files: dict[int, ManifestFile],
    rows: dict[int, int],
    fields: tuple[Field, ...],
    problems: list[str],
    contract: Contract,
    batch: Batch,
) -> Iterator[DataFrame]:
    frame = spark.read.parquet(*[file.uri for file in files.values()])
    raw = F.to_json(F.struct(*map(_kept, fields)), KEPT)
    records = (
        frame.select("*", path_of_row().alias("_path"), F.col("_metadata.row_index").alias("_row"))
        .join(F.broadcast(paths(spark, files)), "_path", "left")
        .withColumn("_line", F.col("_row") + 1)
        .withColumn("_raw", raw)
    )
    found = (
        records.groupBy("_file", "_path").agg(F.count("*").alias("rows"), _text_bytes(frame).alias("text")).collect()
    )
    all_read({row["_file"] for row in found} | set(files), files, [row["_path"] for row in found])
    counts = {row["_file"]: row["rows"] for row in found}
    # Of a file without its middle Spark reads fewer rows, and says nothing.
    refused = {
        position: f"unreadable: {expected} rows by its footer, {counts.get(position, 0)} found"
        for position, expected in rows.items()
        if counts.get(position, 0) != expected
    }
    # A dictionary holds a long text once, for any number of rows.
    refused |= {row["_file"]: BOMB for row in found if row["text"] > MAX_EXPANSION * files[row["_file"]].size}
    batch.problems.update(refused)
    for position in rows.keys() - refused.keys():
        batch.rows[position] += rows[position]
    records = records.where(~F.col("_file").isin(*refused)) if refused else records
    if problems:
        reasons = F.array(*[F.lit(problem) for problem in problems])
        yield records.select("_file", "_line", "_raw", reasons.alias("_reasons"), *values_of({}, contract))
        return
    types = {item.name: item.dataType for item in frame.schema.fields}
    values = {column_name(field.name): _text(field, types[field.name]) for field in fields}
    nothing = F.array().cast("array<string>")
    yield records.select("_file", "_line", "_raw", nothing.alias("_reasons"), *values_of(values, contract))


def _text_bytes(frame: DataFrame) -> Column:
    """Bytes of all texts in the rows of a group."""
    texts = [item.name for item in frame.schema.fields if isinstance(item.dataType, T.StringType)]
    lengths = [F.coalesce(F.octet_length(F.col(f"`{name}`")).cast("bigint"), F.lit(0)) for name in texts]
    return F.sum(reduce(operator.add, lengths, F.lit(0)))


def _kept(field: Field) -> Column:
    """A value as the kept record has it."""
    column = F.col(f"`{field.name}`")
    return _nanoseconds(column, field).alias(field.name) if field.in_nanoseconds else column


def _text(field: Field, kind: T.DataType) -> Column:
    """A value as the text that a person would write."""
    column = F.col(f"`{field.name}`")
    if field.in_nanoseconds:
        return _nanoseconds(column, field)
    if isinstance(kind, T.TimestampType):
        return F.date_format(column, f"{MICROSECONDS}'Z'")
    if isinstance(kind, T.FloatType | T.DoubleType):
        text = column.cast("string")
        # Through its text, so that a float has no digits of a double.
        plain = F.call_function("format_number", text.cast("double"), F.lit(PLAIN_NUMBER))
        least, most = DECIMALS
        return F.when((F.abs(column) >= least) & (F.abs(column) < most), plain).otherwise(text)
    if isinstance(kind, T.DecimalType) and kind.scale > 6:
        # Java writes small ones with an exponent.
        return F.udf(lambda value: None if value is None else format(value, "f"), "string")(column)
    return column.cast("string")


def _nanoseconds(column: Column, field: Field) -> Column:
    """Nanoseconds since 1970 as text; digits after the microseconds are left out where they are zero."""
    rest = F.pmod(column, F.lit(1000))
    # An exact division: a quotient of doubles would round.
    micros = F.timestamp_micros(((column - rest).cast("decimal(20,0)") / 1000).cast("bigint"))
    digits = F.when(rest == 0, F.lit("")).otherwise(F.lpad(rest.cast("string"), 3, "0"))
    zone = F.lit("Z" if field.annotation.endswith("true)") else "")
    return F.concat(F.date_format(micros, MICROSECONDS), digits, zone)
