"""What a contract says arrives, whole, in the document that the functions and the job read; and every limit is held."""

from pathlib import Path
from typing import Any

import pytest
from pipeline_core.contract import Contract
from pipeline_core.dialect import Dialect

from contracts.compiler.checks import MAX_FILE_BYTES
from contracts.compiler.compile import compile_contract
from contracts.compiler.read import ContractError
from tests.unit.contracts.compiling import EVERYTHING, changed, compiled, custom, refused, write


def test_all_that_a_contract_says_is_in_its_document(tmp_path: Path) -> None:
    contract = compiled(
        tmp_path,
        columns=EVERYTHING,
        table={"quality": [{"name": "enough", "metric": "rowCount", "mustBeBetween": [1, 9]}]},
        contract={
            **custom(
                formats=["jsonl"],
                nullTokens=["", "NA"],
                delimiter=";",
                timeZone="Europe/Berlin",
                maxFileBytes=1_000,
                crawler=True,
                unexpectedColumns="ignore",
                ignoredColumns=["_airbyte_*"],
            ),
            "slaProperties": [
                {"property": "retention", "value": 1, "unit": "y"},
                {"property": "frequency", "value": 2, "unit": "d"},
                {"property": "latency", "value": 5, "unit": "minutes"},
            ],
        },
    )
    assert contract.name == "orders"
    assert contract.document == {
        "dataset": "orders",
        "version": "1.2.3",
        "columns": [
            {"name": "id", "type": "bigint", "required": True},
            {"name": "day", "type": "date", "required": True},
            {
                "name": "code",
                "type": "string",
                "required": False,
                "min_length": 0,
                "max_length": 3,
                "pattern": "^[a-z]*$",
                "enum": ["a", "b"],
            },
            {"name": "price", "type": "decimal(10,2)", "required": False, "minimum": "0", "maximum": "99.5"},
        ],
        "primary_key": ["day", "id"],
        "partition_by": ["day"],
        "quality": [
            {
                "name": "enough",
                "metric": "rowCount",
                "column": None,
                "operator": "mustBeBetween",
                "value": [1, 9],
                "unit": "rows",
            },
            {
                "name": "nullValues",
                "metric": "nullValues",
                "column": "code",
                "operator": "mustBeLessOrEqualTo",
                "value": 10,
                "unit": "percent",
            },
        ],
        "formats": ["jsonl"],
        "null_tokens": ["", "NA"],
        "delimiter": ";",
        "time_zone": "Europe/Berlin",
        "max_file_bytes": 1_000,
        "crawler": True,
        "write_mode": "first",
        "table_format": "iceberg",
        "unexpected_columns": "ignore",
        "ignored_columns": ["_airbyte_*"],
        "frequency_hours": 48.0,
        "latency_seconds": 300,
        "dialect": {},
    }


def test_what_a_contract_does_not_say_has_its_default(tmp_path: Path) -> None:
    document = compiled(tmp_path).document
    assert {name: document[name] for name in document if name not in ("columns", "primary_key", "partition_by")} == {
        "dataset": "orders",
        "version": "1.2.3",
        "quality": [],
        "formats": ["csv", "jsonl", "parquet"],
        "null_tokens": [""],
        "delimiter": ",",
        "time_zone": "UTC",
        "max_file_bytes": MAX_FILE_BYTES,
        "crawler": False,
        "write_mode": "first",
        "table_format": "iceberg",
        "unexpected_columns": "refuse",
        "ignored_columns": [],
        "frequency_hours": None,
        "latency_seconds": None,
        "dialect": {},
    }


def test_what_a_contract_says_of_its_files_is_its_dialect(tmp_path: Path) -> None:
    said = {"quote": "", "escape": "\\", "header": False, "skipLines": 2, "comment": "#", "trim": False}
    asked = custom(**said, encoding="Windows-1252", lineEnds="any", maxRecordBytes=2_048, delimiter="||")
    columns = [*EVERYTHING[:3], {**EVERYTHING[3], "customProperties": [{"property": "nullTokens", "value": ["-"]}]}]
    contract = Contract.from_document(compiled(tmp_path, contract=asked, columns=columns).document)
    assert (contract.dialect, contract.max_record_bytes, contract.delimiter) == (
        Dialect(
            quote="",
            escape="\\",
            header=False,
            skip_lines=2,
            comment="#",
            trim=False,
            encoding="cp1252",
            line_ends="any",
        ),
        2_048,
        "||",
    )
    assert [column.null_tokens for column in contract.columns] == [None, None, None, ("-",)]


@pytest.mark.parametrize(
    ("said", "encoding"),
    [("UTF8", "utf-8"), ("utf-8-sig", "utf-8"), ("latin1", "iso8859-1"), ("utf-16le", "utf-16-le")],
)
def test_an_encoding_has_the_name_that_python_has_for_it(tmp_path: Path, said: str, encoding: str) -> None:
    made = compiled(tmp_path, contract=custom(encoding=said))
    assert made.document["dialect"] == {"encoding": encoding}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"quote": ";", "delimiter": "|;"}, "(delimiter): '|;' has the quote ';' in it"),
        ({"escape": "|", "delimiter": "||"}, "(delimiter): '||' has the escape '|' in it"),
        ({"quote": ","}, "(delimiter): ',' has the quote ',' in it"),
        ({"escape": '"'}, "(escape): '\"' is the quote too"),
        ({"quote": "'", "escape": "'"}, '(escape): "\'" is the quote too'),
    ],
)
def test_marks_that_cannot_stand_together_are_refused(tmp_path: Path, said: dict[str, Any], reason: str) -> None:
    assert f"orders.odcs.yaml: customProperties {reason}" in refused(tmp_path, contract=custom(**said))


def test_the_null_tokens_of_a_column_are_texts(tmp_path: Path) -> None:
    columns = [*EVERYTHING[:3], {**EVERYTHING[3], "customProperties": [{"property": "nullTokens", "value": [0]}]}]
    assert "customProperties (nullTokens): [0]; a list of texts is needed" in refused(tmp_path, columns=columns)


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("maxRecordBytes", 1_023, False),
        ("maxRecordBytes", 1_024, True),
        ("maxRecordBytes", 64 * 1024**2, True),
        ("maxRecordBytes", 64 * 1024**2 + 1, False),
        ("maxRecordBytes", True, False),
        ("maxFileBytes", 0, False),
        ("maxFileBytes", 1, True),
        ("maxFileBytes", MAX_FILE_BYTES, True),
        ("maxFileBytes", MAX_FILE_BYTES + 1, False),
        ("maxFileBytes", "5", False),
        ("maxFileBytes", 1.5, False),
        ("formats", [], False),
        ("formats", ["csv"], True),
        ("formats", ["csv", "xml"], False),
        ("formats", "csv", False),
        ("nullTokens", [], True),
        ("nullTokens", ["NA", "-"], True),
        ("nullTokens", ["NA", 1], False),
        ("nullTokens", "NA", False),
        ("crawler", True, True),
        ("crawler", False, True),
        ("crawler", "true", False),
        ("crawler", 1, False),
        ("delimiter", "", False),
        ("delimiter", ";", True),
        ("delimiter", "\t", True),
        ("delimiter", "||", True),
        ("delimiter", "x" * 10, True),
        ("delimiter", "x" * 11, False),
        ("delimiter", " |", False),
        ("delimiter", "\x01", True),
        ("quote", "", True),
        ("quote", "'", True),
        ("quote", "''", False),
        ("quote", "a", False),
        ("quote", " ", False),
        ("escape", "\\", True),
        ("escape", "\\\\", False),
        ("decimalSeparator", ",", True),
        ("decimalSeparator", ";", False),
        ("thousandsSeparator", " ", True),
        ("thousandsSeparator", "", True),
        ("thousandsSeparator", "  ", False),
        ("currencySigns", ["$", "EUR"], True),
        ("currencySigns", ["5$"], False),
        ("currencySigns", "$", False),
        ("trueWords", ["yes"], True),
        ("trueWords", [], False),
        ("falseWords", [False], False),
        ("dateFormat", "dd/MM/yyyy", True),
        ("dateFormat", "epoch_days", True),
        ("dateFormat", "dd/mm/yyyy", False),
        ("dateFormat", "dd/MM/yyyy X", False),
        ("timestampFormat", "dd/MM/yyyy HH:mm X", True),
        ("timestampFormat", "epoch_milliseconds", True),
        ("timestampFormat", "epoch_weeks", False),
        ("header", False, True),
        ("header", "no", False),
        ("skipLines", 0, True),
        ("skipLines", 1_000, True),
        ("skipLines", 1_001, False),
        ("skipLines", -1, False),
        ("comment", "#", True),
        ("comment", "", False),
        ("trim", False, True),
        ("trim", 0, False),
        ("encoding", "Windows-1252", True),
        ("encoding", "utf-16", True),
        ("encoding", "base64", False),
        ("encoding", "utf-9", False),
        ("encoding", "punycode", False),
        ("lineEnds", "any", True),
        ("lineEnds", "\r", False),
        ("delimiter", '"', False),
        ("delimiter", "\r", False),
        ("delimiter", "\n", False),
        ("delimiter", "\ufeff", False),
        ("delimiter", 1, False),
        ("timeZone", "Europe/Berlin", True),
        ("timeZone", "UTC", True),
        ("timeZone", "Europe", False),
        ("timeZone", 1, False),
    ],
)
def test_a_custom_property_has_one_of_its_values_and_no_other(
    tmp_path: Path, name: str, value: Any, taken: bool
) -> None:
    asked = custom(**{name: value})
    if taken:
        assert compiled(tmp_path, contract=asked)
    else:
        assert f"orders.odcs.yaml: customProperties ({name}): {value!r}; " in refused(tmp_path, contract=asked)


def test_a_name_that_is_wrong_is_told_what_there_is(tmp_path: Path) -> None:
    rule = {"quality": [{"metric": "freshness", "mustBe": 1}]}
    assert "metric 'freshness'; allowed: rowCount, nullValues, invalidValues, duplicateValues" in refused(
        tmp_path, table=rule
    )
    assert "unknown; maxFileBytes is meant? The pipeline's own are nullTokens, formats, maxFileBytes" in refused(
        tmp_path, contract=custom(max_file_byte=5)
    )


@pytest.mark.parametrize(("said", "version"), [("1", "1.0.0"), ("v2", "2.0.0"), ("1.3", "1.3.0"), ("v1.2.3", "1.2.3")])
def test_a_version_has_three_numbers_whatever_people_write(tmp_path: Path, said: str, version: str) -> None:
    assert compiled(tmp_path, contract={"version": said}).document["version"] == version


def test_the_least_a_table_can_be(tmp_path: Path) -> None:
    assert "schema.0.properties: no column; a table has at least one" in refused(tmp_path, columns=[])
    key = [column for column in EVERYTHING if column["name"] == "day"]
    only = [{**key[0], "primaryKeyPosition": 1}]
    assert "every column is a partition column; a table needs at least one other" in refused(tmp_path, columns=only)
    assert "schema: no table; a contract describes one or more" in refused(tmp_path, contract={"schema": []})


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ("a", "a"),
        ("_id", "_id"),
        ("OrderID", "orderid"),
        ("Order ID", "order_id"),
        ("  Total (EUR)  ", "total_eur"),
        ("année", "annee"),
        ("2024_sales", "c_2024_sales"),
        ("注文", "c"),
        ("a" * 128, "a" * 128),
    ],
)
def test_a_column_has_a_name_that_needs_no_quotes(tmp_path: Path, name: str, becomes: str) -> None:
    columns = [*EVERYTHING[:3], {**EVERYTHING[3], "name": name}]
    column = compiled(tmp_path, columns=columns).document["columns"][3]
    assert (column["name"], column.get("source", column["name"])) == (becomes, name)


@pytest.mark.parametrize("name", ["", "a" * 129])
def test_a_column_without_a_name_or_with_one_that_is_too_long_is_refused(tmp_path: Path, name: str) -> None:
    columns = [*EVERYTHING[:3], {**EVERYTHING[3], "name": name}]
    assert f"name {name!r}; give it a name of up to 128 characters" in refused(tmp_path, columns=columns)


@pytest.mark.parametrize(("length", "taken"), [(50, True), (51, False)])
def test_a_dataset_has_a_name_of_fifty_characters_at_most(tmp_path: Path, length: int, taken: bool) -> None:
    name = "a" * length
    path = write(tmp_path, changed(lambda c, t, p: t.update(name=name)), name)
    if taken:
        assert compile_contract(path).name == name
    else:
        with pytest.raises(ContractError, match=r"allowed are a-z, 0-9, _ \(a letter first, up to 50\)"):
            compile_contract(path)


def test_a_unique_column_that_is_not_of_the_key_is_said_not_to_be_enforced(tmp_path: Path) -> None:
    unique_key = [{**EVERYTHING[0], "unique": True}, *EVERYTHING[1:]]
    assert compiled(tmp_path, columns=unique_key)
    other = [*EVERYTHING[:3], {**EVERYTHING[3], "unique": True}]
    made = compiled(tmp_path, columns=other)
    assert made.notices == ("unique: only the primary key is checked for duplicates (schema.0.properties.3.unique)",)
