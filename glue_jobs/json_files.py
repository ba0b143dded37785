"""Reads JSON Lines files."""

import json
from collections.abc import Iterator
from typing import Any, NoReturn

from pipeline_core.contract import Contract
from pipeline_core.manifest import ManifestFile
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from glue_jobs.records import Batch, as_array, column_name, quoted, values_of
from glue_jobs.text_files import is_too_long, raw_as_text, read_lines, text_reason


def read_jsonl(
    spark: SparkSession, files: dict[int, ManifestFile], contract: Contract, batch: Batch
) -> Iterator[DataFrame]:
    """Read the records of JSON Lines files: every line with text is one."""
    lines = read_lines(spark, files, batch)
    for position, text in lines.files.items():
        batch.rows[position] += text.rows
    schema = T.StructType().add("values", T.MapType(T.StringType(), T.StringType())).add("reason", "string")
    names = frozenset(column.name for column in contract.columns)
    parse = F.udf(lambda raw: (None, None) if raw is None else parse_json(raw, names), schema)
    records = lines.numbered.where(F.length("_raw") > 0)
    parsed = records.withColumn("_parsed", parse(F.when(~is_too_long(), F.col("_raw"))))
    values = {name: F.col("_parsed.values").getItem(name) for name in names}
    yield parsed.withColumn("_reasons", as_array(text_reason(F.col("_parsed.reason")))).select(
        "_file", "_line", raw_as_text().alias("_raw"), "_reasons", *values_of(values, contract)
    )


def parse_json(raw: str, names: frozenset[str]) -> tuple[dict[str, str | None] | None, str | None]:
    """Parse one line of JSON Lines to the text of its values, or to the reason why it cannot be read."""
    try:
        pairs = json.loads(
            raw, object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=_refuse_constant
        )
        if "\\u" in raw:
            json.dumps(pairs, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except (ValueError, RecursionError):
        return None, "malformed_row"
    if not isinstance(pairs, _Pairs):
        return None, "malformed_row"
    columns = [column_name(key) for key, _ in pairs]
    reason = _first_reason(columns, pairs, names)
    if reason is not None:
        return None, reason
    return {name: _text(value) for name, (_, value) in zip(columns, pairs, strict=True)}, None


def _first_reason(columns: list[str], pairs: "_Pairs", names: frozenset[str]) -> str | None:
    """The first reason that applies: by kind, then by place in the record."""
    for name in columns:
        if name not in names:
            return f"unexpected_column:{quoted(name)}"
    for name in columns:
        if columns.count(name) > 1:
            return f"duplicate_column:{name}"
    for name, (_, value) in zip(columns, pairs, strict=True):
        if isinstance(value, list):
            return f"nested_value:{name}"
    return None


def _text(value: Any) -> str | None:
    # Numbers are text already, as they were written.
    return str(value).lower() if isinstance(value, bool) else value


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as its pairs, so that a repeated name is seen; a list, so that nesting is too."""
