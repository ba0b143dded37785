"""An Iceberg table's schema, partitions and sort order, as the contract wants them, and how they may change."""

import re
from collections.abc import Mapping

from pipeline_core.contract import Column, Contract
from pipeline_core.partitions import PartitionField
from pyiceberg.partitioning import PartitionField as SpecField
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.name_mapping import create_mapping_from_schema, parse_mapping_from_json
from pyiceberg.table.sorting import NullOrder, SortDirection, SortField, SortOrder
from pyiceberg.table.update.schema import UpdateSchema
from pyiceberg.transforms import parse_transform
from pyiceberg.types import (
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IcebergType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestamptzType,
)

TYPES: Mapping[str, IcebergType] = {
    "string": StringType(),
    "int": IntegerType(),
    "bigint": LongType(),
    "double": DoubleType(),
    "boolean": BooleanType(),
    "date": DateType(),
    # A moment, as the engine writes it; Athena reads timestamptz, and cannot declare it (Amazon Athena, "Supported data
    # types for Iceberg tables", 2026-11).
    "timestamp": TimestamptzType(),
}

NAME_MAPPING = "schema.name-mapping.default"


class SchemaChangeError(Exception):
    """The contract wants of the table what would change or hide rows that it has."""


def iceberg_type(kind: str) -> IcebergType:
    """The type of a column, by its Hive type."""
    decimal = re.fullmatch(r"decimal\((\d+),(\d+)\)", kind)
    return DecimalType(int(decimal[1]), int(decimal[2])) if decimal else TYPES[kind]


def hive_type(kind: IcebergType) -> str:
    """The Hive type of a column, by its type."""
    if isinstance(kind, DecimalType):
        return f"decimal({kind.precision},{kind.scale})"
    return next(name for name, there in TYPES.items() if there == kind)


def new_schema(contract: Contract) -> Schema:
    """The schema of a table that is made; files are read by names, which the name mapping holds."""
    columns = [(column.name, column.type, column.required, column.description) for column in contract.columns]
    columns += [(name, kind, False, "") for name, kind in contract.own_columns.items()]
    return Schema(
        *(
            NestedField(number, name, iceberg_type(kind), required=required, doc=doc or None)
            for number, (name, kind, required, doc) in enumerate(columns, start=1)
        )
    )


def name_mapping(schema: Schema) -> str:
    """The name mapping of a new table."""
    return create_mapping_from_schema(schema).model_dump_json()


def new_spec(contract: Contract, schema: Schema) -> PartitionSpec:
    """The partition spec of a table that is made."""
    return PartitionSpec(
        *(
            SpecField(
                source_id=schema.find_field(field.column).field_id,
                field_id=1000 + number,
                transform=parse_transform(_transform(field)),
                name=field.name,
            )
            for number, field in enumerate(contract.partition_fields)
        )
    )


def _transform(field: PartitionField) -> str:
    return f"{field.transform}[{field.width}]" if field.width else field.transform


def partition_fields(spec: PartitionSpec, schema: Schema) -> tuple[PartitionField, ...]:
    """The fields by which a table is partitioned, in the words of contracts."""
    return tuple(
        PartitionField(
            column=schema.find_field(field.source_id).name,
            transform=str(field.transform).partition("[")[0],
            width=int(match[1]) if (match := re.search(r"\[(\d+)\]", str(field.transform))) else 0,
        )
        for field in spec.fields
    )


def new_sort_order(contract: Contract, schema: Schema) -> SortOrder:
    """The order of the rows in a file."""
    return SortOrder(
        *(
            SortField(
                source_id=schema.find_field(name).field_id,
                transform=parse_transform("identity"),
                direction=SortDirection.ASC,
                null_order=NullOrder.NULLS_LAST,
            )
            for name in contract.sorted_by
        )
    )


def evolve(update: UpdateSchema, schema: Schema, mapping: str, contract: Contract) -> None:
    """Change a table's schema as the contract wants; columns keep their field ids, so that rows keep their values.

    Columns are renamed, added, widened, made nullable, described and brought into the contract's order. A column that
    the contract no longer has stays, and is null in new rows.

    Raises:
        SchemaChangeError: a type is not only widened, or a new column has the name that older files know another by.
    """
    known = parse_mapping_from_json(mapping)
    taken = {name: schema.find_column_name(field.field_id or 0) for field in known.root for name in field.names}
    there = {field.name: field for field in schema.fields}
    wanted = [*contract.columns, *(Column(name=name, type=kind) for name, kind in contract.own_columns.items())]
    # An update names columns as they were, and those that it adds by their new names.
    before: list[str] = []
    for column in wanted:
        kind = iceberg_type(column.type)
        former = next((name for name in column.former_names if name in there), None)
        if column.name not in there and former is None:
            if column.name in taken:
                raise SchemaChangeError(
                    f"{contract.dataset}: {column.name} is what older files call the column {taken[column.name]}; give "
                    "the new column another name"
                )
            update.add_column(column.name, kind, doc=column.description or None)
            before.append(column.name)
            continue
        name = column.name if column.name in there else str(former)
        field = there.pop(name)
        before.append(name)
        if name != column.name:
            update.rename_column(name, column.name)
        if field.field_type != kind:
            check_widened(contract.dataset, column.name, field.field_type, kind)
            update.update_column(name, field_type=kind)
        if (field.doc or "") != column.description:
            update.update_column(name, doc=column.description)
        # What was once nullable stays so: rows may be null there.
        if field.required and not column.required:
            update.make_column_optional(name)
    for name, field in there.items():
        if field.required:
            update.make_column_optional(name)
    if before != [field.name for field in schema.fields if field.name not in there]:
        update.move_first(before[0])
        for name, other in zip(before[1:], before, strict=False):
            update.move_after(name, other)


def check_widened(dataset: str, name: str, was: IcebergType, becomes: IcebergType) -> None:
    """Check that every value of a type is one of the other, too. PyIceberg also lets the scale of a decimal change.

    Raises:
        SchemaChangeError: it is not so.
    """
    if isinstance(was, DecimalType) and isinstance(becomes, DecimalType):
        if was.scale == becomes.scale and was.precision <= becomes.precision:
            return
    elif (was, becomes) == (IntegerType(), LongType()):
        return
    raise SchemaChangeError(
        f"{dataset}: column {name} is {was}, and its contract says {becomes}; a type may only be widened (int to "
        "bigint, a decimal by digits before the point). Give the column another name, or make a dataset of it"
    )
