"""What is not for a screen is shown as Python would write it; everything else stays."""

import json
from datetime import date

import pytest
from pipeline_core.plain_text import LAYOUT, json_line, log_line, printable


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain, é and 漢字", "plain, é and 漢字"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\tb\nc", "a\\tb\\nc"),
        ("\x00\x1f\x7f\x9f", "\\x00\\x1f\\x7f\\x9f"),
        (" ~\xa0", " ~\xa0"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
        ("\ud800", "\\ud800"),
        ("\ufeff", "\\ufeff"),
        (7, "7"),
    ],
)
def test_a_text_is_printable(text: object, seen: str) -> None:
    assert printable(text) == seen


def test_what_lays_a_text_out_is_kept_where_that_is_asked_and_nothing_else() -> None:
    assert printable("a\tb\nc\r\x1b", LAYOUT) == "a\tb\nc\\r\\x1b"


@pytest.mark.parametrize("write", [json_line, log_line])
def test_json_stays_the_same_value_on_one_line(write: object) -> None:
    value = {"key": "a\u2028b\u202ec\x9bd", "number": 1}
    written = write(value)  # type: ignore[operator]  # either of two functions
    assert json.loads(written) == value
    assert printable(written) == written


def test_a_line_of_a_log_has_letters_as_they_are_and_what_json_has_no_word_for_as_text() -> None:
    assert log_line({"name": "é注", "at": date(2026, 11, 1)}) == '{"name":"é注","at":"2026-11-01"}'
    assert json_line({"name": "é", "n": 1}) == '{"name": "\\u00e9", "n": 1}'
