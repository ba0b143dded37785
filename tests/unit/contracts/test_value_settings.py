"""What is wrong with how a contract says that files and values are written: each rule by itself, word for word."""

from typing import Any

import pytest
from open_data_contract_standard.model import CustomProperty, SchemaProperty

from contracts.compiler.dialect import column_problems, problems, written

ONE = "change one of them"


@pytest.mark.parametrize(
    ("custom", "says"),
    [
        ({}, []),
        ({"quote": "'", "escape": "\\", "delimiter": ";"}, []),
        ({"quote": "", "escape": ""}, []),
        (
            {"quote": "'", "escape": "'"},
            ['customProperties (escape): "\'" is the quote too; leave it out where a quote in quotes is doubled'],
        ),
        (
            {"escape": '"'},
            ["customProperties (escape): '\"' is the quote too; leave it out where a quote in quotes is doubled"],
        ),
        ({"delimiter": "|'", "quote": "'"}, [f'customProperties (delimiter): "|\'" has the quote "\'" in it; {ONE}']),
        (
            {"delimiter": "\\t", "escape": "\\"},
            [f"customProperties (delimiter): '\\\\t' has the escape '\\\\' in it; {ONE}"],
        ),
        ({"quote": ","}, [f"customProperties (delimiter): ',' has the quote ',' in it; {ONE}"]),
        ({"escape": ","}, [f"customProperties (delimiter): ',' has the escape ',' in it; {ONE}"]),
        ({"quote": "|", "delimiter": ","}, []),
    ],
)
def test_settings_of_a_file_that_cannot_stand_together_are_named(custom: dict[str, Any], says: list[str]) -> None:
    assert list(problems(custom)) == says


def column(options: dict[str, Any] | None = None, **custom: Any) -> SchemaProperty:
    own = [CustomProperty(property=name, value=value) for name, value in custom.items()]
    return SchemaProperty(name="value", logicalTypeOptions=options, customProperties=own)


SEPARATOR = "is the decimalSeparator too ('.' where there is none); change one of them"
BOTH = "would be both; say both lists (true, 1 and false, 0 are meant where there is none)"
WORDS = "customProperties (trueWords, falseWords):"


@pytest.mark.parametrize(
    ("kind", "own", "of_the_table", "says"),
    [
        ("string", {}, {}, []),
        ("double", {"decimalSeparator": ",", "thousandsSeparator": "."}, {}, []),
        ("double", {"thousandsSeparator": "."}, {}, [f"customProperties (thousandsSeparator): '.' {SEPARATOR}"]),
        ("double", {"thousandsSeparator": ","}, {}, []),
        (
            "int",
            {"thousandsSeparator": ","},
            {"decimalSeparator": ","},
            [f"customProperties (thousandsSeparator): ',' {SEPARATOR}"],
        ),
        ("decimal(9,2)", {"thousandsSeparator": ","}, {"decimalSeparator": "."}, []),
        (
            "decimal(9,2)",
            {"currencySigns": ["Fr."]},
            {},
            ["customProperties (currencySigns): ['Fr.'] have a separator of numbers in them"],
        ),
        ("decimal(9,2)", {"currencySigns": ["Fr."], "decimalSeparator": ","}, {}, []),
        (
            "double",
            {"currencySigns": ["k€"]},
            {"thousandsSeparator": "'", "currencySigns": ["F'r"]},
            [],
        ),
        (
            "double",
            {},
            {"thousandsSeparator": "'", "currencySigns": ["$", "F'r"]},
            ["customProperties (currencySigns): ['$', \"F'r\"] have a separator of numbers in them"],
        ),
        ("boolean", {"trueWords": ["yes"], "falseWords": ["no"]}, {}, []),
        ("boolean", {"trueWords": ["0", "FALSE", "x"]}, {}, [f"{WORDS} 0, false {BOTH}"]),
        ("boolean", {"falseWords": ["True"]}, {}, [f"{WORDS} true {BOTH}"]),
        ("boolean", {"falseWords": ["STRASSE"], "trueWords": ["straße"]}, {}, []),
        ("boolean", {"falseWords": ["No"]}, {"trueWords": ["nO"]}, [f"{WORDS} no {BOTH}"]),
        (
            "boolean",
            {"decimalSeparator": ","},
            {},
            [
                "customProperties (decimalSeparator): ','; a boolean column has none: "
                "it is for int, bigint, double, decimal"
            ],
        ),
        (
            "decimal(9,2)",
            {"trueWords": ["x"]},
            {},
            ["customProperties (trueWords): ['x']; a decimal(9,2) column has none: it is for boolean"],
        ),
        # What is wrong by itself is said once; what it would be wrong with is not asked.
        (
            "double",
            {"decimalSeparator": ";", "thousandsSeparator": "."},
            {},
            ["customProperties (decimalSeparator): ';'; allowed: '.', ','"],
        ),
        # A table's own is refused where the table is looked at.
        ("double", {"thousandsSeparator": ","}, {"decimalSeparator": ";"}, []),
        ("double", {"ours": "x"}, {"theirs": "."}, []),
    ],
)
def test_settings_of_a_column_that_cannot_be_are_named(
    kind: str, own: dict[str, Any], of_the_table: dict[str, Any], says: list[str]
) -> None:
    assert list(column_problems(column(**own), kind, of_the_table)) == says


@pytest.mark.parametrize(
    ("kind", "options", "own", "of_the_table", "found"),
    [
        ("decimal(9,2)", None, {}, {"decimalSeparator": ",", "trueWords": ["x"]}, {"decimal_separator": ","}),
        ("int", None, {"thousandsSeparator": ""}, {"thousandsSeparator": "."}, {"thousands_separator": ""}),
        ("date", None, {}, {"dateFormat": "d.M.yy", "timestampFormat": "yyyyMMddHH"}, {"format": "d.M.yy"}),
        ("date", None, {"dateFormat": "yyyyMMdd"}, {"dateFormat": "d.M.yy"}, {"format": "yyyyMMdd"}),
        ("date", {"format": "dd/MM/yyyy"}, {"dateFormat": "yyyyMMdd"}, {}, {"format": "dd/MM/yyyy"}),
        # What is taken anyway is no format of its own, and takes another's place.
        ("date", {"format": "yyyy-MM-dd"}, {"dateFormat": "yyyyMMdd"}, {}, {}),
        ("timestamp", {"format": "date-time"}, {}, {"timestampFormat": "yyyyMMddHH"}, {}),
        ("timestamp", {"maximum": "2030-01-01"}, {}, {"timestampFormat": "yyyyMMddHH"}, {"format": "yyyyMMddHH"}),
        ("string", {"format": "email"}, {}, {"dateFormat": "d.M.yy", "decimalSeparator": ","}, {}),
    ],
)
def test_what_a_column_says_wins_over_its_table_and_its_format_over_both(
    kind: str,
    options: dict[str, Any] | None,
    own: dict[str, Any],
    of_the_table: dict[str, Any],
    found: dict[str, Any],
) -> None:
    assert written(column(options, **own), kind, of_the_table) == found
