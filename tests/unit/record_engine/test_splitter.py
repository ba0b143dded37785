"""Where a CSV record begins and ends (docs/semantics.md, section 1.4)."""

import time

import pytest
from record_engine.csv_split import Records, Splitter

PLENTY = 1_000


def split(text: bytes, columns: int = 2, most: int = PLENTY) -> Records:
    splitter = Splitter(",", most)
    splitter.expect(columns)
    found, done, _ = splitter.split(text, 0, 1, ended=True)
    assert done == len(text), "at the end of a file nothing is left over"
    return found


def test_a_quote_inside_a_value_is_data() -> None:
    found = split(b'1,5" pipe\n2, "ab"\n3,a"b"c\n')
    assert (found.raws, found.lines, found.refused) == ([b'1,5" pipe', b'2, "ab"', b'3,a"b"c'], [1, 2, 3], [])


def test_line_breaks_and_blank_lines_in_quotes_are_data_as_they_came() -> None:
    found = split(b'1,"a\r\n\nb"\r\n\n2,"""\n"""\n')
    assert (found.raws, found.lines) == ([b'1,"a\r\n\nb"', b'2,"""\n"""'], [1, 5])


def test_after_a_closing_quote_come_blanks_or_the_record_is_malformed_up_to_its_line_end() -> None:
    found = split(b'1,"a" \t\n2,"a"b"c\n"a"b,"x\ny"\n3,ok\n')
    assert found.raws == [b'1,"a" \t', b"3,ok"]
    assert found.refused == [(2, b'2,"a"b"c', "malformed_row"), (3, b'"a"b,"x\ny"', "malformed_row")]


def test_a_quote_that_never_closes_costs_one_line() -> None:
    found = split(b'1,a\n2,"open\n3,b\n4,c\n')
    assert (found.raws, found.lines) == ([b"1,a", b"3,b", b"4,c"], [1, 3, 4])
    assert found.refused == [(2, b'2,"open', "malformed_row")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b" \n"])
@pytest.mark.parametrize(("size", "is_whole"), [(PLENTY - 1, True), (PLENTY, True), (PLENTY + 1, False)])
def test_a_record_has_as_many_bytes_as_are_allowed(size: int, is_whole: bool, end: bytes) -> None:
    blank = end.rstrip(b"\r\n")
    record = b'1,"a\n' + b"x" * (size - 6 - len(blank)) + b'"' + blank
    assert len(record) == size
    found = split(record + end.removeprefix(blank) + b"2,b\n", most=PLENTY)
    if is_whole:
        assert found.raws == [record, b"2,b"]
    else:
        assert found.refused[0] == (1, b'1,"a', "malformed_row")
        assert found.lines == [3]


@pytest.mark.parametrize("size", [PLENTY - 1, PLENTY, PLENTY + 1])
def test_a_line_that_is_too_long_is_refused_and_its_beginning_is_kept(size: int) -> None:
    line = b"1," + b"x" * (size - 2)
    found = split(line + b"\n2,b\n")
    if size > PLENTY:
        assert (found.refused, found.raws) == ([(1, line[:PLENTY], "too_long")], [b"2,b"])
    else:
        assert (found.refused, found.raws) == ([], [line, b"2,b"])


@pytest.mark.parametrize("line", [b'x"y,"z\n', b'1,"\n', b'"a""\n', b'1,"a"b,"c\n'])
def test_every_quote_is_looked_at_a_few_times_only(line: bytes) -> None:
    started = time.perf_counter()
    found = split(line * 100_000, most=16 * 1024 * 1024)
    assert len(found.refused) >= 50_000 or len(found.raws) >= 50_000
    # Two seconds on a slow machine; a look from each line to the end of the file takes hours.
    assert time.perf_counter() - started < 60


def test_a_record_that_is_not_there_yet_is_left_for_later() -> None:
    splitter = Splitter(",", PLENTY)
    splitter.expect(2)
    found, done, lines = splitter.split(b'1,a\n2,"b\n', 0, 1, ended=False)
    assert (found.raws, done, lines) == ([b"1,a"], 4, 1)
    found, done, lines = splitter.split(b'2,"b\nc"\n3', 4, 2, ended=False)
    assert (found.raws, found.lines, done, lines) == ([b'2,"b\nc"'], [2], 8, 2)
