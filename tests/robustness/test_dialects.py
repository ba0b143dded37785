"""Files as a contract says that they are written: dialects, encodings and packings."""

import bz2
import gzip
import io
import itertools
import random
import zipfile
from typing import Any

import pyarrow as pa
import pytest
from record_engine import Limits

from tests.robustness import bad_files as bad
from tests.robustness.compare import MakeBench, agree
from tests.robustness.oracle import judge

DIALECTS: dict[str, dict[str, Any]] = {
    "no quotes": {"quote": ""},
    "single quotes": {"quote": "'"},
    "escapes in quotes": {"escape": "\\"},
    "escapes and no quotes": {"quote": "", "escape": "\\"},
    "no header": {"header": False},
    "lines to skip": {"skip_lines": 2},
    "comments": {"comment": "#"},
    "comments of two characters and no header": {"comment": "1,", "header": False},
    "any line end": {"line_ends": "any"},
    "blanks kept": {"trim": False},
    "Windows-1252": {"encoding": "cp1252"},
    "UTF-16": {"encoding": "utf-16"},
}
PIECES = [
    *bad.CSV_PIECES,
    b"\\",
    b"\\",
    b'\\"',
    b"\\\\",
    b"\\N",
    b"\\n",
    b"\\\n",
    b"\\\r\n",
    b"'",
    b"#",
    b"\r",
    b",",
    b"1,p,",
]


def written(dialect: dict[str, Any], delimiter: str, seed: random.Random) -> bytes:
    head = b"" if dialect.get("header") is False else bad.SHORT
    if seed.random() < 0.3:
        head = seed.choice((b"#a comment\n", b"\n", b"x,y\n", b"\xef\xbb\xbf")) + head
    head = b"\n" * seed.randrange(dialect.get("skip_lines", 0) + 1) + head
    text = bad.scrambled(seed, PIECES, head).replace(b",", delimiter.encode())
    if dialect.get("encoding") == "utf-16" and seed.random() < 0.8:
        return text.decode("latin-1").encode("utf-16") + seed.choice((b"", b"", b"x", b"\0\xd8"))
    return text


SIZES, DELIMITERS = (1, 3, 10_000), (",", "||", "\x01")
# All three together are the record engine's alone; Spark, which hands them on to it, gets each pair of them.
READ = [("engine", *case) for case in itertools.product(DIALECTS, DELIMITERS, SIZES)] + [
    ("spark", name, delimiter, SIZES[(place + at) % 3])
    for place, name in enumerate(DIALECTS)
    for at, delimiter in enumerate(DELIMITERS)
]


@pytest.mark.parametrize(("carrier_within", "name", "delimiter", "size"), READ, indirect=["carrier_within"])
def test_files_are_read_as_their_dialect_says(bench: MakeBench, name: str, delimiter: str, size: int) -> None:
    dialect = DIALECTS[name]
    made = bench(**bad.SMALL, delimiter=delimiter, dialect=dialect, limits=Limits(block_bytes=size, read_bytes=size))
    agree(made, bad.many("a/", ".csv", 40, lambda seed: written(dialect, delimiter, seed)))


@pytest.mark.parametrize("most", [13, 14, 15, 30])
@pytest.mark.parametrize("name", ["escapes in quotes", "escapes and no quotes", "no quotes", "comments"])
def test_a_record_of_any_dialect_has_so_many_bytes_and_no_more(bench: MakeBench, name: str, most: int) -> None:
    dialect = DIALECTS[name]
    made = bench(**bad.SMALL, dialect=dialect, max_record_bytes=most, limits=Limits(block_bytes=7, read_bytes=7))
    agree(made, bad.many("a/", ".csv", 40, lambda seed: written(dialect, ",", seed)))


def zipped(**members: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def zstd(content: bytes) -> bytes:
    return bytes(pa.compress(content, codec="zstd", asbytes=True))


ROWS = bad.SHORT + b"".join(b"%d,p,ab\n" % n for n in range(3_000))
LINES = b"".join(b'{"id":%d,"part":"p"}\n' % n for n in range(5_000, 5_010))
PARQUET = bad.parquet(("id", pa.array(range(9_000, 9_010))), ("part", pa.array(["p"] * 10)))
NOISE = random.Random(1).randbytes(5_000)
NAMED = {
    "gzip.csv": gzip.compress(ROWS),
    "plain.csv.gz": ROWS,
    "bzip2.csv.bz2": bz2.compress(ROWS),
    "zstd.csv.zst": zstd(ROWS),
    "zip.zip": zipped(**{"folder/a.csv": ROWS, "__MACOSX/._a.csv": b"x"}),
    "part-00000": ROWS,
    "part-00001.txt": LINES,
    "firehose": gzip.compress(LINES),
    "a.json": LINES,
    "a.ndjson": LINES,
    "a.tsv": ROWS,
    "lines.csv": LINES,
    "array.json": b"[\n" + LINES,
    "a.parq": PARQUET,
    "part-2": PARQUET,
    "parquet.csv": PARQUET,
    "rows.parquet": ROWS,
    "utf16.csv": ROWS.decode().encode("utf-16"),
    "utf32.txt": ROWS.decode().encode("utf-32"),
    "empty.csv.gz": gzip.compress(b""),
    "empty.zst": zstd(b""),
}
DAMAGED = {
    "members.csv": gzip.compress(ROWS) + gzip.compress(b"7001,p,ab\n"),
    "members.bz2": bz2.compress(ROWS) + bz2.compress(b"7002,p,ab\n"),
    "members.zst": zstd(ROWS) + zstd(b"7003,p,ab\n"),
    "cut.gz": gzip.compress(ROWS)[:-20],
    "cut.bz2": bz2.compress(ROWS)[:-20],
    "cut.zst": zstd(ROWS)[:-20],
    "cut.zip": zipped(a=ROWS)[:-30],
    "behind.bz2": bz2.compress(ROWS) + b"garbage",
    "behind.zst": zstd(ROWS) + b"garbage",
    "bomb.csv": gzip.compress(b"0" * 3_000_000),
    "bomb.bz2": bz2.compress(b"0" * 3_000_000),
    "bomb.zst": zstd(b"0" * 3_000_000),
    "bomb.zip": zipped(a=b"0" * 3_000_000),
    "two.zip": zipped(a=ROWS, b=ROWS),
    "none.zip": zipped(),
    "twice.gz": gzip.compress(bz2.compress(ROWS)),
    "inside.parquet.gz": gzip.compress(PARQUET),
    "noise.csv": b"#" + NOISE,
    "noise.parquet": b"#" + NOISE,
    "noise": b"#" + NOISE,
}


@pytest.mark.parametrize("size", [1_000, 4 * 1024**2])
@pytest.mark.parametrize("files", [NAMED, DAMAGED], ids=["named", "damaged"])
def test_names_are_hints_and_contents_decide(bench: MakeBench, files: dict[str, bytes], size: int) -> None:
    agree(bench(**bad.SMALL, limits=Limits(read_bytes=size, block_bytes=size)), files)


@pytest.mark.parametrize("formats", [["csv"], ["jsonl"], ["parquet"], ["jsonl", "csv"]])
def test_a_file_of_a_format_that_is_not_the_contracts_is_refused_as_a_whole(
    bench: MakeBench, formats: list[str]
) -> None:
    agree(bench(**bad.SMALL, formats=formats), NAMED)


COLUMNS = [
    {"name": "id", "type": "int", "required": True},
    {"name": "part", "type": "string", "required": True},
    {"name": "name", "type": "string", "null_tokens": ["-", " ab "]},
]
BLANKS = b'id,part,name\n 1 ,p, ab \n2,p,"ab" \n3,p,\tcd\n4,p,-\n5,p,\n6,p,NA\n7,p,ef \n'


@pytest.mark.parametrize(
    ("trim", "names"),
    [(True, ["ab", "ab", "cd", None, "", "NA", "ef"]), (False, [None, "ab", "\tcd", None, "", "NA", "ef "])],
)
def test_blanks_of_texts_are_kept_where_asked_and_a_column_has_nulls_of_its_own(
    bench: MakeBench, trim: bool, names: list[str | None]
) -> None:
    made = bench(columns=COLUMNS, primary_key=["id"], partition_by=[], null_tokens=["NA"], dialect={"trim": trim})
    agree(made, {"a.csv": BLANKS})
    rows = made.stage({"a.csv": BLANKS})
    assert rows.counts.rows_read == 7
    assert [judge({"a.csv": BLANKS}, made.contract)["a.csv"].curated[at].values["name"] for at in range(7)] == names


PRODUCERS: dict[str, tuple[dict[str, Any], bytes, list[str | None]]] = {
    "Spark's writer": (
        {"dialect": {"escape": "\\"}},
        b'id,part\n1,"a \\"b\\""\n2,"C:\\\\d\\\\"\n3,"5\\""\n',
        ['a "b"', "C:\\d\\", '5"'],
    ),
    "no quotes, as of mysql --batch": (
        {"delimiter": "\t", "dialect": {"quote": ""}, "null_tokens": ["\\N"]},
        b'id\tpart\n1\t\\N\n2\t"open\n3\tshut"\n',
        [None, '"open', 'shut"'],
    ),
    "the index of pandas": ({"ignored_columns": [""]}, b",id,part\n0,1,a\n1,2,b\n", ["a", "b"]),
}


@pytest.mark.parametrize("producer", PRODUCERS)
def test_what_a_producer_meant_is_read_by_a_setting(bench: MakeBench, producer: str) -> None:
    settings, content, values = PRODUCERS[producer]
    columns = [{"name": "id", "type": "int", "required": True}, {"name": "part", "type": "string"}]
    made = bench(columns=columns, primary_key=["id"], partition_by=[], **settings)
    agree(made, {"a.csv": content})
    outcome = judge({"a.csv": content}, made.contract)["a.csv"]
    assert not outcome.quarantined
    assert [record.values["part"] for record in outcome.curated] == values
