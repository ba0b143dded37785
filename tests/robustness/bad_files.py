"""Files as nobody should deliver them: some written by hand, most made up from a seed."""

# ruff: noqa: RUF001, SIM905  the odd characters are the point; a list of words reads better as words

import csv
import gzip
import io
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ZOO: dict[str, Any] = {
    "dataset": "zoo",
    "version": "1.0.0",
    "columns": [
        {"name": "id", "type": "bigint", "required": True, "minimum": "-100"},
        {"name": "part", "type": "string", "required": True, "max_length": 120},
        {"name": "name", "type": "string", "min_length": 2, "max_length": 12},
        {"name": "code", "type": "string", "pattern": "^[A-Z]{2}"},
        {"name": "kind", "type": "string", "enum": ["cat", "dog", "émeu"]},
        {"name": "legs", "type": "int", "minimum": "0", "maximum": "1000"},
        {"name": "price", "type": "decimal(6,2)", "minimum": "-50"},
        {"name": "big", "type": "decimal(38,10)", "maximum": "9999999999999999999999999999.9999999998"},
        {"name": "born", "type": "date"},
        {"name": "seen", "type": "timestamp"},
        {"name": "weight", "type": "double", "maximum": "1e300"},
        {"name": "tame", "type": "boolean"},
    ],
    "primary_key": ["id", "part"],
    "partition_by": ["part"],
    "quality": [],
    "formats": ["csv", "jsonl", "parquet"],
    "null_tokens": ["", "NA", "\\N"],
    "delimiter": ",",
    "time_zone": "UTC",
    "max_file_bytes": 10**10,
    "frequency_hours": None,
}
SMALL = {"columns": ZOO["columns"][:3]}
"""The change that makes a contract of id, part and name: enough where the structure is what is odd."""

NAMES = [column["name"] for column in ZOO["columns"]]
HEADER = (",".join(NAMES) + "\n").encode()
SHORT = b"id,part,name\n"

NUMBERS = (
    "0 -0 +5 -1 007 3.0 3.000 3.01 1e3 1E3 1e400 -1e400 1e-400 0x10 1_000 1,000 NaN nan Infinity -Infinity inf "
    "2147483647 2147483648 -2147483648 -2147483649 9223372036854775807 9223372036854775808 -9223372036854775808 "
    "-9223372036854775809 99999999999999999999999999999999999999999 .5 5. . - + -- +-1 ٣ 12² 1.2.3 1d 1f 0b1 1/2 "
    "1e 1e+ e5 1.5e3 1.7976931348623157e308 1.7976931348623159e308 5e-324 9999.99 -9999.99 10000.00 1.234 1.230 "
    "00012.50 0.1 -0.00 1.10000000000000000000000000000000000000000000000000000000000000000000000000 "
    "9999999999999999999999999999.9999999999 99999999999999999999999999999.0 0.0000000001 0.00000000001 $5 5% (5)"
).split()
DATES = (
    "2024-02-29 2023-02-29 2023-04-31 0000-01-01 0001-01-01 9999-12-31 10000-01-01 1582-10-10 1900-02-29 2024-1-1 "
    "2024/01/01 01.02.2024 20240101 2024-13-01 2024-00-10 2024-01-00 +2024-01-01 -2024-01-01 2024-01-01Z today now "
    "epoch 2024-W01-1 2024-001 ２０２４-01-01"
).split()
TIMES = [
    f"{day}{gap}{time}"
    for day, gap, time in (
        ("2024-02-29", "T", "10:00"),
        ("2024-02-29", " ", "10:00"),
        ("2024-02-29", "T", "10:00:00"),
        ("2024-02-29", "T", "24:00:00"),
        ("2024-02-29", "T", "23:59:60"),
        ("2024-02-29", "T", "23:60:00"),
        ("2024-02-29", "T", "10:00:00.1"),
        ("2024-02-29", "T", "10:00:00.123456"),
        ("2024-02-29", "T", "10:00:00.1234567"),
        ("2024-02-29", "T", "10:00:00."),
        ("2024-02-29", "T", "10:00:00Z"),
        ("2024-02-29", "T", "10:00:00z"),
        ("2024-02-29", "t", "10:00:00"),
        ("2024-02-29", "T", "10:00:00+01:00"),
        ("2024-02-29", "T", "10:00:00-11:30"),
        ("2024-02-29", "T", "10:00:00+0100"),
        ("2024-02-29", "T", "10:00:00+01"),
        ("2024-02-29", "T", "10:00:00 +01:00"),
        ("2024-02-29", "T", "10:00:00[Europe/Paris]"),
        ("2024-02-29", "T", "10:00:00 UTC"),
        ("2024-02-29", "T", "1:00:00"),
        ("2024-02-29", "", ""),
        ("2024-02-29", "T", ""),
        ("2024-02-29", "  ", "10:00:00"),
        ("2023-02-29", "T", "10:00:00"),
        ("0000-01-01", "T", "00:00:00"),
        ("0001-01-01", "T", "00:00:00+05:00"),
        ("9999-12-31", "T", "23:59:59.999999-05:00"),
        ("1582-10-10", "T", "00:00:00"),
        ("1883-11-18", "T", "12:00:00"),
        ("2024-03-10", "T", "02:30:00"),
        ("2024-11-03", "T", "01:30:00"),
        ("2024-03-31", "T", "02:30:00"),
        ("2024-10-27", "T", "02:30:00"),
        ("", "", "1709200800"),
    )
]
BOOLEANS = "true TRUE tRuE false 1 0 yes no t f 2 1.0 on ｔrue".split()
TEXTS = [
    "",
    " ",
    "\t ",
    "NA",
    " NA\t",
    "na",
    "\\N",
    "null",
    "NULL",
    "None",
    "a",
    "ab",
    " ab ",
    "\u00a0ab\u00a0",
    "\u2003ab",
    "\u3000",
    "\u200bab",
    "ab\ufeff",
    "\ufeffab",
    "café",
    "cafe\u0301",
    "👩‍👩‍👧‍👦",
    "😀😀😀😀😀😀😀😀😀😀😀😀",
    "😀😀😀😀😀😀😀😀😀😀😀😀😀",
    "שלום עולם",
    "\u202eabc\u202c",
    "a\x07b",
    "\x1b[31m",
    "a\x7fb",
    "a\x85b",
    "a\u2028b",
    "a\x0bb\x0cc",
    "a\x1cb\x1d",
    "AB",
    "ABc",
    "xAB",
    "cat",
    "Cat",
    "émeu",
    "e\u0301meu",
    "a'b",
    "a\\b",
    'a\\"b',
    "a#b",
    "#ab",
    "`ab`",
    "${ab}",
    "%s%n",
    "=1+1",
    "a;b|c",
    "\ufffdab",
    "\ufdd0\ufffe",
    "\U0010fffdab",
    "a,b",
    'a"b',
    '"',
    '""',
    '"ab"',
    "thirteen chars",
]
PARTS = [
    "p",
    "P.1",
    "a_b-c",
    "x" * 100,
    "x" * 101,
    "x" * 121,
    ".a",
    "-a",
    "a/b",
    "a b",
    "a=b",
    "é",
    "..",
    "a%2Fb",
    "_a",
]
SOUP = {
    "id": [*NUMBERS, ""],
    "part": PARTS,
    "name": TEXTS,
    "code": TEXTS,
    "kind": TEXTS,
    "legs": NUMBERS,
    "price": NUMBERS,
    "big": NUMBERS,
    "born": DATES + TIMES[:3],
    "seen": TIMES + DATES,
    "weight": NUMBERS,
    "tame": BOOLEANS,
}


def rows(seed: random.Random, count: int) -> Iterator[dict[str, str]]:
    """Records of which each has one to three values from the soup; keys are few, so that some are duplicates."""
    for _ in range(count):
        row = dict.fromkeys(NAMES, "") | {"id": str(seed.randrange(10_000)), "part": seed.choice("pq")}
        for name in seed.sample(NAMES, seed.choice((1, 1, 2, 3))):
            row[name] = seed.choice(SOUP[name])
        yield row


def every_value(first: int) -> Iterator[dict[str, str]]:
    """Records that together have each value of the soup once; their ids begin after `first`."""
    number = first
    for name, values in SOUP.items():
        for value in values:
            number += 1
            yield dict.fromkeys(NAMES, "") | {"id": str(number), "part": "p"} | {name: value}


def as_csv(
    records: Iterator[dict[str, str]], delimiter: str = ",", end: str = "\n", quoting: int = csv.QUOTE_MINIMAL
) -> bytes:
    """Well-formed CSV; also where the delimiter stands in a value."""
    text = io.StringIO()
    # `quoting` is one of csv's constants, for which the stubs have a type of their own.
    writer = csv.DictWriter(text, NAMES, delimiter=delimiter, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()


def as_jsonl(seed: random.Random, records: Iterator[dict[str, str]]) -> bytes:
    """JSON Lines; numbers as numbers where JSON has them, some keys odd."""
    lines = []
    for row in records:
        members = []
        for name, value in row.items():
            if value == "" and seed.random() < 0.8:
                continue
            bare = name != "part" and value in JSON_NUMBERS and seed.random() < 0.7
            key = seed.choice([name] * 8 + [name.upper(), f" {name}\t"])
            members.append(
                f"{json.dumps(key)}:{value if bare else json.dumps(value, ensure_ascii=seed.random() < 0.5)}"
            )
        lines.append("{" + ", ".join(members) + "}")
    return "\n".join(lines).encode()


def _is_json_number(text: str) -> bool:
    try:
        json.loads(text, parse_constant=lambda _: 1 / 0)
    except (ValueError, ZeroDivisionError):
        return False
    return True


JSON_NUMBERS = frozenset(filter(_is_json_number, [*NUMBERS, "true", "false", "1", "0", "2"]))

CSV_PIECES = [
    *[b"1", b"2", b"p", b"ab", b"x y", b" ", b"\t", b","],
    *[b",", b",", b"\n", b"\n", b'"', b'"', b'""', b'"a"', b'"a,b"'],
    *[b"\r\n", b"\r", b"\x00", b"\xe9"],
    *[b"\xc3\xa9", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf0\x9f\x98\x80", b"\xef\xbb\xbf"],
    *[b"\\", b'\\"', b"'", b"#", b";", b"\n\n", b'"\n"', b"NA", b"\xe2\x80\xa8", b"\xff\xfe"],
    *[b"7,p,ok\n", b"8,q,fine\r\n", b'9,p,"quo ted"\n'],
]  # fmt: skip
JSON_PIECES = [
    *[b'{"id":1,"part":"p"}', b'{"id":2,"part":"q","name":"ab"}', b'{"id":3,"part":"p","name":null}', b"\n", b"\n"],
    *[b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b" ", b"\r\n", b"\r", b"\x00", b"\xe9", b"null", b"true", b"1"],
    *[b'"id"', b'"part"', b'"name"', b"{}", b"[]", b'{"id":"4","part":"p","name":{"a":1}}', b"\t"],
    *[b'{"id":5,"part":"p","Name":["x"]}', b'{"id":5,"ID":6,"part":"p"}'],
    *[b'{"":1}', b'{"id":7,"part":"p","\xc3\xa9":1}'],
    *[b'{"id":8,"part":"p","name":"a\\u0041"}'],
    *[b'{"id":9,"part":"p","name":"\\ud83d\\ude00ab"}', b'"\xf0\x9f\x98\x80"'],
    *[b'{"id":1e2,"part":"p"}', b'{"id":-0,"part":"p"}', b'{"id":010,"part":"p"}', b'{"id":10,"part":"p",}', b"//x"],
]  # fmt: skip


UNQUOTED_PIECES = [piece for piece in CSV_PIECES if b'"' not in piece]
CELLS = [
    *[b"1", b"2", b"3", b"p", b"q", b"ab", b""],
    *[b" ", b"x y", b" ab\t", b"NA", b"a\\", b"it's", b"\xf0\x9f\x98\x80\xc3\xa9"],
    *[b'""', b'"ab"', b'"p"', b'"4"', b'"a,b"', b'"a""b"'],
    *[b'""""', b'"a\nb"', b'"a\r\nb"', b'"\n"', b'"ab" \t', b'" p "'],
    *[b'a"b"c', b'5"6"', b' "ab"', b'\t"a","b"', b'"NA"'],
    *[b'"a\rb"', b'"a\\"', b'"\xe2\x80\xa8"', b'"a\n""\n,b"', b"a\rb"],
]  # fmt: skip


def rows_of_cells(seed: random.Random) -> bytes:
    """CSV of cells at random, well quoted; in a third of the files a quote near the end is never closed."""
    lines = [SHORT]
    for _ in range(seed.randrange(1, 25)):
        usual = [seed.choice((b"1", b"2", b"3", b"4", b'"5"', b"6", b"x")), seed.choice((b"p", b"q", b'"p"'))]
        ragged = seed.choices(CELLS, k=seed.choice((1, 2, 3, 3, 4)))
        cells = ragged if seed.random() < 0.3 else [*usual, seed.choice(CELLS)]
        lines.append(b",".join(cells) + seed.choice((b"\n", b"\n", b"\r\n", b"\n\n", b"\n\r\n")))
    if seed.random() < 1 / 3:
        lines.append(seed.choice((b'1,p,"never closed', b'1,p,5" pipe')) + b"\n2,p,ab\r\n3,p,ab")
    return b"".join(lines).removesuffix(seed.choice((b"", b"\n", b"\r\n"))).rstrip(b"\r")


def scrambled(seed: random.Random, pieces: list[bytes], head: bytes) -> bytes:
    """A file made of pieces at random. It does not end with a lone CR (see `the defects`)."""
    return (head + b"".join(seed.choices(pieces, k=seed.randrange(5, 60)))).rstrip(b"\r")


HEADERS = {
    "unquoted": b"id,part,name",
    "quoted": b'"id","part","na""me"',
    "upper": b" ID ,\tPart,NAME\t",
    "another order": b"name,part,id",
    "no optional": b"part,id",
    "bom": b"\xef\xbb\xbfid,part",
    "bom quoted": b'\xef\xbb\xbf"id","part"',
    "crlf": b"id,part,name\r",
    "duplicate": b"id,part,name,Name",
    "three times": b"id,id,part,ID",
    "unexpected": b"id,part,colour,size",
    "empty name": b"id,part,",
    "two empty names": b"id,part,,",
    "only delimiters": b",,,",
    "missing": b"id,name",
    "all wrong": b"a,b,c",
    "no header": b"1,p,ab",
    "empty": b"",
    "blank": b"   ",
    "only a bom": b"\xef\xbb\xbf",
    "other delimiter": b"id;part;name",
    "tabs": b"id\tpart\tname",
    "latin-1": b"id,part,caf\xe9",
    "utf-16": "id,part".encode("utf-16-le"),
    "nul": b"id,part,na\x00me",
    "emoji": "id,part,😀".encode(),
    "control": b"id,part,\x1b[31m",
    "dots and ticks": b"id,part,a.b,`c`,_file,_line,_raw,_corrupt",
    "sql": b"id,part,x) FROM y --",
    "html": b"<html><body>404</body></html>",
    "json": b"{'id':1,'part':'p'}",
    "pdf": b"%PDF-1.7 %\xe2\xe3\xcf\xd3",
    "wide": b",".join(b"c%d" % n for n in range(40)),
}
BELOW = b'1,p,ab\n2,q\n\n"3",p,"a\nb"\n'


def headed() -> dict[str, bytes]:
    """A file for each header: once with rows, once with the header only, once without a line end."""
    files = {f"headed/{name}.csv".replace(" ", "-"): header + b"\n" + BELOW for name, header in HEADERS.items()}
    files |= {"only/header.csv": SHORT, "only/no-end.csv": SHORT.rstrip(), "only/blank-lines.csv": SHORT + b"\n\r\n\n"}
    return files | {"only/wrong.csv": b"a,b\n", "only/one-record.csv": SHORT + b"77,p,ab"}


def parquet(*columns: tuple[str, Any], **options: Any) -> bytes:
    """A Parquet file of (name, Arrow array) pairs, whose names may repeat."""
    buffer = io.BytesIO()
    table = pa.Table.from_arrays([array for _, array in columns], names=[name for name, _ in columns])
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def text_parquet(records: Iterator[dict[str, str]]) -> bytes:
    """The same soup as strings in Parquet."""
    chosen = list(records)
    return parquet(*((name, pa.array([row[name] for row in chosen])) for name in NAMES))


Made = Callable[[random.Random], bytes]


def many(prefix: str, ending: str, count: int, make: Made) -> dict[str, bytes]:
    """Files made from a seed of their own, so that one of them can be made again alone."""
    return {f"{prefix}{n:03d}{ending}": make(random.Random(f"{prefix}{n}")) for n in range(count)}


def gzipped_in_members(content: bytes) -> bytes:
    """One gzip file of two members, as `cat a.gz b.gz` makes it."""
    half = len(content) // 2
    return gzip.compress(content[:half], mtime=0) + gzip.compress(content[half:], mtime=0)
