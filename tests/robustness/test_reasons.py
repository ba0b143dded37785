"""Reasons of files that a person understands."""

import pytest

from tests.robustness import bad_files as bad
from tests.robustness.compare import MakeBench, agree

SAID = {
    b",id,part\n0,1,p\n": "unexpected_column:column 1 has no name",
    b"id,part,\n1,p,\n": "unexpected_column:column 3 has no name",
    b"id;part\n1;p\n": "unexpected_column:one column `id;part`: is `;` the delimiter?",
    b'"id"\t"part"\n1\tp\n': 'unexpected_column:one column `"id"\\t"part"`: is `\\t` the delimiter?',
    b"id|other\n1|p\n": "unexpected_column:one column `id|other`: is `|` the delimiter?",
    b"id,part\r1,p\r2,p\r": "unexpected_column:lines end in CR only; set lineEnds: any",
    b"id,part,\x1b[31m\xe2\x80\xae\n1,p,x\n": "unexpected_column:\\x1b[31m\\u202e",
}


@pytest.mark.parametrize("content", SAID, ids=SAID.values())
def test_a_header_that_does_not_fit_is_explained(bench: MakeBench, content: bytes) -> None:
    made = bench(**bad.SMALL)
    agree(made, {"a.csv": content})
    [file] = made.stage({"a.csv": content}).files
    assert file.problem == SAID[content]


OTHERS = [
    b"a;b\n1;2\n",
    b"id\n1\n",
    b"id;x,part\n1,p\n",
    b"id,na\rme\n1,p\n",
    b"x\rid,part\n1,p\n",
    b"\rid,part\n",
    b"id,part\rx\n",
]


def test_what_looks_a_bit_like_it_is_not_explained_so(bench: MakeBench) -> None:
    made = bench(**bad.SMALL)
    agree(made, {f"{number}.csv": content for number, content in enumerate(OTHERS)})
    agree(made, {"a.json": b'{"id":1,"part":"p","":1}\n{"id":1,"part":"p","\\u001b":1}\n'})


def test_a_file_whose_lines_end_in_cr_is_explained_however_long_it_is(bench: MakeBench) -> None:
    made = bench(**bad.SMALL, max_record_bytes=1024)
    agree(made, {"a.csv": b"id,part\r" + b"1,p\r" * 1_000})
