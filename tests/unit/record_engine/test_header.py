"""Which columns of the contract the columns of a file are."""

import pytest
from pipeline_core.contract import Column, Contract
from record_engine.header import Names


def names(ignored: tuple[str, ...] = (), unexpected: str = "refuse", *, required: bool = True) -> Names:
    return Names(
        Contract(
            dataset="orders",
            version="1.0.0",
            columns=(
                Column(name="id", type="bigint", source="Order ID", required=required),
                Column(name="b", type="int"),
            ),
            primary_key=(),
            partition_by=(),
            quality=(),
            formats=("csv",),
            null_tokens=("",),
            delimiter=",",
            time_zone="UTC",
            max_file_bytes=1,
            frequency_hours=None,
            ignored_columns=ignored,
            unexpected_columns=unexpected,
        )
    )


@pytest.mark.parametrize(
    ("found", "problems"),
    [
        (["order id", "b"], []),
        (["id", "b"], []),
        (["id", "order id"], ["duplicate_column:id"]),
        (["b"], ["missing_column:id"]),
        (["id", "c"], ["unexpected_column:c"]),
        (["id", "_airbyte_x"], ["unexpected_column:_airbyte_x"]),
    ],
)
def test_a_column_is_known_by_its_source_or_its_name(found: list[str], problems: list[str]) -> None:
    assert names().problems(found) == problems


@pytest.mark.parametrize(
    ("ignored", "unexpected", "extra", "is_taken"),
    [
        (("_airbyte_*",), "refuse", ["_airbyte_x", "_airbyte_x"], True),
        (("_airbyte_*",), "refuse", ["x_airbyte_x"], False),
        (("",), "refuse", ["", ""], True),
        (("a.c",), "refuse", ["abc"], False),
        (("ID*",), "refuse", ["idx"], True),
        ((), "ignore", ["any", "thing"], True),
    ],
)
def test_columns_that_are_not_wanted_are_left_out(
    ignored: tuple[str, ...], unexpected: str, extra: list[str], is_taken: bool
) -> None:
    assert (names(ignored, unexpected).problems(["id", *extra]) == []) is is_taken


def test_a_column_of_the_contract_is_never_ignored() -> None:
    assert names(("*",)).columns(["order id", "b", "c"]) == ["id", "b", None]
    assert names(("*",)).problems(["b"]) == ["missing_column:id"]


def test_a_file_without_any_known_column_is_refused_also_where_none_is_required() -> None:
    assert names(required=False).problems([]) == ["no_known_column"]
    assert names(required=False, unexpected="ignore").problems(["x"]) == ["no_known_column"]
    assert names(required=False).problems(["b"]) == []
