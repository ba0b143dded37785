"""The audit: what does not add up is named, and every rule of a contract is measured as docs/semantics.md says."""

import dataclasses
import json
from typing import Any

import pytest
from pipeline_core.contract import Contract
from pipeline_core.report import FileReport, ReconciliationError, Report, StagedFile, reconcile, violations

from contracts.compiler.checks import OPERATORS

FILE = FileReport(key="a", version="1", rows_read=20, rows_curated=14, rows_quarantined=4, rows_duplicate=2)
REPORT = Report(
    batch_id="b",
    dataset="d",
    contract_version="1.0.0",
    files=(FILE,),
    curated=(StagedFile(uri="s3://c/1", partition={"y": "1"}, rows=14),),
    quarantined=(StagedFile(uri="s3://c/2", partition={}, rows=4),),
    reasons={"type:x": 3, "required:y": 1},
    nulls={"z": 7},
)


def contract(**rule: Any) -> Contract:
    document = {
        "dataset": "d",
        "version": "1.0.0",
        "columns": [{"name": "x", "type": "int", "required": True}],
        "primary_key": ["x"],
        "partition_by": [],
        "quality": [{"name": "rule", "column": None, "unit": "rows", **rule}],
        "formats": ["csv"],
        "null_tokens": [""],
        "delimiter": ",",
        "time_zone": "UTC",
        "max_file_bytes": 1,
        "frequency_hours": None,
    }
    return Contract.from_json(json.dumps(document))


def test_a_report_survives_its_json() -> None:
    assert Report.from_json(REPORT.to_json()) == REPORT


@pytest.mark.parametrize(
    ("change", "expected", "said"),
    [
        ({}, [("a", "1"), ("b", "1")], "the report has 1 files, the manifest others"),
        ({"files": (dataclasses.replace(FILE, rows_read=21),)}, [("a", "1")], "21 rows read, but 14 curated"),
        ({"curated": ()}, [("a", "1")], "14 rows were curated, but 0 are in the staged files"),
        ({"quarantined": ()}, [("a", "1")], "4 rows were quarantined, but 0 are in the staged files"),
    ],
)
def test_what_does_not_add_up_is_named(change: Any, expected: Any, said: str) -> None:
    reconcile(REPORT, [("a", "1")])
    with pytest.raises(ReconciliationError, match=said):
        reconcile(dataclasses.replace(REPORT, **change), expected)


@pytest.mark.parametrize(
    ("metric", "column", "unit", "measured"),
    [
        ("rowCount", None, "rows", 20),
        ("invalidValues", None, "rows", 4),
        ("invalidValues", None, "percent", 20),
        ("invalidValues", "x", "rows", 3),
        ("invalidValues", "x", "percent", 15),
        ("duplicateValues", None, "rows", 2),
        ("duplicateValues", None, "percent", 12.5),
        ("nullValues", "z", "rows", 7),
        ("nullValues", "z", "percent", 50),
        ("nullValues", "other", "rows", 0),
    ],
)
def test_every_metric_is_measured(metric: str, column: str | None, unit: str, measured: float) -> None:
    rule = {"metric": metric, "column": column, "unit": unit, "value": measured}
    assert violations(REPORT, contract(**rule, operator="mustBe")) == []
    (said,) = violations(REPORT, contract(**rule, operator="mustNotBe"))
    assert f"is {measured} {unit}, but mustNotBe" in said


@pytest.mark.parametrize(
    ("operator", "holds", "broken"),
    [
        ("mustBe", 20, 19),
        ("mustNotBe", 19, 20),
        ("mustBeGreaterThan", 19, 20),
        ("mustBeGreaterOrEqualTo", 20, 21),
        ("mustBeLessThan", 21, 20),
        ("mustBeLessOrEqualTo", 20, 19),
        ("mustBeBetween", [20, 20], [21, 30]),
        ("mustNotBeBetween", [21, 30], [1, 20]),
    ],
)
def test_every_operator_holds_and_breaks(operator: str, holds: Any, broken: Any) -> None:
    assert violations(REPORT, contract(metric="rowCount", operator=operator, value=holds)) == []
    assert len(violations(REPORT, contract(metric="rowCount", operator=operator, value=broken))) == 1


def test_every_operator_of_the_compiler_is_known_and_others_are_refused() -> None:
    for operator in OPERATORS:
        violations(REPORT, contract(metric="rowCount", operator=operator, value=[1, 2] if "Between" in operator else 1))
    with pytest.raises(ValueError, match="unknown operator 'mustRhyme'"):
        violations(REPORT, contract(metric="rowCount", operator="mustRhyme", value=1))


def test_a_batch_without_rows_has_no_percentages() -> None:
    nothing = dataclasses.replace(REPORT, files=())
    assert violations(nothing, contract(metric="invalidValues", unit="percent", operator="mustBe", value=0)) == []
