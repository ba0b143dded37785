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

from glue_jobs.failures import is_storage, root_cause
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

ELSEWHERE = re.compile(r"FileNotFoundException|^java\.net\.|^javax\.net\.ssl")
"""Not the file's problem either: somebody deleted it, or the network failed, which is used for nothing else here."""

PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
"""Column names that mean the same to every engine. A contract has no others."""

TEXT = ("STRING", "ENUM", "JSON", "DECIMAL")
UNSUPPORTED = ("TIME(", "FLOAT16", "INTERVAL", "UUID")
READERS = 8
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
        return not self.annotation.startswith(UNSUPPORTED)


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
        if is_storage(error) or ELSEWHERE.search(root_cause(error)):
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
    raw = F.to_json(F.struct(*[F.col(f"`{field.name}`") for field in fields]), {"ignoreNullFields": "false"})
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


def _text(field: Field, kind: T.DataType) -> Column:
    """A value as the text that a person would write."""
    column = F.col(f"`{field.name}`")
    if field.annotation.startswith("TIMESTAMP(NANOS"):
        return _nanoseconds(column, zoned=field.annotation.endswith("true)"))
    if isinstance(kind, T.TimestampType):
        return F.date_format(column, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'")
    if isinstance(kind, T.FloatType | T.DoubleType):
        # 1.0E7 is an integer too
        whole = (column == F.floor(column)) & (F.abs(column) < 1e15) & (column != 0)
        return F.when(whole, F.concat(column.cast("bigint"), F.lit(".0"))).otherwise(column.cast("string"))
    if isinstance(kind, T.DecimalType) and kind.scale > 6:
        # Java writes small ones with an exponent.
        return F.udf(lambda value: None if value is None else format(value, "f"), "string")(column)
    return column.cast("string")


def _nanoseconds(column: Column, *, zoned: bool) -> Column:
    """Nanoseconds since 1970 as text; digits after the microseconds are left out where they are zero."""
    rest = F.pmod(column, F.lit(1000))
    # An exact division: a quotient of doubles would round.
    micros = F.timestamp_micros(((column - rest).cast("decimal(20,0)") / 1000).cast("bigint"))
    digits = F.when(rest == 0, F.lit("")).otherwise(F.lpad(rest.cast("string"), 3, "0"))
    return F.concat(F.date_format(micros, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"), digits, F.lit("Z" if zoned else ""))
