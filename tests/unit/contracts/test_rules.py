"""Which rules of quality a batch is judged by, how they arrive in the document, which are only said, and why."""

from pathlib import Path
from typing import Any

import pytest
from open_data_contract_standard.model import DataQuality

from contracts.compiler.rules import NOT_RUN, OPERATORS, is_enforced, not_enforced, rule_problems
from tests.unit.contracts.compiling import EVERYTHING, compiled, refused

MEASURED = "is not measured; measured are rowCount, nullValues, invalidValues, duplicateValues"


@pytest.mark.parametrize(
    ("rule", "column", "reason"),
    [
        ({"metric": "rowCount"}, None, None),
        ({"metric": "nullValues", "type": "library"}, "id", None),
        ({"rule": "invalidValues"}, "id", None),
        ({"metric": "missingValues"}, "id", f"missingValues {MEASURED}"),
        ({"rule": "missingValues"}, "id", f"missingValues {MEASURED}"),
        ({"rule": "countCheck"}, "id", f"countCheck {MEASURED}"),
        ({"metric": "duplicateValues"}, None, None),
        ({"metric": "duplicateValues"}, "id", "duplicates are found by the primary key, not by one column"),
        ({"query": "SELECT 1"}, None, NOT_RUN["sql"]),
        ({"implementation": "great expectations"}, None, NOT_RUN["custom"]),
        ({"type": "sql", "metric": "rowCount"}, None, NOT_RUN["sql"]),
        ({"type": "custom", "query": "SELECT 1"}, None, NOT_RUN["custom"]),
    ],
)
def test_a_rule_is_enforced_or_it_is_said_why_not(rule: dict[str, Any], column: str | None, reason: str | None) -> None:
    made = DataQuality(mustBe=0, **rule)
    assert not_enforced(made, column) == reason
    assert is_enforced(made, column) == (reason is None)
    assert list(rule_problems(made, column)) == []


@pytest.mark.parametrize("rule", [{}, {"description": "Rows are in order"}, {"type": "text"}])
def test_a_rule_of_words_alone_says_something_to_people(rule: dict[str, Any]) -> None:
    made = DataQuality(**rule)
    assert not_enforced(made, None) is None
    assert not is_enforced(made, None)
    assert list(rule_problems(made, None)) == []


def test_a_rule_that_is_not_enforced_needs_no_threshold() -> None:
    assert list(rule_problems(DataQuality(metric="duplicateValues"), "id")) == []
    [problem] = rule_problems(DataQuality(metric="duplicateValues"), None)
    assert problem.startswith("operators []; exactly one of mustBe, ")


def test_a_metric_of_no_standard_and_a_type_of_none_are_problems() -> None:
    [problem] = rule_problems(DataQuality(metric="mean", mustBe=1), None)
    assert problem == "metric 'mean'; allowed: rowCount, nullValues, invalidValues, duplicateValues"
    [problem] = rule_problems(DataQuality(type="guess"), None)
    assert problem == "type 'guess'; allowed: library, text, sql, custom"


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
