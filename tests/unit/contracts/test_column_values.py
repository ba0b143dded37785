"""What a contract says of values is kept to the last digit, or refused with what is allowed."""

import json
from pathlib import Path

import pytest
from pipeline_core.contract import Column, Contract

from contracts.compiler.compile import compile_contract
from contracts.compiler.read import ContractError

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
version: 1.0.0
schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer, required: true, primaryKey: true}
      - {name: value, {column}}
"""


def compiled(folder: Path, column: str) -> Column:
    """Compile a contract with the column `value`, of which the rest is given as YAML."""
    path = folder / "orders.odcs.yaml"
    path.write_text(CONTRACT.replace("{column}", column), encoding="utf-8")
    return Contract.from_document(compile_contract(path).document).column("value")


def options(kind: str, given: str) -> str:
    logical = {"double": "number", "decimal": "number", "int": "integer", "bigint": "integer"}.get(kind[:7], kind)
    logical = "number" if kind.startswith("decimal") else logical
    return f'logicalType: {logical}, physicalType: "{kind}", logicalTypeOptions: {{{given}}}'


@pytest.mark.parametrize(
    ("kind", "written", "kept"),
    [
        ("decimal(20,2)", "12345678901234567.89", "12345678901234567.89"),
        ("decimal(38,20)", "0.10000000000000000001", "0.10000000000000000001"),
        ("decimal(38,0)", "9" * 38, "9" * 38),
        ("decimal(6,2)", "-1.50", "-1.50"),
        ("decimal(38,10)", "1.5e-9", "0.0000000015"),
        ("bigint", "9007199254740993", "9007199254740993"),
        ("bigint", "1.0e+6", "1000000"),
        ("int", "1e6", "1000000"),
        ("int", "-2147483648", "-2147483648"),
        ("int", "3.0", "3.0"),
        ("double", "1e300", "1e300"),
        ("double", "0.1", "0.1"),
    ],
)
def test_a_bound_is_kept_as_it_was_written(tmp_path: Path, kind: str, written: str, kept: str) -> None:
    assert compiled(tmp_path, options(kind, f"maximum: {written}")).maximum == kept


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        ("int", "minimum: -2147483649", "minimum: -2147483649 is not a number that a column of int can have"),
        ("bigint", f"maximum: {10**30}", f"maximum: {10**30} is not a number that a column of bigint"),
        ("int", "maximum: 1.5", "maximum: 1.5 is not a number that a column of int"),
        ("decimal(6,2)", "maximum: 10000", "maximum: 10000 is not a number that a column of decimal(6,2)"),
        ("decimal(6,2)", "minimum: 0.001", "minimum: 0.001 is not a number that a column of decimal(6,2)"),
        ("double", "minimum: .nan", "minimum: nan is not a number that a column of double"),
        ("double", "minimum: -.inf", "minimum: -inf is not a number that a column of double"),
        ("double", "minimum: true", "minimum: True is not a number that a column of double"),
        ("double", "minimum: [1]", "minimum: [1] is not a number that a column of double"),
        ("int", "minimum: 5, maximum: 1", "minimum: 5 is above maximum, which is 1: no value is left"),
        ("decimal(9,2)", "minimum: 0.20, maximum: 0.1", "minimum: 0.20 is above maximum, which is 0.1"),
        ("string", "minLength: 5, maxLength: 2", "minLength: 5 is above maxLength, which is 2"),
        ("string", "minLength: -1", "minLength: -1; allowed are whole numbers from 0 to 16777216"),
        ("string", "minLength: 1.5", "minLength: 1.5; allowed are whole"),
        ("string", f"maxLength: {10**12}", f"maxLength: {10**12}; allowed are whole"),
        ("string", "maxLength: true", "maxLength: True; allowed are whole"),
        ("string", "maxLength: ", "maxLength: None; allowed are whole"),
        ("string", "pattern: 5", "pattern: 5 is not a text; write the regular expression in quotes"),
        ("string", "pattern: [a]", "pattern: ['a'] is not a text"),
        (
            "string",
            "pattern: '('",
            "pattern: '(' is not a regular expression of Python's re (docs/semantics.md, section 4.2): missing )",
        ),
    ],
)
def test_what_no_value_could_be_held_to_is_refused(tmp_path: Path, kind: str, given: str, said: str) -> None:
    with pytest.raises(ContractError) as refused:
        compiled(tmp_path, options(kind, given))
    assert f"(value): logicalTypeOptions.{said}" in str(refused.value)


def enum(values: list[str]) -> str:
    return ", ".join(f"{{value: {value}}}" for value in values)


@pytest.mark.parametrize(
    ("logical", "values", "kept"),
    [
        ("boolean", ["true", "'FALSE'"], ("true", "FALSE")),
        ("integer", ["1", "-2", "'3'"], ("1", "-2", "3")),
        ("number", ["0.10", "1"], ("0.10", "1")),
        ("date", ["'2024-02-29'"], ("2024-02-29",)),
        ("timestamp", ["'2024-02-29 10:00Z'"], ("2024-02-29 10:00Z",)),
        ("string", ["a", "1", "'ä ö'", "''"], ("a", "1", "ä ö", "")),
        ("string", ["'\u00a0a'"], ("\u00a0a",)),
        ("string", ["'007'", "'1e2'", "1.50"], ("007", "1e2", "1.50")),
    ],
)
def test_allowed_values_are_kept_as_a_file_would_have_them(
    tmp_path: Path, logical: str, values: list[str], kept: tuple[str, ...]
) -> None:
    assert compiled(tmp_path, f"logicalType: {logical}, enum: [{enum(values)}]").enum == kept


@pytest.mark.parametrize(
    ("logical", "values", "said"),
    [
        ("integer", ["1", "abc"], "enum.1: 'abc' is not a value that a column of bigint can have"),
        ("integer", ["1.5"], "enum.0: 1.5 is not a value that a column of bigint"),
        ("boolean", ["maybe"], "enum.0: 'maybe' is not a value that a column of boolean"),
        ("date", ["'2023-02-29'"], "enum.0: '2023-02-29' is not a value that a column of date"),
        ("timestamp", ["'2023-02-28 25:00'"], "enum.0: '2023-02-28 25:00' is not a value that a column of timestamp"),
        ("timestamp", ["'2023-02-28 10:00+19:00'"], "enum.0: '2023-02-28 10:00+19:00' is not a value that a column of"),
        ("string", ["null"], "enum.0: None is not a single value"),
        ("string", ["[1]"], "enum.0: [1] is not a single value"),
        ("string", ["' a'"], "enum.0: ' a' has blanks around it"),
        ("string", ["'a\t'"], r"enum.0: 'a\t' has blanks around it"),
        ("string", [], "enum: no value; list what is allowed, or leave it out"),
    ],
)
def test_allowed_values_that_no_file_could_have_are_refused(
    tmp_path: Path, logical: str, values: list[str], said: str
) -> None:
    with pytest.raises(ContractError) as refused:
        compiled(tmp_path, f"logicalType: {logical}, enum: [{enum(values)}]")
    assert f"(value): {said}" in str(refused.value)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (r"\p{L}", r"bad escape \\p at position 0"),
        ("(?iu)a", "ASCII and UNICODE flags are incompatible"),
        ("[[a]b]", "Possible nested set"),
        ("^[a-z&&[^b]]$", "Possible set intersection"),
        ("a{3,1}", "min repeat greater than max repeat"),
        ("a**", "multiple repeat"),
        (r"\U00110000", "bad escape"),
        ("(?<=a+)b", "look-behind requires fixed-width pattern"),
    ],
)
def test_a_pattern_that_is_none_of_pythons_is_refused(tmp_path: Path, pattern: str, said: str) -> None:
    with pytest.raises(ContractError) as refused:
        compiled(tmp_path, options("string", f"pattern: {json.dumps(pattern)}"))
    assert f"pattern: {pattern!r} is not a regular expression of Python's re" in str(refused.value)
    assert said.replace("\\\\", "\\") in str(refused.value)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[\[\]&]+$",
        r"^\(\?P",
        "^(?!0000)[0-9]{4}$",
        "(?i)^(?:a|b){2,}$",
        "(?P<year>[0-9]{4})",
        r"^\{[0-9a-f]+\}$",
        r"^(?u:\w)+$",
        r"^a\Z",
        r"^\S+@\S+\.\S+$",
    ],
)
def test_a_pattern_of_pythons_is_taken_as_it_is(tmp_path: Path, pattern: str) -> None:
    assert compiled(tmp_path, options("string", f"pattern: {json.dumps(pattern)}")).pattern == pattern
