"""Casts the text of a record to the contract's types and says what is wrong with it. See docs/semantics.md."""

import re

from pipeline_core.contract import Column as ContractColumn
from pipeline_core.contract import Contract
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

# \z, since $ also matches before a line break at the end.
INTEGER = r"^[+-]?[0-9]+(\.0*)?\z"
DOUBLE = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\z"
DATE = r"^(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}\z"
TIMESTAMP = (
    r"^(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?\z"
)
OFFSET = r"(Z|[+-][0-9]{2}:[0-9]{2})\z"
WITHOUT_SECONDS = r"^(.{16})(Z|[+-].*)?\z"
PARTITION_VALUE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\z"
"""Partition values become folder names; these need no escaping in a path, in Spark, Glue or Athena."""


def check(records: DataFrame, contract: Contract) -> DataFrame:
    """Replace the text columns by typed ones and complete `_reasons`; a valid record has none."""
    texts = [_text(column, contract).alias(column.name) for column in contract.columns]
    cleaned = records.select("_file", "_line", "_raw", "_reasons", *texts)
    typed = [
        cast(F.col(f"`{column.name}`"), column.type, contract.time_zone).alias(f"_typed_{column.name}")
        for column in contract.columns
    ]
    checked = cleaned.select("*", *typed)
    # One text, then split: array functions with lambdas are interpreted and took half of the job's time.
    joined = F.concat_ws(",", *[reason for column in contract.columns for reason in _reasons(column, contract)])
    found = F.when(joined == "", F.array().cast("array<string>")).otherwise(F.split(joined, ","))
    # A record that could not be read has no values to be wrong.
    reasons = F.when(F.size("_reasons") > 0, F.col("_reasons")).otherwise(found)
    return checked.select(
        "_file",
        "_line",
        # Only a quarantined record is kept as it came; the others are spared the shuffle.
        F.when(F.size(reasons) > 0, F.col("_raw")).alias("_raw"),
        reasons.alias("_reasons"),
        *[F.col(f"_typed_{column.name}").alias(column.name) for column in contract.columns],
    )


def _text(column: ContractColumn, contract: Contract) -> Column:
    trimmed = F.expr(f"trim(BOTH ' \t' FROM `{column.name}`)")
    return F.when(~trimmed.isin(*contract.null_tokens), trimmed) if contract.null_tokens else trimmed


def cast(text: Column, kind: str, time_zone: str) -> Column:
    """The value of a text as a type of the table; null where the text is null or not of the type.

    The session runs without ANSI mode, in which a cast that fails is null.
    """
    match kind:
        case "string":
            return text
        case "int" | "bigint":
            digits = F.substring_index(text, ".", 1)
            return F.when(text.rlike(INTEGER), digits.cast(kind))
        case "double":
            value = F.when(text.rlike(DOUBLE), text.cast("double"))
            return F.when(~value.isin(float("inf"), float("-inf")), value)
        case "boolean":
            lowered = F.lower(text)
            return F.when(lowered.isin("true", "1"), True).when(lowered.isin("false", "0"), False)
        case "date":
            return F.when(text.rlike(DATE), text.cast("date"))
        case "timestamp":
            # The session's time zone is UTC, so a time without an offset is read as UTC first.
            full = F.regexp_replace(text, WITHOUT_SECONDS, "$1:00$2")
            value = F.when(text.rlike(TIMESTAMP), full.cast("timestamp"))
            if time_zone == "UTC":
                return value
            return F.when(text.rlike(OFFSET), value).otherwise(F.to_utc_timestamp(value, time_zone))
        case decimal:
            precision, scale = re.findall(r"\d+", decimal)
            exact = rf"^[+-]?[0-9]+(\.[0-9]{{0,{scale}}}0*)?\z"
            return F.when(text.rlike(exact), text.cast(f"decimal({precision},{scale})"))


def _reasons(column: ContractColumn, contract: Contract) -> list[Column]:
    text, value = F.col(f"`{column.name}`"), F.col(f"`_typed_{column.name}`")

    def given(written: str) -> Column:
        # Of the column's type too: beside a double, a decimal would be compared as one.
        return cast(F.lit(written), column.type, contract.time_zone)

    found: list[tuple[str, Column]] = []
    if column.required:
        found.append(("required", text.isNull()))
    if column.type != "string":
        found.append(("type", text.isNotNull() & value.isNull()))
    if column.minimum is not None:
        found.append(("minimum", value < given(column.minimum)))
    if column.maximum is not None:
        found.append(("maximum", value > given(column.maximum)))
    if column.min_length is not None:
        found.append(("min_length", F.length(text) < column.min_length))
    if column.max_length is not None:
        found.append(("max_length", F.length(text) > column.max_length))
    if column.pattern is not None:
        found.append(("pattern", ~text.rlike(column.pattern)))
    if column.enum is not None:
        found.append(("enum", ~value.isin(*map(given, column.enum))))
    if column.name in contract.partition_by and column.type == "string":
        found.append(("partition_value", ~text.rlike(PARTITION_VALUE)))
    return [F.when(wrong, F.lit(f"{code}:{column.name}")) for code, wrong in found]
