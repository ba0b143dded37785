"""Texts of partitions and values of the metadata are each other's, for whatever the engine writes."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_core.partitions import PartitionField
from pyiceberg.transforms import parse_transform
from table_formats.iceberg_schema import iceberg_type
from table_formats.partition_values import to_text, to_value

MICROSECONDS = dt.timedelta(microseconds=1)
MOMENT = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
EPOCH = dt.date(1970, 1, 1)

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(-(2**31), 2**31 - 1),
    "bigint": st.integers(-(2**63) + 2_000, 2**63 - 1),
    "string": st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=9),
    "date": st.dates(),
    "timestamp": st.datetimes().map(lambda at: at.replace(tzinfo=dt.UTC)),
    "decimal(20,4)": st.decimals("-1e15", "1e15", places=4),
}
TRANSFORMS = {
    "int": ("", "bucket[7]", "truncate[10]"),
    "bigint": ("", "bucket[7]", "truncate[1000]"),
    "string": ("", "bucket[7]", "truncate[3]"),
    "date": ("", "bucket[7]", "year", "month", "day"),
    "timestamp": ("bucket[7]", "year", "month", "day", "hour"),
    "decimal(20,4)": ("bucket[7]", "truncate[50]"),
}


def stored(value: Any, kind: str) -> Any:
    """A value as Iceberg has it."""
    if kind == "date":
        return (value - EPOCH).days
    return (value - MOMENT) // MICROSECONDS if kind == "timestamp" else value


@pytest.mark.parametrize(("kind", "transform"), [(kind, each) for kind, those in TRANSFORMS.items() for each in those])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_value_of_pyiceberg_has_a_text_and_comes_back_from_it(kind: str, transform: str, data: st.DataObject) -> None:
    field = PartitionField.parse(f"{transform}(c)" if transform else "c")
    value = parse_transform(transform or "identity").transform(iceberg_type(kind))(
        stored(data.draw(VALUES[kind]), kind)
    )
    assert to_value(field, to_text(field, value, kind), kind) == value


@pytest.mark.parametrize("transform", ["", "year", "month", "day", "hour", "bucket[4]", "truncate[4]"])
def test_null_has_a_text(transform: str) -> None:
    field = PartitionField.parse(f"{transform}(c)" if transform else "c")
    assert to_text(field, None, "timestamp") == "__HIVE_DEFAULT_PARTITION__"
    assert to_value(field, "__HIVE_DEFAULT_PARTITION__", "timestamp") is None


@pytest.mark.parametrize(("text", "days"), [("0000-12-31", -719_163), ("10000-01-01", 2_932_897), ("1969-12-31", -1)])
def test_days_beyond_pythons_calendar_are_days(text: str, days: int) -> None:
    day = PartitionField.parse("day(c)")
    assert to_value(day, text, "timestamp") == days
    assert to_text(day, days, "timestamp") == text
    assert pa.scalar(days, pa.int32()).cast(pa.date32()).cast(pa.string()).as_py() == text


def test_a_truncated_decimal_is_written_without_an_exponent() -> None:
    assert to_text(PartitionField.parse("truncate[10](c)"), Decimal("0E-10"), "decimal(38,10)") == "0.0000000000"
