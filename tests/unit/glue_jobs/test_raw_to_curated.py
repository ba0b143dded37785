"""What becomes of every row, as docs/semantics.md says it. The numbers in the names are its sections."""

import datetime as dt
import gzip
import io
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pipeline_core.report import Report

from tests.lake import Lake

HEADER = b"id,day,name,price,at,weight,paid\n"
DAY = dt.date(2024, 2, 29)


def accounting(report: Report) -> tuple[int, int, int, int]:
    return tuple(getattr(report.counts, f"rows_{name}") for name in ("read", "curated", "quarantined", "duplicate"))


def test_values_are_cast_exactly(lake: Lake) -> None:
    report = lake.stage(
        {
            "a.csv": HEADER + b"1,2024-02-29, ann ,12.50,2024-02-29T10:00:00+01:00,1e2,TRUE\r\n2,2024-02-29,NA,,,,\n",
            "b.csv.gz": HEADER + b'3.0,2024-02-29,"a,""b""",-0.10,2024-02-29 10:00:00.123456,.5,0\n',
        }
    )
    assert accounting(report) == (3, 3, 0, 0)
    assert lake.rows(report, "id", "name", "price", "weight", "paid") == [
        (1, "ann", Decimal("12.50"), 100.0, True),
        (2, None, None, None, None),
        (3, 'a,"b"', Decimal("-0.10"), 0.5, False),
    ]
    assert dict(lake.rows(report, "id", "at")) == {
        1: dt.datetime(2024, 2, 29, 9, tzinfo=dt.UTC),
        2: None,
        3: dt.datetime(2024, 2, 29, 10, 0, 0, 123456, tzinfo=dt.UTC),
    }
    assert report.nulls == {"name": 1, "price": 1, "at": 1, "weight": 1, "paid": 1}


WRONG_ROWS = [
    ("x,2024-01-01,a,1,,,", ["type:id"]),
    ("99999999999,2024-01-01,a,1,,,", ["type:id"]),
    ("1.5,2024-01-01,a,1,,,", ["type:id"]),
    ("0,2024-01-01,a,1,,,", ["minimum:id"]),
    (",,a,1,,,", ["required:day", "required:id"]),
    ("1,2023-02-29,a,1,,,", ["type:day"]),
    ("1,0000-01-01,a,1,,,", ["type:day"]),
    ("1,2024-01-01,12345678901,1,,,", ["max_length:name"]),
    ("1,2024-01-01,a,1.234,,,", ["type:price"]),
    ("1,2024-01-01,a,12345.00,,,", ["type:price"]),
    ("1,2024-01-01,a,1,2024-01-01T25:00:00Z,,", ["type:at"]),
    ("1,2024-01-01,a,1,yesterday,,", ["type:at"]),
    ("1,2024-01-01,a,1,,101,", ["maximum:weight"]),
    ("1,2024-01-01,a,1,,1e999,", ["type:weight"]),
    ("1,2024-01-01,a,1,,NaN,", ["type:weight"]),
    ("1,2024-01-01,a,1,,,perhaps", ["type:paid"]),
    ("1,2024-01-01,a,1,,,,", ["malformed_row"]),
    ("1,2024-01-01,a", ["malformed_row"]),
    ("z,2024-01-01,a,1,,200,maybe", ["maximum:weight", "type:id", "type:paid"]),
]


def test_a_wrong_row_is_quarantined_with_every_reason(lake: Lake) -> None:
    rows = "".join(f"{row}\n" for row, _ in WRONG_ROWS)
    report = lake.stage({"a.csv": HEADER + b"7,2024-01-01,good,1,,,\n" + rows.encode()})
    assert accounting(report) == (1 + len(WRONG_ROWS), 1, len(WRONG_ROWS), 0)
    assert lake.quarantine() == [("a.csv", 3 + n, row, reasons) for n, (row, reasons) in enumerate(WRONG_ROWS)]
    assert report.reasons["type:id"] == 4


def test_the_first_of_a_key_wins_in_a_batch_and_against_the_table(lake: Lake) -> None:
    first = lake.stage(
        {
            "a.csv": HEADER + b"1,2024-02-29,first,,,,\n1,2024-02-29,second,,,,\n",
            "b.csv": HEADER + b"1,2024-02-29,third,,,,\n1,2024-03-01,other day,,,,\n",
        }
    )
    assert accounting(first) == (4, 2, 0, 2)
    assert lake.rows(first, "id", "day", "name") == [(1, "2024-02-29", "first"), (1, "2024-03-01", "other day")]
    lake.publish(first)
    second = lake.stage({"c.csv": HEADER + b"1,2024-02-29,late,,,,\n2,2024-02-29,new,,,,\n1,2024-04-01,new day,,,,\n"})
    assert accounting(second) == (3, 2, 0, 1)
    assert lake.rows(second, "id", "name") == [(1, "new day"), (2, "new")]
    assert [(file.key, file.rows_duplicate) for file in second.files] == [("c.csv", 1)]


def test_an_invalid_row_does_not_take_its_key_from_a_valid_one(lake: Lake) -> None:
    report = lake.stage({"a.csv": HEADER + b"1,2024-02-29,a,1.999,,,\n1,2024-02-29,b,1,,,\n"})
    assert lake.rows(report, "id", "name") == [(1, "b")]


WRONG_HEADERS = {
    "a.csv": (b"id,day,name,price,at,weight,paid,colour\n", "unexpected_column:colour"),
    "b.csv": (b"id,name,price,at,weight,paid\n", "missing_column:day"),
    "c.csv": (b"id,day,name,name,at,weight,paid\n", "duplicate_column:name"),
    "d.csv": (b"\n", "missing_column:id, missing_column:day"),
}


def test_a_file_whose_columns_do_not_fit_is_quarantined_whole(lake: Lake) -> None:
    row = b"1,2024-02-29,a,,,,\n"
    files = {name: header + row for name, (header, _) in WRONG_HEADERS.items()}
    report = lake.stage({**files, "good.csv": HEADER + b"2,2024-02-29,b,,,,\n"})
    assert accounting(report) == (5, 1, 4, 0)
    assert [file.problem for file in report.files] == [*(problem for _, problem in WRONG_HEADERS.values()), None]
    expected = [
        (name, 2, row.decode().strip(), sorted(problem.split(", "))) for name, (_, problem) in WRONG_HEADERS.items()
    ]
    assert lake.quarantine() == expected


def test_columns_come_in_any_order_and_optional_ones_may_lack(lake: Lake) -> None:
    report = lake.stage({"a.csv": b"\xef\xbb\xbf NAME ,Day,ID\nann,2024-02-29,5\n"})
    assert lake.rows(report, "id", "name", "price") == [(5, "ann", None)]


def test_a_line_break_inside_quotes_is_data_and_a_stray_quote_loses_nothing(lake: Lake) -> None:
    report = lake.stage(
        {
            "a.csv": HEADER + b'1,2024-02-29,"a\nb",,,,\n\n2,2024-02-29,c,,,,\n',
            "b.csv": HEADER + b'3,2024-02-29,d,,,,\n4,2024-02-29,"e,,,,\n5,2024-02-29,f,,,,\n',
        }
    )
    assert accounting(report) == (5, 4, 1, 0)
    assert lake.rows(report, "id", "name") == [(1, "a\nb"), (2, "c"), (3, "d"), (5, "f")]
    assert [(name, line, reasons) for name, line, _, reasons in lake.quarantine()] == [
        ("b.csv", 3, ["malformed_row"]),
    ]


def test_bytes_that_are_no_text_are_quarantined_so_that_they_can_be_brought_back(lake: Lake) -> None:
    report = lake.stage(
        {"a.csv": HEADER + b"1,2024-02-29,caf\xe9,,,,\n2,2024-02-29,a\x00b,,,,\n3,2024-02-29,\xc3\xa9,,,,\n"}
    )
    assert lake.rows(report, "id", "name") == [(3, "é")]
    quarantined = lake.quarantine()
    assert [row[3] for row in quarantined] == [["encoding"], ["nul_character"]]
    assert quarantined[0][2].encode("latin-1") == b"1,2024-02-29,caf\xe9,,,,"


def test_json_lines_are_read_with_the_same_meaning(lake: Lake) -> None:
    lines = [
        '{"id": 1, "day": "2024-02-29", "name": "ann", "price": 12.50, "paid": true, "weight": 1e1}',
        '{"ID": "2", "day": "2024-02-29", "name": null}',
        '{"id": 3, "day": "2024-02-29", "name": {"first": "x"}}',
        '{"id": 3, "day": "2024-02-29", "name": ["x"]}',
        '{"id": 3, "id": 4, "day": "2024-02-29"}',
        '{"id": 3, "day": "2024-02-29", "colour": 1}',
        '{"id": 3, "day": ',
        "[1, 2]",
        "",
        '{"id": 1.0, "day": "2024-02-29"}',
    ]
    report = lake.stage({"a.jsonl": "\n".join(lines).encode()})
    assert accounting(report) == (9, 3, 5, 1)
    assert lake.rows(report, "id", "name", "price", "paid") == [
        (1, "ann", Decimal("12.50"), True),
        (2, None, None, None),
        (3, '["x"]', None, None),
    ]
    assert [row[3][0] for row in lake.quarantine()] == [
        # Its JSON text has 13 characters.
        "max_length:name",
        "duplicate_column:id",
        "unexpected_column:colour",
        "malformed_row",
        "malformed_row",
    ]


def parquet(**columns: "pa.Array[Any]") -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def test_parquet_is_read_with_the_same_meaning(lake: Lake) -> None:
    good = parquet(
        id=pa.array([1.0, None, 2.5]),
        day=pa.array([DAY, DAY, DAY]),
        price=pa.array([Decimal("1.25"), None, None]),
        at=pa.array([dt.datetime(2024, 2, 29, 10, tzinfo=dt.UTC), None, None]),
    )
    report = lake.stage(
        {
            "good.parquet": good,
            "nested.parquet": parquet(id=pa.array([1]), day=pa.array([DAY]), price=pa.array([["x"]])),
            "broken.parquet": b"PAR1 is all that is right PAR1",
        }
    )
    assert accounting(report) == (4, 1, 3, 0)
    assert lake.rows(report, "id", "price") == [(1, Decimal("1.25"))]
    problems = [file.problem for file in report.files]
    assert problems[0] is None
    assert problems[1] == "nested_value:price"
    assert problems[2] is not None
    assert problems[2].startswith("unreadable")
    assert [row[3] for row in lake.quarantine()] == [["required:id"], ["type:id"], ["nested_value:price"]]


def test_times_without_an_offset_are_in_the_contracts_time_zone(lake_of: Callable[..., Lake]) -> None:
    lake = lake_of(time_zone="America/New_York")
    report = lake.stage(
        {"a.csv": HEADER + b"1,2024-02-29,a,,2024-07-01 10:00:00,,\n2,2024-02-29,b,,2024-07-01T10:00:00Z,,\n"}
    )
    assert len(report.curated) == 1
    assert dict(lake.rows(report, "id", "at")) == {
        1: dt.datetime(2024, 7, 1, 14, tzinfo=dt.UTC),
        2: dt.datetime(2024, 7, 1, 10, tzinfo=dt.UTC),
    }


def test_rows_carry_their_batch_and_file_and_lie_in_their_partition(lake: Lake) -> None:
    report = lake.stage({"a.csv": HEADER + b"1,2024-02-29,a,,,,\n2,2024-03-01,b,,,,\n"})
    assert [file.partition for file in report.curated] == [{"day": "2024-02-29"}, {"day": "2024-03-01"}]
    assert all("day=2024-0" in file.uri for file in report.curated)
    assert lake.rows(report, "_batch_id", "_source_file") == [("orders-1", "a.csv?versionId=v1")] * 2


def test_a_partition_column_may_be_called_what_spark_calls_its_own(lake_of: Callable[..., Lake]) -> None:
    names = ["path", "count"]
    parts = [{"name": name, "type": "string", "required": True} for name in names]
    columns = [{"name": "id", "type": "int", "required": True}, *parts]
    lake = lake_of(columns=columns, primary_key=["id", *names], partition_by=names)
    content = b"id,path,count\n1,a,x\n2,a,x\n3,b,y\n"
    report = lake.stage({"a.csv": content})
    expected = [({"path": "a", "count": "x"}, 2), ({"path": "b", "count": "y"}, 1)]
    assert [(file.partition, file.rows) for file in report.curated] == expected
    lake.publish(report)
    assert accounting(lake.stage({"b.csv": content})) == (3, 0, 0, 3)


def test_a_file_of_a_header_only_counts_no_rows(lake: Lake) -> None:
    report = lake.stage({"a.csv": HEADER})
    assert accounting(report) == (0, 0, 0, 0)
    assert len(report.files) == 1
    assert report.curated == ()


def test_no_file_unpacks_to_more_than_a_bound_and_its_neighbours_are_read(lake: Lake) -> None:
    noise = random.Random(1).randbytes(5_000).hex().encode()
    zeros = gzip.compress(b"0" * 5_000_000)
    report = lake.stage(
        {
            **{f"good{n}.csv.gz": HEADER + b"%d,2024-02-29,a,,,,\n" % n for n in range(1, 9)},
            "second_member.csv.gz": gzip.compress(HEADER) + zeros,
            "late.csv.gz": gzip.compress(HEADER + noise + b"\n" + b"0" * 8_000_000),
            "lines.jsonl.gz": zeros,
        }
    )
    found = {file.key: (file.problem or "good").partition(":")[0] for file in report.files}
    good = {f"good{n}.csv.gz": "good" for n in range(1, 9)}
    gzips = dict.fromkeys(("second_member.csv.gz", "late.csv.gz", "lines.jsonl.gz"), "gzip_bomb")
    assert found == good | gzips
    assert lake.rows(report, "id") == [(n,) for n in range(1, 9)]


def test_deeply_nested_json_is_refused_not_a_crash(lake: Lake) -> None:
    lake.stage({"a.jsonl": b'{"id": 1, "day": "2024-02-29", "name": ' + b"[" * 100_000 + b"\n"})
    assert [row[3] for row in lake.quarantine()] == [["malformed_row"]]
