"""What a contract says arrives, whole, in the document that the functions and the job read; and every limit is held."""

from pathlib import Path
from typing import Any

import pytest
from pipeline_core.contract import Contract
from pipeline_core.dialect import Dialect

from contracts.compiler.checks import LEAST_FREQUENT_HOURS, MAX_FILE_BYTES
from contracts.compiler.compile import CompiledContract, compile_contract
from contracts.compiler.read import ContractError
from contracts.compiler.rules import OPERATORS
from tests.unit.contracts.test_contracts import changed, write

EVERYTHING: list[dict[str, Any]] = [
    {"name": "id", "logicalType": "integer", "required": True, "primaryKey": True, "primaryKeyPosition": 2},
    {
        "name": "day",
        "logicalType": "date",
        "required": True,
        "primaryKey": True,
        "primaryKeyPosition": 1,
        "partitioned": True,
        "partitionKeyPosition": 1,
    },
    {
        "name": "code",
        "logicalType": "string",
        "logicalTypeOptions": {"minLength": 0, "maxLength": 3, "pattern": "^[a-z]*$"},
        "enum": [{"value": "a"}, {"value": "b"}],
        "quality": [{"metric": "nullValues", "mustBeLessOrEqualTo": 10, "unit": "percent"}],
    },
    {
        "name": "price",
        "logicalType": "number",
        "physicalType": "decimal(10,2)",
        "logicalTypeOptions": {"minimum": 0, "maximum": 99.5},
    },
]


def compiled(tmp_path: Path, **more: Any) -> CompiledContract:
    def change(contract: Any, table: Any, columns: Any) -> None:
        contract.update(more.get("contract", {}))
        table.update(more.get("table", {}))
        columns[:] = more.get("columns", columns)

    return compile_contract(write(tmp_path, changed(change)))


def custom(**values: Any) -> dict[str, Any]:
    return {"customProperties": [{"property": name, "value": value} for name, value in values.items()]}


def refused(tmp_path: Path, **more: Any) -> str:
    with pytest.raises(ContractError) as caught:
        compiled(tmp_path, **more)
    return str(caught.value)


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


@pytest.mark.parametrize("unit", ["h", "hour", "hours", "d", "day", "days"])
def test_a_promise_is_in_hours_whatever_its_unit(tmp_path: Path, unit: str) -> None:
    sla = [{"property": "frequency", "value": 3, "unit": unit}]
    hours = 3.0 * (24 if unit.startswith("d") else 1)
    assert compiled(tmp_path, contract={"slaProperties": sla}).document["frequency_hours"] == hours


@pytest.mark.parametrize(
    ("unit", "seconds"),
    [
        *[(unit, 1) for unit in ("s", "sec", "second", "seconds")],
        *[(unit, 60) for unit in ("min", "minute", "minutes")],
        *[(unit, 3_600) for unit in ("h", "hour", "hours")],
        *[(unit, 86_400) for unit in ("d", "day", "days")],
    ],
)
def test_a_promised_latency_is_in_seconds_whatever_its_unit(tmp_path: Path, unit: str, seconds: int) -> None:
    sla = [{"property": "latency", "value": 2, "unit": unit}]
    assert compiled(tmp_path, contract={"slaProperties": sla}).document["latency_seconds"] == 2 * seconds


@pytest.mark.parametrize(
    ("value", "taken"),
    [(0, None), (-1, None), (1, 1), (1.9, 1), (2_592_000, 2_592_000), (2_592_001, None), (float("nan"), None)],
)
def test_a_promised_latency_is_up_to_thirty_days(tmp_path: Path, value: float, taken: int | None) -> None:
    sla = {"slaProperties": [{"property": "latency", "value": value, "unit": "s"}]}
    if taken is not None:
        assert compiled(tmp_path, contract=sla).document["latency_seconds"] == taken
    else:
        said = f"orders.odcs.yaml: slaProperties.0: {value} s; allowed are up to 30 days; "
        assert refused(tmp_path, contract=sla) == f"{said}leave it out where nothing is promised"


@pytest.mark.parametrize("unit", ["ms", "millisecond", "milliseconds"])
def test_a_latency_of_an_interface_is_said_not_to_be_watched(tmp_path: Path, unit: str) -> None:
    def sla(value: int) -> dict[str, Any]:
        return {"slaProperties": [{"property": "latency", "value": value, "unit": unit}]}

    for value, seconds in ((1_001, 1), (1_000, 1), (999, None), (1, None)):
        made = compiled(tmp_path, contract=sla(value))
        assert made.document["latency_seconds"] == seconds
        assert any("a shorter latency is not watched" in notice for notice in made.notices) == (seconds is None)
    for value in (0, -1):
        assert f"{value} {unit}; allowed are up to 30 days" in refused(tmp_path, contract=sla(value))


@pytest.mark.parametrize(("value", "unit"), [(True, "s"), ("1", "s"), (1, None), (1, "m"), (1, "y"), (None, "s")])
def test_a_promised_latency_that_is_no_number_of_a_known_unit_is_refused(tmp_path: Path, value: Any, unit: Any) -> None:
    sla = {"slaProperties": [{"property": "latency", "value": value, "unit": unit}]}
    assert "slaProperties.0" in refused(tmp_path, contract=sla)


@pytest.mark.parametrize(
    ("hours", "taken"), [(0, False), (0.5, True), (LEAST_FREQUENT_HOURS, True), (LEAST_FREQUENT_HOURS + 1, False)]
)
def test_a_promise_is_within_what_an_alarm_can_watch(tmp_path: Path, hours: float, taken: bool) -> None:
    sla = {"slaProperties": [{"property": "frequency", "value": hours, "unit": "h"}]}
    if taken:
        assert compiled(tmp_path, contract=sla).document["frequency_hours"] == hours
    else:
        said = f"orders.odcs.yaml: slaProperties.0: {hours} h; allowed are up to 7 days, which is as far as an alarm "
        assert refused(tmp_path, contract=sla) == f"{said}looks back; leave it out where batches come less often"


@pytest.mark.parametrize(("value", "unit"), [(True, "d"), ("1", "d"), (1, None), (1, "D"), (None, "d")])
def test_a_promise_that_is_no_number_of_hours_or_days_is_refused(tmp_path: Path, value: Any, unit: Any) -> None:
    sla = {"slaProperties": [{"property": "frequency", "value": value, "unit": unit}]}
    assert "slaProperties.0" in refused(tmp_path, contract=sla)


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


@pytest.mark.parametrize("operator", [name for name in OPERATORS if not name.endswith("Between")])
def test_every_operator_of_a_rule_arrives_with_its_number(tmp_path: Path, operator: str) -> None:
    (rule,) = compiled(tmp_path, table={"quality": [{"metric": "rowCount", operator: 3}]}).document["quality"]
    assert (rule["operator"], rule["value"]) == (operator, 3)
    assert f"{operator}: " in refused(tmp_path, table={"quality": [{"metric": "rowCount", operator: float("nan")}]})


@pytest.mark.parametrize(
    ("limits", "taken"),
    [([1, 3], True), ([3, 3], True), ([3, 1], False), ([1], False), ([1, 2, 3], False), ([1, float("inf")], False)],
)
@pytest.mark.parametrize("operator", ["mustBeBetween", "mustNotBeBetween"])
def test_a_range_is_two_numbers_the_smaller_first(
    tmp_path: Path, operator: str, limits: list[float], taken: bool
) -> None:
    quality = {"quality": [{"metric": "rowCount", operator: limits}]}
    if taken:
        assert compiled(tmp_path, table=quality).document["quality"][0]["value"] == limits
    else:
        said = refused(tmp_path, table=quality)
        if len(limits) == 2:
            assert f"schema.0.quality.0: {operator}: {limits!r}; two numbers are needed, the smaller first" in said
        else:
            assert f"schema.0.quality.0.{operator}: List should have at " in said


@pytest.mark.parametrize("unit", ["rows", "percent", None, "pounds"])
@pytest.mark.parametrize("metric", ["rowCount", "invalidValues", "duplicateValues"])
def test_a_rule_is_in_rows_or_in_percent_and_a_count_in_rows_only(tmp_path: Path, metric: str, unit: Any) -> None:
    quality = {"quality": [{"metric": metric, "mustBeLessThan": 5, "unit": unit}]}
    if unit == "pounds":
        assert "schema.0.quality.0: unit 'pounds'; allowed: rows, percent" in refused(tmp_path, table=quality)
    elif (metric, unit) == ("rowCount", "percent"):
        assert "schema.0.quality.0: unit 'percent': a rowCount is in rows" in refused(tmp_path, table=quality)
    else:
        (rule,) = compiled(tmp_path, table=quality).document["quality"]
        assert (rule["name"], rule["unit"]) == (metric, unit or "rows")


@pytest.mark.parametrize(
    ("metric", "of_table", "of_column"),
    [
        ("rowCount", True, False),
        ("duplicateValues", True, False),
        ("nullValues", False, True),
        ("invalidValues", True, True),
    ],
)
def test_a_metric_is_of_the_table_or_of_a_column(tmp_path: Path, metric: str, of_table: bool, of_column: bool) -> None:
    rule = [{"metric": metric, "mustBeLessThan": 5}]
    columns = [*EVERYTHING[:3], {**EVERYTHING[3], "quality": rule}]
    if of_table:
        assert compiled(tmp_path, table={"quality": rule}).document["quality"][0]["column"] is None
    else:
        assert f"metric {metric}: belongs to a column, move it below the property" in refused(
            tmp_path, table={"quality": rule}
        )
    if of_column:
        assert compiled(tmp_path, columns=columns).document["quality"][-1]["column"] == "price"
    elif metric == "rowCount":
        assert "schema.0.properties.3.quality.0: metric rowCount: belongs to the table, move it to" in (
            refused(tmp_path, columns=columns)
        )
    else:
        made = compiled(tmp_path, columns=columns)
        assert [rule for rule in made.document["quality"] if rule["column"] == "price"] == []
        assert any("quality: duplicates are found by the primary key" in notice for notice in made.notices)


def test_a_rule_with_two_operators_is_refused_and_one_with_arguments_is_said_not_to_be_enforced(tmp_path: Path) -> None:
    two = {"quality": [{"metric": "rowCount", "mustBe": 1, "mustNotBe": 2}]}
    assert "operators ['mustBe', 'mustNotBe']; exactly one of mustBe, mustNotBe, " in refused(tmp_path, table=two)
    arguments = {"quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": ["a"]}}]}
    made = compiled(tmp_path, table=arguments)
    assert made.document["quality"] == []
    assert made.notices[0].startswith("quality: invalidValues with arguments is not measured")


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
