"""JSON as people write it: arrays, objects one after the other, nested values as text and by path."""

import datetime as dt
import io
import json
import random
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from record_engine import Limits

from tests.robustness import bad_files as bad
from tests.robustness.compare import MakeBench, agree
from tests.robustness.oracle import judge

OBJECTS = [
    *[b'{"id":%d,"part":"p"}' % number for number in range(4)],
    b'{\n  "id": 5,\n  "part": "p"\n}',
    b'{"id":6,"part":"}]{[\\"\\\\"}',
    b'{"id":7,\r\n"part":"q","name":{"a":[1.50,{}]}}',
    b'{"id":8,"part":"p","name":["x", 1e2, null, true, "\\u00e9"]}',
    *[b'{"id":{"a":1},"part":"p"}', b'{"id":NaN,"part":"p"}', b'{"id":9,"part":"\xff"}', b'{"id":10,"part":"\\u0000"}'],
    *[b'{"id":"\\ud800","part":"p"}', b'{"id":11,"part":"p","x":1}', b'{"id":12,"part":"\n"}', b'{"id":13,"part":"p"'],
    *[b'"id":14}', b"{", b"}", b"5", b"[1]", b"null", b'"x"', b"{}"],
]
BROKEN = [
    b'{"id":x,"part":"p"}',
    b'{"id":1,,}',
    b'{"id":{"a":}}',
    b'{"id":[1,{"a":2 3}]}',
    b'{"id":1,"part":"a}',
    b'{"id":1 "part":"b"}',
]
BROKEN += [
    b"{'id':1}",
    b'{"id":',
    b'{"id":[1}',
    b'{"id":"\t\xc3\xa9\\q"}',
    b'{"id":1},{"part":"}]"',
    b'"a\\"',
    b"nul",
    b'{"id":"\\',
    b"}}",
]
BETWEEN = [b"\n", b"\n", b",\n", b",", b" ", b"", b"\r\n", b"\n\n", b"]", b"["]


def text(seed: random.Random) -> bytes:
    good = seed.random() < 0.4
    between = seed.choice(BETWEEN)
    found = b""
    for _ in range(seed.randrange(1, 20)):
        found += seed.choice(OBJECTS[:8] if good else OBJECTS)
        found += between if good or seed.random() < 0.7 else seed.choice(BETWEEN)
    return seed.choice((b"", b"[", b"[\n", b"\xef\xbb\xbf", b" \n")) + found + seed.choice((b"", b"]", b"\n]\n"))


@pytest.mark.parametrize("most", [18, 30, 16 * 1024**2])
@pytest.mark.parametrize("size", [1, 40, 4 * 1024**2])
def test_objects_are_found_wherever_they_stand(bench: MakeBench, size: int, most: int) -> None:
    made = bench(**bad.SMALL, max_record_bytes=most, limits=Limits(block_bytes=size, read_bytes=size))
    agree(made, bad.many("a/", ".json", 60, text))


def mostly_good(seed: random.Random) -> bytes:
    """Objects on one line or a few, with a broken one here and there."""
    some = [seed.choice(BROKEN if seed.random() < 0.25 else OBJECTS[:8]) for _ in range(seed.randrange(2, 9))]
    between = seed.choice((b",", b", ", b",\n", b" ", b"\n", b""))
    return seed.choice((b"[", b"[", b"")) + between.join(some) + seed.choice((b"]", b"", b"\n"))


@pytest.mark.parametrize("most", [18, 30, 16 * 1024**2])
@pytest.mark.parametrize("size", [1, 7, 4 * 1024**2])
def test_a_broken_object_ends_where_that_is_sure(bench: MakeBench, size: int, most: int) -> None:
    made = bench(**bad.SMALL, max_record_bytes=most, limits=Limits(block_bytes=size, read_bytes=size))
    agree(made, bad.many("a/", ".json", 150, mostly_good))


GOOD = b'{"id":2,"part":"p"}'


@pytest.mark.parametrize(
    ("content", "read", "curated"),
    [
        # What follows is read.
        (b'[{"id":x,"part":"p"},%b,%b]' % (GOOD, GOOD.replace(b"2", b"3")), 3, 2),
        (b'[{"id":1,},%b]' % GOOD, 2, 1),
        (b"[null,%b,5,%b]" % (GOOD, GOOD.replace(b"2", b"3")), 4, 2),
        (b'{"id":1}{"id":2,}%b' % GOOD, 3, 1),
        # Members of a broken object are no records, whatever line they are on.
        (b'[{"id":x,"list":[\n%b,\n%b\n]},\n%b]' % (GOOD, GOOD, GOOD.replace(b"2", b"3")), 2, 1),
        # Where a quote or a bracket may be wrong, nothing on the line is a record that could be inside of a text.
        (b'[{"id":1,"part":x"},{"id":2,"part":"a},%b"}\n]' % GOOD.replace(b'"', b'\\"'), 1, 0),
        (b'[{"id":1,"part":"x},%b\n]' % GOOD, 1, 0),
        (b'[{"id":1,"name":{"a":1},%b,\n%b]' % (GOOD, GOOD.replace(b"2", b"3")), 2, 1),
        (b"[{'id':1},%b,\n%b]" % (GOOD, GOOD.replace(b"2", b"3")), 2, 1),
        # No line is lost to what is open on the one before.
        (b'[{"id":1,\n%b,\n%b},\n%b]' % (GOOD, GOOD.replace(b"2", b"3"), GOOD.replace(b"2", b"4")), 5, 3),
    ],
)
def test_what_a_broken_object_costs(bench: MakeBench, content: bytes, read: int, curated: int) -> None:
    made = bench(**bad.SMALL)
    agree(made, {"a.json": content})
    outcome = judge({"a.json": content}, made.contract)["a.json"]
    assert (len(outcome.curated), len(outcome.curated) + len(outcome.quarantined)) == (curated, read)


def rows(number: int) -> list[dict[str, Any]]:
    return [{"id": at, "part": "p", "name": "ab" * (at % 5 + 1)} for at in range(number)]


LAYOUTS = {
    "array": lambda some: json.dumps(some),
    "array of lines": lambda some: "[\n" + ",\n".join(map(json.dumps, some)) + "\n]\n",
    "pretty array": lambda some: json.dumps(some, indent=2),
    "one after the other": lambda some: "".join(map(json.dumps, some)),
    "pretty": lambda some: "\n".join(json.dumps(row, indent=2) for row in some),
    "lines": lambda some: "\n".join(map(json.dumps, some)),
    "lines that end in CR": lambda some: "\r".join(map(json.dumps, some)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_row_of_every_layout_is_taken(bench: MakeBench, layout: str) -> None:
    content = LAYOUTS[layout](rows(2_000)).encode()
    made = bench(**bad.SMALL, limits=Limits(block_bytes=10_000, read_bytes=1_000))
    agree(made, {"a.json": content})
    assert judge({"a.json": content}, made.contract)["a.json"].counts == (2_000, 2_000, 0, 0)


@pytest.mark.parametrize("ending", [b"", b",", b'{"id":3,'])
def test_an_array_that_is_cut_off_is_seen(bench: MakeBench, ending: bytes) -> None:
    made = bench(**bad.SMALL)
    content = b'[{"id":1,"part":"p"},{"id":2,"part":"p"}' + ending
    agree(made, {"a.json": content})
    assert {"malformed_row"} in [one.reasons for one in judge({"a.json": content}, made.contract)["a.json"].quarantined]


PATHS = [
    {"name": "id", "type": "int", "required": True},
    {"name": "customer", "type": "string"},
    {"name": "city", "type": "string", "source": "customer.Address.city"},
    {"name": "age", "type": "int", "source": "customer.age"},
    {"name": "amount", "type": "double", "source": "order.amount", "written": {"decimal_separator": ","}},
    {"name": "flat", "type": "string", "source": "a.b"},
]
NESTED = [
    {"id": 1, "customer": {"address": {"city": "Rome", "zip": 5}, "age": 7}},
    {"id": 2, "customer": None, "order": None},
    {"id": 3, "customer": {"address": None, "age": None, "more": {"x": [1, 2.50]}}},
    {"id": 4, "customer": {"address": "Rome"}},
    {"id": 5, "customer": "Rome"},
    {"id": 6, "order": {"amount": 1.5}},
    {"id": 7, "order": {"amount": "1,5"}},
    {"id": 8, "order": {"amount": 1, "unit": "kg"}},
    {"id": 9, "order": [1]},
    {"id": 10, "a.b": "own", "a": {"b": "by path"}},
    {"id": 11, "a": {"b": {"c": [True, None]}}},
    {"id": 12, "customer.address.city": "own", "customer": {"address": {"city": "by path"}}},
    {"id": 13, "customer": {"age": {"x": 1}}},
    {"id": 14, "customer": {"age": 1, "AGE": 2}},
    {"id": 15, "other": {"a": 1}},
    {"id": 16, "customer": {"address": {"city": "a\0b"}}},
]


@pytest.mark.parametrize("unexpected", ["refuse", "ignore"])
@pytest.mark.parametrize("ignored", [[], ["order.*"]])
def test_members_of_objects_are_found_by_their_paths(bench: MakeBench, unexpected: str, ignored: list[str]) -> None:
    made = bench(
        columns=PATHS, primary_key=["id"], partition_by=[], unexpected_columns=unexpected, ignored_columns=ignored
    )
    agree(made, {"a.json": "\n".join(map(json.dumps, NESTED)).encode()})


def test_a_nested_value_is_its_json_and_a_path_leads_into_it(bench: MakeBench) -> None:
    made = bench(columns=PATHS, primary_key=["id"], partition_by=[])
    outcome = judge({"a.json": json.dumps(NESTED).encode()}, made.contract)["a.json"]
    found = {record.values["id"]: record.values for record in outcome.curated}
    assert found[1]["customer"] == '{"address":{"city":"Rome","zip":5},"age":7}'
    assert (found[1]["city"], found[1]["age"]) == ("Rome", 7)
    assert (found[6]["amount"], found[7]["amount"]) == (1.5, 1.5)
    assert (found[10]["flat"], found[11]["flat"]) == ("own", '{"c":[true,null]}')
    assert found[12]["city"] == "own"
    refused = {json.loads(record.raw or "")["id"]: record.reasons for record in outcome.quarantined}
    assert refused == {
        4: {"no_object:customer.address"},
        8: {"unexpected_column:order.unit"},
        9: {"no_object:order"},
        13: {"nested_value:age"},
        14: {"duplicate_column:age"},
        15: {"unexpected_column:other"},
        16: {"nul_character"},
    }


STRUCT = pa.struct(
    [
        ("address", pa.struct([("city", pa.string()), ("zip", pa.int32())])),
        ("age", pa.int16()),
        ("at", pa.timestamp("us", "UTC")),
    ]
)


def nested_parquet(**columns: "pa.Array[Any]") -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def test_nested_values_of_parquet_are_json_and_a_path_leads_into_them(bench: MakeBench) -> None:
    made = bench(columns=PATHS, primary_key=["id"], partition_by=[])
    at = dt.datetime(2024, 2, 29, 10, tzinfo=dt.UTC)
    rows = [
        {"address": {"city": 'Rome \u00e9 "x"', "zip": 5}, "age": 7, "at": at},
        {"address": None, "age": None, "at": None},
        None,
    ]
    ids = pa.array([1, 2, 3], pa.int32())
    files = {
        "struct.parquet": nested_parquet(id=ids, customer=pa.array(rows, STRUCT)),
        "list.parquet": nested_parquet(
            id=pa.array([11, 12, 13, 14], pa.int32()),
            flat=pa.array([[1.5, None], [], None, [float("nan")]], pa.list_(pa.float64())),
        ),
        "map.parquet": nested_parquet(
            id=pa.array([21, 22, 23], pa.int32()),
            flat=pa.array(
                [[("a", Decimal("1.50"))], None, [("b", None), ("c", Decimal(2))]],
                pa.map_(pa.string(), pa.decimal128(9, 2)),
            ),
        ),
        "bytes.parquet": nested_parquet(
            id=pa.array([31], pa.int32()), flat=pa.array([[b"ab\xff"]], pa.list_(pa.binary()))
        ),
        "number.parquet": nested_parquet(id=pa.array([41], pa.int32()), city=pa.array([[1]]), age=pa.array([[1]])),
    }
    agree(made, files)
    found = {
        record.values["id"]: record.values
        for outcome in judge(files, made.contract).values()
        for record in outcome.curated
    }
    assert found[1]["customer"] == (
        '{"address":{"city":"Rome \u00e9 \\"x\\"","zip":5},"age":7,"at":"2024-02-29T10:00:00.000000Z"}'
    )
    assert (found[1]["city"], found[1]["age"]) == ('Rome \u00e9 "x"', 7)
    assert (found[2]["city"], found[3]["customer"], found[3]["city"]) == (None, None, None)
    assert [found[n]["flat"] for n in (11, 12, 13, 14)] == ["[1.5,null]", "[]", None, '["nan"]']
    assert [found[n]["flat"] for n in (21, 22, 23)] == ['{"a":1.50}', None, '{"b":null,"c":2.00}']
    assert found[31]["flat"] == '["YWL/"]'
    assert judge(files, made.contract)["number.parquet"].problems == {"nested_value:age"}
