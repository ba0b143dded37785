"""The limits of the types, from both sides."""

from typing import Any

import pytest
from open_data_contract_standard.model import SchemaProperty

from contracts.compiler.column_types import MAX_LENGTH, ColumnTypeError, column_type
from contracts.compiler.column_values import as_written, is_value, value_problems


def column(logical: str = "string", **more: Any) -> SchemaProperty:
    return SchemaProperty(name="value", logicalType=logical, **more)


def problems(kind: str, **options: Any) -> list[str]:
    return list(value_problems(options, None, kind))


@pytest.mark.parametrize(
    ("kind", "text", "is_one"),
    [
        ("int", "2147483647", True),
        ("int", "2147483648", False),
        ("int", "-2147483648", True),
        ("int", "-2147483649", False),
        ("bigint", "9223372036854775807", True),
        ("bigint", "9223372036854775808", False),
        ("bigint", "-9223372036854775808", True),
        ("bigint", "-9223372036854775809", False),
        ("int", "1e3", False),
        ("int", "1E3", False),
        ("int", "1.0", True),
        ("int", "1.5", False),
        ("int", "", False),
        ("double", "1e308", True),
        ("double", "1E308", True),
        ("double", "1e309", False),
        ("decimal(4,2)", "99.99", True),
        ("decimal(4,2)", "-99.99", True),
        ("decimal(4,2)", "100", False),
        ("decimal(4,2)", "-100", False),
        ("decimal(4,2)", "1.234", False),
        ("decimal(4,2)", "1.230", True),
        ("decimal(4,2)", "1e1", True),
        ("decimal(4,2)", "1e2", False),
        ("decimal(4,2)", "1e-3", False),
        ("decimal(4,2)", ".5", True),
        ("int", ".0", False),
        ("boolean", "1", True),
        ("boolean", "0", True),
        ("boolean", "TRUE", True),
        ("boolean", "False", True),
        ("boolean", "2", False),
        ("boolean", "yes", False),
        ("date", "2024-02-29", True),
        ("date", "2023-02-29", False),
        ("date", "2024-2-29", False),
        ("timestamp", "2024-01-31T23:59:59.123456+18:00", True),
        ("timestamp", "2024-01-31T23:59:59.1234567", False),
        ("timestamp", "2024-01-31T24:00", False),
        ("timestamp", "2024-01-31T10:00+18:01", False),
        ("string", "", True),
    ],
)
def test_a_text_is_a_value_of_a_type_or_it_is_not(kind: str, text: str, is_one: bool) -> None:
    assert is_value(text, kind) is is_one


@pytest.mark.parametrize(
    ("precision", "scale", "taken"), [(1, 0, True), (1, 1, True), (38, 38, True), (39, 0, False), (0, 0, False)]
)
def test_a_decimal_has_one_to_38_digits_and_no_more_of_them_after_the_point(
    precision: int, scale: int, taken: bool
) -> None:
    physical = f"decimal({precision},{scale})"
    if taken:
        assert column_type(column("number", physicalType=physical)).kind == physical
    else:
        with pytest.raises(ColumnTypeError, match=r"allowed: decimal\(p,s\) with 1 <= p <= 38 and s <= p"):
            column_type(column("number", physicalType=physical))
    with pytest.raises(ColumnTypeError):
        column_type(column("number", physicalType="decimal(3,4)"))


@pytest.mark.parametrize(
    ("length", "taken"),
    [(-1, False), (0, True), (1, True), (MAX_LENGTH, True), (MAX_LENGTH + 1, False), (True, False), ("3", False)],
)
@pytest.mark.parametrize("option", ["minLength", "maxLength"])
def test_a_length_is_a_number_of_characters_that_a_record_can_have(option: str, length: Any, taken: bool) -> None:
    wrong = f"logicalTypeOptions.{option}: {length!r}; allowed are whole numbers from 0 to {MAX_LENGTH}"
    assert problems("string", **{option: length}) == ([] if taken else [wrong])


@pytest.mark.parametrize(
    ("kind", "option", "allowed"),
    [
        ("string", "minimum", "minLength, maxLength, pattern"),
        ("decimal(4,2)", "pattern", "minimum, maximum"),
        ("boolean", "minimum", "none"),
        ("date", "pattern", "minimum, maximum, format"),
    ],
)
def test_an_option_that_is_not_checked_is_refused_with_those_that_are(kind: str, option: str, allowed: str) -> None:
    assert problems(kind, **{option: 1}) == [f"logicalTypeOptions.{option}: not checked for {kind}; allowed: {allowed}"]


@pytest.mark.parametrize(
    ("kind", "least", "most", "left"),
    [("int", 1, 2, True), ("int", 2, 2, True), ("int", 3, 2, False), ("decimal(4,2)", 0.2, 0.1, False)],
)
def test_bounds_leave_a_value(kind: str, least: float, most: float, left: bool) -> None:
    found = problems(kind, minimum=least, maximum=most)
    wrong = f"logicalTypeOptions.minimum: {least} is above maximum, which is {most}: no value is left"
    assert found == ([] if left else [wrong])


@pytest.mark.parametrize(
    ("kind", "least", "most", "left"),
    [
        ("date", "2026-01-01", "2026-01-02", True),
        ("date", "2026-01-02", "2026-01-02", True),
        ("date", "2026-01-03", "2026-01-02", False),
        ("timestamp", "2026-01-03", "2026-01-02 10:00", None),
        ("timestamp", "2026-01-03 10:00", "2026-01-02 10:00", False),
        # Of one day, an offset may turn them.
        ("timestamp", "2026-01-02 11:00Z", "2026-01-02 10:00-05:00", True),
        ("timestamp", "2026-01-02 10:00", "2026-01-02 10:00", True),
        ("string", "2026-01-03", "2026-01-02", None),
    ],
)
def test_bounds_of_dates_leave_a_value(kind: str, least: str, most: str, left: bool | None) -> None:
    found = problems(kind, minimum=least, maximum=most)
    above = f"logicalTypeOptions.minimum: {least} is above maximum, which is {most}: no value is left"
    # Where one is no value of the column, that is said, and nothing of their order.
    assert (above in found) is (left is False)
    assert (found == []) is (left is True)


@pytest.mark.parametrize(
    ("kind", "what"), [("int", "number"), ("double", "number"), ("date", "date"), ("timestamp", "timestamp")]
)
def test_a_bound_is_named_after_what_its_column_has(kind: str, what: str) -> None:
    says = f"logicalTypeOptions.maximum: 'soon' is not a {what} that a column of {kind} can have"
    assert problems(kind, maximum="soon") == [says]


@pytest.mark.parametrize(
    ("kind", "logical", "option", "is_known"),
    [
        ("string", "time", "timezone", True),
        ("double", "number", "multipleOf", True),
        ("double", "integer", "timezone", False),
        ("string", None, "timezone", False),
    ],
)
def test_an_option_that_the_standard_has_for_the_logical_type_is_left_unchecked(
    kind: str, logical: str | None, option: str, is_known: bool
) -> None:
    assert (list(value_problems({option: 1}, None, kind, logical)) == []) is is_known


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (True, "boolean", "true"),
        (1, "string", "1"),
        ("1e2", "string", "1e2"),
        ("1e2", "int", "100"),
        ("1e37", "bigint", f"1{37 * '0'}"),
        ("1e38", "bigint", f"1{38 * '0'}"),
        ("1e39", "bigint", "1e39"),
        ("1e-38", "double", f"0.{37 * '0'}1"),
        ("1e-39", "double", "1e-39"),
        ("soon", "int", "soon"),
        (None, "int", None),
        ([1], "string", None),
    ],
)
def test_a_value_of_a_contract_is_compared_as_a_file_would_have_it(value: Any, kind: str, text: str | None) -> None:
    assert as_written(value, kind) == text


@pytest.mark.parametrize("value", [True, "", "a", [1], None])
def test_a_bound_that_is_no_value_of_the_column_is_refused(value: Any) -> None:
    assert problems("int", minimum=value) == [
        f"logicalTypeOptions.minimum: {value!r} is not a number that a column of int can have"
    ]
