"""Which rules of quality a batch is judged by, which are only said, and why."""

from typing import Any

import pytest
from open_data_contract_standard.model import DataQuality

from contracts.compiler.rules import NOT_RUN, is_enforced, not_enforced, rule_problems

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
