"""The audit: what does not add up is named, and every rule of a contract is measured as docs/semantics.md says."""

import dataclasses
import json
from typing import Any

import pytest
from pipeline_core.contract import Contract
from pipeline_core.report import (
    FATES,
    FileReport,
    ReconciliationError,
    ReplacedFile,
    Report,
    RowCounts,
    StagedFile,
    reconcile,
    violations,
)

from contracts.compiler.rules import OPERATORS

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


def test_a_report_counts_the_rows_of_all_its_files_by_fate() -> None:
    by_fate: dict[str, Any] = {
        f"rows_{fate}": number for number, fate in enumerate(("read", "replaced", "removed", *FATES), 1)
    }
    files = tuple(FileReport(key=key, version="1", **by_fate) for key in "ab")
    counts = dataclasses.replace(REPORT, files=files).counts
    assert dataclasses.asdict(counts) == {name: 2 * number for name, number in by_fate.items()}
    assert counts.rows_written == counts.rows_curated + counts.rows_updated == 2 * (4 + 7)
    assert dataclasses.replace(REPORT, files=()).counts == RowCounts()


@pytest.mark.parametrize(
    ("counts", "outcome"),
    [
        ({}, {}),
        ({"rows_read": 3, "rows_duplicate": 1}, {"rows_read": 3, "rows_duplicate": 1}),
        ({"rows_updated": 1, "rows_deleted": 0}, {"rows_updated": 1}),
        ({"rows_superseded": 2, "rows_unchanged": 5}, {"rows_superseded": 2, "rows_unchanged": 5}),
    ],
)
def test_an_outcome_has_four_counts_and_those_that_a_row_had(counts: dict[str, int], outcome: dict[str, int]) -> None:
    always = {"rows_read": 0, "rows_curated": 0, "rows_quarantined": 0, "rows_duplicate": 0}
    assert RowCounts(**counts).to_outcome() == always | outcome


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


@pytest.mark.parametrize("surplus", [-1, 1])
@pytest.mark.parametrize(("fate", "rows"), [("curated", 14), ("quarantined", 4)])
def test_a_row_too_few_in_the_staged_files_stops_a_batch_as_one_too_many_does(
    fate: str, rows: int, surplus: int
) -> None:
    def report(surplus: int) -> Report:
        rows_of = (1, rows - 1 + surplus)
        staged: Any = tuple(StagedFile(uri=f"s3://c/{n}", partition={}, rows=n) for n in rows_of)
        return dataclasses.replace(REPORT, **{fate: staged})

    reconcile(report(0), [("a", "1")])
    with pytest.raises(ReconciliationError, match=f"{rows} rows were {fate}, but {rows + surplus} are in"):
        reconcile(report(surplus), [("a", "1")])


def test_a_surplus_of_one_fate_does_not_make_up_for_a_row_that_another_lacks() -> None:
    more, fewer = (dataclasses.replace(REPORT.curated[0], rows=n) for n in (15, 3))
    with pytest.raises(ReconciliationError, match="14 rows were curated, but 15 are in"):
        reconcile(dataclasses.replace(REPORT, curated=(more,), quarantined=(fewer,)), [("a", "1")])


@pytest.mark.parametrize("read", [19, 21])
def test_a_file_of_which_a_row_has_no_fate_stops_a_batch_as_one_with_a_row_too_many_does(read: int) -> None:
    wrong = dataclasses.replace(FILE, rows_read=read)
    with pytest.raises(ReconciliationError, match=f"file a: {read} rows read, but .* = 20"):
        reconcile(dataclasses.replace(REPORT, files=(wrong,)), [("a", "1")])


def test_what_one_file_has_too_many_does_not_make_up_for_what_another_lacks() -> None:
    files = tuple(dataclasses.replace(FILE, key=key, rows_read=read) for key, read in (("a", 19), ("b", 21)))
    staged: dict[str, Any] = {fate: getattr(REPORT, fate) * 2 for fate in ("curated", "quarantined")}
    with pytest.raises(ReconciliationError, match="file a: 19 rows read"):
        reconcile(dataclasses.replace(REPORT, files=files, **staged), [("a", "1"), ("b", "1")])


@pytest.mark.parametrize("kept", [5, 7])
def test_rows_replaced_are_those_that_the_new_files_lack_no_more_and_no_fewer(kept: int) -> None:
    def report(kept: int) -> Report:
        old = ReplacedFile(key="tables/d/1", partition={}, uri="s3://c/3", rows_before=10, rows_kept=kept)
        return dataclasses.replace(REPORT, files=(dataclasses.replace(FILE, rows_replaced=4),), replaced=(old,))

    reconcile(report(6), [("a", "1")])
    with pytest.raises(ReconciliationError, match=f"4 rows are to be replaced, but {10 - kept} are missing"):
        reconcile(report(kept), [("a", "1")])


@pytest.mark.parametrize(
    "expected", [[], [("a", "2")], [("b", "1")], [("a", "1"), ("a", "1")], [("a", "1"), ("b", "1")]]
)
def test_the_report_has_the_files_of_the_manifest_each_once_in_any_order(expected: list[tuple[str, str]]) -> None:
    with pytest.raises(ReconciliationError, match="the report has 1 files, the manifest others"):
        reconcile(REPORT, expected)
    two = dataclasses.replace(REPORT, files=(FileReport(key="b", version="1"), FILE))
    reconcile(two, [("a", "1"), ("b", "1")])


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
        ("mustBeBetween", [1, 30], [1, 19]),
        ("mustNotBeBetween", [21, 30], [1, 20]),
        ("mustNotBeBetween", [1, 19], [1, 30]),
        ("mustNotBeBetween", [21, 30], [20, 30]),
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


@pytest.mark.parametrize(("removed", "fits"), [(2, False), (3, True), (4, False)])
def test_rows_that_were_removed_are_missing_in_the_new_files_as_those_that_were_replaced(
    removed: int, fits: bool
) -> None:
    file = dataclasses.replace(FILE, rows_replaced=1, rows_removed=removed)
    stays = ReplacedFile(key="t/1", partition={}, uri="s3://c/3", rows_before=10, rows_kept=6)
    report = dataclasses.replace(REPORT, files=(file,), replaced=(stays,))
    if fits:
        reconcile(report, [("a", "1")])
    else:
        with pytest.raises(ReconciliationError, match=f"batch b: {1 + removed} rows are to be replaced, but 4 are"):
            reconcile(report, [("a", "1")])


@pytest.mark.parametrize(
    ("column", "unit", "said"),
    [
        (None, "percent", "rule: invalidValues is 1.235 percent, but mustBe 0"),
        ("x", "percent", "rule: invalidValues of x is 1.235 percent, but mustBe 0"),
        ("x", "rows", "rule: invalidValues of x is 1 rows, but mustBe 0"),
    ],
)
def test_a_broken_rule_is_said_with_what_was_measured(column: str | None, unit: str, said: str) -> None:
    file = FileReport(key="a", version="1", rows_read=81, rows_curated=80, rows_quarantined=1)
    report = dataclasses.replace(REPORT, files=(file,), reasons={"type:x": 1})
    rule = contract(metric="invalidValues", column=column, unit=unit, operator="mustBe", value=0)
    assert violations(report, rule) == [said]
