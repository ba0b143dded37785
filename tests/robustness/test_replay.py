"""Files are read again: their quarantined rows only, or in the place of the rows that they had published."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pipeline_core.contract import Contract
from pipeline_core.manifest import REPLACE, ROWS
from pipeline_core.report import ReconciliationError, Report, reconcile

from tests.lake import ORDERS, Lake

HEADER = b"id,day,name\n"
FIRST = HEADER + b"1,2024-01-01,one\n2,2024-01-01,two\n,2024-01-01,no id\n3,2024-01-02,much too long a name\n"
SECOND = b"name,day,id\nfour,2024-01-02,4\nalso too long a name,2024-01-02,3\nfive,nonsense,5\n"


def contract(**changes: Any) -> Contract:
    return Contract.from_document({**ORDERS, **changes})


def longer_names() -> Contract:
    columns = [{**column, "max_length": 50} if column["name"] == "name" else column for column in ORDERS["columns"]]
    return contract(version="1.1.0", columns=columns)


def audited(lake: Lake, report: Report) -> Report:
    reconcile(report, [(file.key, file.version) for file in lake.manifest.files])
    return report


def test_quarantined_rows_go_through_the_same_path_and_nothing_else_is_read(lake: Lake) -> None:
    files = {"a.csv": FIRST, "b.csv": SECOND}
    lake.publish(audited(lake, lake.stage(files)))
    assert lake.table("id") == [(1,), (2,), (4,)]
    lake.contract = longer_names()
    report = audited(lake, lake.stage(files, ROWS))
    counts = [(f.rows_read, f.rows_curated, f.rows_quarantined, f.rows_duplicate) for f in report.files]
    assert counts == [(2, 1, 1, 0), (2, 0, 1, 1)], "the first of both rows with the key 3 wins, as ever"
    lake.publish(report)
    assert lake.table("id", "name", "_source_file")[-2:] == [
        (3, "much too long a name", "a.csv?versionId=v1"),
        (4, "four", "b.csv?versionId=v1"),
    ]
    again = audited(lake, lake.stage(files, ROWS))
    assert [(f.rows_read, f.rows_quarantined) for f in again.files] == [(1, 1), (1, 1)]
    assert again.counts.rows_curated == 0
    assert sorted(row[2] for row in lake.quarantine()) == [",2024-01-01,no id", "five,nonsense,5"]


def test_a_quarantined_row_that_the_file_no_longer_has_fails_the_audit(lake: Lake) -> None:
    lake.publish(lake.stage({"a.csv": FIRST}))
    report = lake.stage({"a.csv": HEADER + b"1,2024-01-01,one\n"}, ROWS)
    with pytest.raises(ReconciliationError, match="2 rows read, but"):
        audited(lake, report)


def test_a_file_replaces_its_own_rows_and_no_others(lake: Lake) -> None:
    other = HEADER + b"7,2024-01-01,seven\n1,2024-01-01,loses against the first\n"
    lake.publish(lake.stage({"a.csv": FIRST, "other.csv": other}))
    lake.publish(lake.stage({"late.csv": HEADER + b"8,2024-01-02,eight\n9,2024-01-01,nine\n"}))
    before = lake.table("id", "name", "_source_file", "_batch_id")
    lake.contract = longer_names()
    report = audited(lake, lake.stage({"a.csv": FIRST}, REPLACE))
    (file,) = report.files
    assert (file.rows_read, file.rows_curated, file.rows_quarantined, file.rows_replaced) == (4, 3, 1, 2)
    assert {f.rows_before - f.rows_kept for f in report.replaced} == {2}, "one published file held both rows"
    lake.publish(report)
    own = "a.csv?versionId=v1"
    assert [row for row in lake.table("id", "name", "_source_file", "_batch_id") if row[2] != own] == [
        row for row in before if row[2] != own
    ]
    assert [row[:2] for row in lake.table("id", "name", "_source_file") if row[2] == own] == [
        (1, "one"),
        (2, "two"),
        (3, "much too long a name"),
    ]
    lake.publish(audited(lake, lake.stage({"a.csv": FIRST}, REPLACE)))
    assert len(lake.table("id")) == 6, "replacing again changes nothing"


def test_a_published_file_of_which_nothing_stays_goes(lake: Lake) -> None:
    lake.publish(lake.stage({"a.csv": FIRST}))
    report = audited(lake, lake.stage({"a.csv": HEADER + b"1,2024-01-05,moved\n"}, REPLACE))
    assert [(f.uri, f.rows_kept) for f in report.replaced] == [("", 0)]
    lake.publish(report)
    assert lake.table("id", "day", "name") == [(1, "2024-01-05", "moved")]


def test_a_published_file_that_is_gone_is_not_missed(lake: Lake) -> None:
    lake.publish(lake.stage({"a.csv": FIRST}))
    lake.stage({"b.csv": HEADER}, REPLACE)
    for path in lake.published():
        path.unlink()
    report = lake.stage({"a.csv": FIRST}, REPLACE)
    assert (report.counts.rows_curated, report.counts.rows_replaced) == (2, 0)


def test_rows_that_vanish_without_being_counted_fail_the_audit(lake: Lake) -> None:
    lake.publish(lake.stage({"a.csv": FIRST}))
    report = lake.stage({"a.csv": FIRST}, REPLACE)
    (file,) = report.replaced
    with pytest.raises(ReconciliationError, match="2 rows are to be replaced, but 1 are missing"):
        audited(lake, replace(report, replaced=(replace(file, rows_kept=1),)))


def test_old_files_stay_readable_and_keys_are_found_when_the_contract_grows(
    lake_of: Callable[..., Lake],
) -> None:
    lake = lake_of()
    lake.publish(lake.stage({"a.csv": HEADER + b"1,2024-01-01,one\n"}))
    grown = [
        {"name": "new", "type": "string"},
        *({**c, "type": "bigint"} if c["name"] == "id" else c for c in ORDERS["columns"]),
        {"name": "lots", "type": "bigint"},
    ]
    lake.contract = contract(version="1.1.0", columns=grown)
    report = lake.stage({"b.csv": b"new,id,day,lots\nx,1,2024-01-01,9\ny,5000000000,2024-01-01,\n"})
    assert (report.counts.rows_curated, report.counts.rows_duplicate) == (1, 1), (
        "1 as int and 1 as bigint are the same key"
    )
    lake.publish(report)
    assert lake.table("id", "new", "name") == [(1, None, "one"), (5_000_000_000, "y", None)]
    report = lake.stage({"a.csv": HEADER + b"1,2024-01-01,uno\n"}, REPLACE)
    lake.publish(report)
    assert lake.table("id", "new", "name") == [(1, None, "uno"), (5_000_000_000, "y", None)]


def test_a_decimal_may_get_more_digits_on_both_sides(lake: Lake) -> None:
    lake.publish(lake.stage({"a.csv": b"id,day,price\n1,2024-01-01,12.34\n"}))
    columns = [{**c, "type": "decimal(20,4)"} if c["name"] == "price" else c for c in ORDERS["columns"]]
    lake.contract = contract(version="1.1.0", columns=columns)
    lake.publish(lake.stage({"b.csv": b"id,day,price\n2,2024-01-01,1234567.1234\n"}))
    lake.publish(lake.stage({"b.csv": b"id,day,price\n2,2024-01-01,7.5\n"}, REPLACE))
    assert [str(row[1]) for row in lake.table("id", "price")] == ["12.3400", "7.5000"]
