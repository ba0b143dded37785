"""The partitions of rows, beside what PyIceberg computes for the same values (docs/semantics.md, section 6)."""

import datetime as dt
import random
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pipeline_core.contract import Contract
from pipeline_core.layout import partition_path, partition_values
from pipeline_core.partitions import NULL, PartitionField
from pyiceberg import transforms, types
from record_engine import Folders
from record_engine.transforms import field_texts, murmur3
from record_engine.values import arrow_type

from tests.lake import ORDERS

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)
KINDS: dict[str, types.PrimitiveType] = {
    "int": types.IntegerType(),
    "bigint": types.LongType(),
    "date": types.DateType(),
    "timestamp": types.TimestamptzType(),
    "string": types.StringType(),
    "decimal(9,2)": types.DecimalType(9, 2),
    "decimal(38,10)": types.DecimalType(38, 10),
}
SEED = random.Random("transforms")


def values_of(kind: str) -> list[Any]:
    """Values of a type, as PyIceberg has them: moments and days are numbers."""
    match kind:
        case "int":
            return [
                0,
                1,
                -1,
                34,
                -34,
                2**31 - 1,
                -(2**31) + 100,
                *(SEED.randrange(-(2**31) + 100, 2**31) for _ in range(200)),
            ]
        case "bigint":
            return [0, -1, 34, 2**63 - 1, -(2**63) + 100, *(SEED.randrange(-(2**62), 2**62) for _ in range(200))]
        case "date":
            return [0, -1, -719_162, 2_932_896, 19_782, *(SEED.randrange(-719_162, 2_932_896) for _ in range(300))]
        case "timestamp":
            edges = [0, -1, 1, -62_135_596_800_000_000, 253_402_300_799_999_999, 3_600_000_000, -3_600_000_001]
            return [*edges, *(SEED.randrange(-62_135_596_800_000_000, 253_402_300_799_999_999) for _ in range(300))]
        case "string":
            letters = "abcäöü😀漢 /%=?"
            return [
                "iceberg",
                "",
                "a",
                "ab",
                "abc",
                *("".join(SEED.choices(letters, k=SEED.randrange(12))) for _ in range(200)),
            ]
    digits = int(kind[8:].partition(",")[0])
    scale = int(kind.rstrip(")").partition(",")[2])
    numbers = [0, 1, -1, 127, 128, -128, -129, 255, 256, 10**digits - 1, -(10**digits) + 100]
    numbers += [SEED.randrange(-(10**digits) + 100, 10**digits) for _ in range(200)]
    return [Decimal((int(number < 0), tuple(map(int, str(abs(number)))), -scale)) for number in numbers]


def texts(transform: str, kind: str, values: list[Any]) -> list[str]:
    type_ = arrow_type(kind)
    plain = {"date": pa.int32(), "timestamp": pa.int64()}.get(kind)
    array = pa.array(values, plain).cast(type_) if plain else pa.array(values, type_)
    found: list[str] = field_texts(PartitionField.parse(transform), kind, array).to_pylist()
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [1, 7, 16, 1000])
def test_buckets_are_those_of_iceberg(kind: str, width: int) -> None:
    values = values_of(kind)
    bucket = transforms.BucketTransform(width).transform(KINDS[kind])
    assert texts(f"bucket[{width}](x)", kind, values) == [str(bucket(value)) for value in values]


def test_hashes_are_those_of_the_specification() -> None:
    """Appendix B of Iceberg's specification gives these (2026-11)."""
    assert murmur3(b"iceberg") == 1210000089
    assert murmur3((34).to_bytes(8, "little")) == 2017239379
    assert murmur3(bytes([0, 1, 2, 3])) == 2**32 - 188683207


@pytest.mark.parametrize("name", ["year", "month", "day", "hour"])
@pytest.mark.parametrize("kind", ["date", "timestamp"])
def test_times_are_those_of_iceberg(kind: str, name: str) -> None:
    if (kind, name) == ("date", "hour"):
        return
    values = values_of(kind)
    transform = getattr(transforms, f"{name.capitalize()}Transform")()
    apply = transform.transform(KINDS[kind])
    expected = [transform.to_human_string(KINDS[kind], apply(value)) for value in values]
    assert texts(f"{name}(x)", kind, values) == expected


@pytest.mark.parametrize("kind", ["int", "bigint", "string", "decimal(9,2)", "decimal(38,10)"])
@pytest.mark.parametrize("width", [1, 3, 10, 50])
def test_truncation_is_that_of_iceberg(kind: str, width: int) -> None:
    values = values_of(kind)
    truncate = transforms.TruncateTransform(width).transform(KINDS[kind])
    found = texts(f"truncate[{width}](x)", kind, values)
    if kind == "string":
        assert found == [truncate(value) for value in values]
    elif kind.startswith("decimal"):
        assert [Decimal(text) for text in found] == [truncate(value) for value in values]
        assert "E" not in "".join(found)
    else:
        assert found == [str(truncate(value)) for value in values]


@pytest.mark.parametrize("transform", ["x", "bucket[4](x)", "truncate[4](x)"])
@pytest.mark.parametrize("kind", ["bigint", "string"])
def test_a_null_has_a_partition_of_its_own(transform: str, kind: str) -> None:
    assert texts(transform, kind, [None]) == [NULL]


@pytest.mark.parametrize("transform", ["year(x)", "month(x)", "day(x)", "hour(x)"])
def test_a_null_moment_has_a_partition_of_its_own(transform: str) -> None:
    assert texts(transform, "timestamp", [None, 0])[0] == NULL


def test_a_folder_says_what_its_values_are_whatever_characters_they_have() -> None:
    columns = [{"name": "name", "type": "string"}, {"name": "at", "type": "timestamp"}]
    contract = Contract.from_document(
        {
            **ORDERS,
            "columns": columns,
            "table_format": "iceberg",
            "primary_key": [],
            "partition_by": ["truncate[6](name)", "month(at)"],
        }
    )
    names = ["a/b=c%d", "", "ä ?", None]
    rows = pa.RecordBatch.from_pydict({"name": names, "at": pa.array([0, 1, None, -1], pa.timestamp("us", tz="UTC"))})
    folders = Folders(contract).of(rows).to_pylist()
    assert folders[0] == "name_trunc_6=a%2Fb%3Dc%25/at_month=1970-01/"
    expected = [("a/b=c%", "1970-01"), ("", "1970-01"), ("ä ?", NULL), (NULL, "1969-12")]
    assert [tuple(partition_values(folder).values()) for folder in folders] == expected
    assert [partition_path(partition_values(folder)) for folder in folders] == folders
