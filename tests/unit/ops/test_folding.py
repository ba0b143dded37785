"""On a terminal what a command says is folded between words; elsewhere a thing is a line, however long it is."""

import io

import pytest

from plain_console import PlainConsole, print_line

WIDTH = 20


def printed(text: str, *, terminal: bool) -> list[str]:
    out = io.StringIO()
    console = PlainConsole(file=out, width=WIDTH, markup=False, force_terminal=terminal, color_system=None)
    print_line(console, text)
    return out.getvalue().removesuffix("\n").split("\n")


def test_a_line_that_fits_a_terminal_is_as_it_is() -> None:
    text = "  a " + "b" * (WIDTH - 4)
    assert len(text) == WIDTH
    assert printed(text, terminal=True) == [text]


def test_a_line_that_is_longer_by_one_goes_on_four_columns_further_in() -> None:
    assert printed("  a " + "b" * (WIDTH - 3), terminal=True) == ["  a", f"      {'b' * (WIDTH - 3)}"]
    assert printed("one two three four five", terminal=True) == ["one two three four", "    five"]


def test_no_word_is_broken_so_that_an_id_or_a_path_can_be_copied() -> None:
    word = "flights-20261127T090000Z-000007/a-b.csv"
    assert [line.strip() for line in printed(f"see {word} now", terminal=True)] == ["see", word, "now"]


def test_lines_of_a_text_stay_lines_and_an_empty_one_stays_too() -> None:
    for terminal in (True, False):
        assert printed("one\n\ntwo", terminal=terminal) == ["one", "", "two"]


@pytest.mark.parametrize("text", ["word " * 40, "[red]not markup[/red] " * 3])
def test_where_no_terminal_is_a_thing_is_a_line(text: str) -> None:
    assert printed(text, terminal=False) == [text]
