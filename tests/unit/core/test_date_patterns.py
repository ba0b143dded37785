"""Formats of dates and timestamps, as section 11.1 of docs/semantics.md has them."""

from datetime import datetime, timedelta

import pytest
from pipeline_core.date_patterns import FormatError, date_pattern


def read(pattern: str, text: str, kind: str = "timestamp") -> tuple[str, timedelta | None] | None:
    found = date_pattern(pattern, kind).read(text)
    return None if found is None else (found[0].isoformat(sep=" "), found[1])


@pytest.mark.parametrize(
    ("pattern", "text", "local"),
    [
        ("yyyy-MM-dd", "2013-01-31", "2013-01-31 00:00:00"),
        ("uuuu-LL-dd", "0001-12-01", "0001-12-01 00:00:00"),
        ("yyyy-MM-dd", "2013-1-31", None),
        ("yyyy-MM-dd", "2013-01-31 ", None),
        ("yyyy-MM-dd", "13-01-31", None),
        ("yyyy-MM-dd", "0000-01-31", None),
        ("yyyy-MM-dd", "2023-02-29", None),
        ("yyyy-MM-dd", "2013-13-01", None),
        ("yyyy-MM-dd", "2013-00-01", None),
        ("yyyy-MM-dd", "\uff12\uff10\uff11\uff13-01-31", None),
        ("d.M.yy", "5.1.13", "2013-01-05 00:00:00"),
        ("d.M.yy", "05.12.99", "2099-12-05 00:00:00"),
        ("dd.MM.yy", "31.01.00", "2000-01-31 00:00:00"),
        ("d.M.yy", "5.1.2013", None),
        ("yyyyMMdd", "20130131", "2013-01-31 00:00:00"),
        ("dd MMM yyyy", "05 Jan 2013", "2013-01-05 00:00:00"),
        ("dd MMM yyyy", "05 SEP 2013", "2013-09-05 00:00:00"),
        ("dd LLL yyyy", "05 may 2013", "2013-05-05 00:00:00"),
        ("dd MMM yyyy", "05 June 2013", None),
        # A long s, which is an s in another case to what knows all letters.
        ("dd MMM yyyy", "05 \u017fep 2013", None),
        ("dd MMM yyyy", "05 01 2013", None),
        ("d MMMM yyyy", "5 January 2013", "2013-01-05 00:00:00"),
        ("d MMMM yyyy", "5 june 2013", "2013-06-05 00:00:00"),
        ("d MMMM yyyy", "5 July 2013", "2013-07-05 00:00:00"),
        ("d MMMM yyyy", "5 Jan 2013", None),
        ("d MMMM yyyy", "31 November 2013", None),
        ("E dd/MM/yyyy", "Thu 31/01/2013", "2013-01-31 00:00:00"),
        ("EEE dd/MM/yyyy", "thu 31/01/2013", "2013-01-31 00:00:00"),
        ("EEEE dd/MM/yyyy", "THURSDAY 31/01/2013", "2013-01-31 00:00:00"),
        ("E dd/MM/yyyy", "Tue 31/01/2013", None),
        ("EEEE dd/MM/yyyy", "Friday 31/01/2013", None),
        ("E dd/MM/yyyy", "Thursday 31/01/2013", None),
        ("EEEE dd/MM/yyyy", "Thu 31/01/2013", None),
    ],
)
def test_a_day_is_read_only_as_its_format_writes_it_and_where_it_exists(
    pattern: str, text: str, local: str | None
) -> None:
    for kind in ("date", "timestamp"):
        assert read(pattern, text, kind) == (None if local is None else (local, None))


@pytest.mark.parametrize(
    ("pattern", "text", "time"),
    [
        ("HH:mm:ss", "09:05:07", "09:05:07"),
        ("H:m:s", "9:5:7", "09:05:07"),
        ("H:m:s", "09:05:07", "09:05:07"),
        ("HH:mm:ss", "9:05:07", None),
        ("HH:mm:ss", "00:00:00", "00:00:00"),
        ("HH:mm:ss", "23:59:59", "23:59:59"),
        ("HH:mm:ss", "24:00:00", None),
        ("HH:mm:ss", "23:60:00", None),
        ("HH:mm:ss", "23:59:60", None),
        ("HH", "23", "23:00:00"),
        ("HHmm", "2359", "23:59:00"),
        ("HH:mm[:ss]", "23:59", "23:59:00"),
        ("HH:mm[:ss]", "23:59:58", "23:59:58"),
        ("HH:mm[:ss]", "23:59:", None),
        ("HH[:mm[:ss]]", "23", "23:00:00"),
        ("HH[:mm[:ss]]", "23:59", "23:59:00"),
        ("HH[:mm[:ss]]", "23:59:58", "23:59:58"),
        ("h:mm a", "12:05 AM", "00:05:00"),
        ("h:mm a", "1:05 am", "01:05:00"),
        ("h:mm a", "11:05 AM", "11:05:00"),
        ("h:mm a", "12:05 PM", "12:05:00"),
        ("hh:mm a", "01:05 pm", "13:05:00"),
        ("h:mm a", "11:05 Pm", "23:05:00"),
        ("h:mm a", "0:05 AM", None),
        ("h:mm a", "13:05 PM", None),
        ("h:mm a", "1:05", None),
        ("h:mm a", "1:05 XM", None),
        ("h:mm[ a]", "1:05", None),
        ("h:mm[ a]", "1:05 PM", "13:05:00"),
        ("HH:mm:ss.S", "01:02:03.4", "01:02:03.400000"),
        ("HH:mm:ss.SSS", "01:02:03.004", "01:02:03.004000"),
        ("HH:mm:ss.SSSSSS", "01:02:03.456789", "01:02:03.456789"),
        ("HH:mm:ss.SSSSSSSSS", "01:02:03.456789000", "01:02:03.456789"),
        ("HH:mm:ss.SSSSSSSSS", "01:02:03.456789001", None),
        ("HH:mm:ss.SSSSSSS", "01:02:03.4567891", None),
        ("HH:mm:ss.SSS", "01:02:03.04", None),
        ("HH:mm:ss.SSS", "01:02:03.0004", None),
        ("HH:mm:ss[.SSS]", "01:02:03", "01:02:03"),
    ],
)
def test_a_time_is_read_only_as_its_format_writes_it_and_what_is_not_there_is_zero(
    pattern: str, text: str, time: str | None
) -> None:
    found = read(f"yyyy-MM-dd {pattern}", f"2013-01-31 {text}")
    assert found == (None if time is None else (f"2013-01-31 {time}", None))


@pytest.mark.parametrize("letters", ["X", "XX", "XXX", "x", "xxx", "Z", "ZZ", "ZZZ", "'Z'"])
@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("Z", 0),
        ("+00", 0),
        ("-00:00", 0),
        ("+02", 120),
        ("-05", -300),
        ("+0530", 330),
        ("+05:30", 330),
        ("-0530", -330),
        ("+00:59", 59),
        ("+18:00", 1080),
        ("-18:00", -1080),
        ("+18:01", "no"),
        ("-18:01", "no"),
        ("+19", "no"),
        ("+02:60", "no"),
        ("+2", "no"),
        ("+02:3", "no"),
        ("02", "no"),
        ("z", "no"),
        ("", "no"),
    ],
)
def test_an_offset_is_read_in_any_of_its_forms(letters: str, text: str, minutes: int | str) -> None:
    found = read(f"yyyy-MM-dd HH:mm{letters}", f"2013-01-31 12:00{text}")
    expected = ("2013-01-31 12:00:00", timedelta(minutes=minutes)) if isinstance(minutes, int) else None
    assert found == expected


@pytest.mark.parametrize(("text", "is_read"), [("UTC", True), ("GMT", True), ("Z", True), ("CET", False), ("", False)])
@pytest.mark.parametrize("letters", ["z", "zzz"])
def test_a_zone_is_utc_by_one_of_its_names(letters: str, text: str, is_read: bool) -> None:
    found = read(f"yyyy-MM-dd HH:mm {letters}", f"2013-01-31 12:00 {text}")
    assert found == (("2013-01-31 12:00:00", timedelta()) if is_read else None)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyy-MM-dd'T'HH", "2013-01-31T07"),
        ("yyyy-MM-ddTHH", "2013-01-31T07"),
        ("yyyy-MM-dd''HH", "2013-01-31'07"),
        ("yyyy-MM-dd 'o''clock' HH", "2013-01-31 o'clock 07"),
        ("'on' yyyy-MM-dd 'at' HH", "on 2013-01-31 at 07"),
        ("yyyy.MM.dd+HH?", "2013.01.31+07?"),
        ("yyyy|MM(dd)HH", "2013|01(31)07"),
        ("yyyyMMdd'-9-'HH", "20130131-9-07"),
        ("yyyy-MM-dd'T'HHX'Z'", "2013-01-31T07ZZ"),
    ],
)
def test_what_is_no_letter_and_what_is_quoted_stands_for_itself(pattern: str, text: str) -> None:
    found = date_pattern(pattern, "timestamp").read(text)
    assert found is not None
    assert found[0] == datetime(2013, 1, 31, 7)  # noqa: DTZ001  local, by definition
    for place, letter in enumerate(text):
        if not letter.isdigit():
            assert date_pattern(pattern, "timestamp").read(f"{text[:place]}_{text[place + 1 :]}") is None


ALLOWED = (
    "allowed: yyyy or yy, M MM MMM MMMM, d dd, H HH, or h hh with a, m mm, s ss, S to SSSSSSSSS, E EEEE, X x Z (an "
    "offset), z (UTC), 'text' in quotes, [what may lack]; or epoch_days, epoch_seconds, epoch_milliseconds, "
    "epoch_microseconds"
)
BESIDE = "a number of one or two digits stands right beside another: which digit is whose?"


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("yyyy-MM-dd'", f"a quote is not closed; {ALLOWED}"),
        ("yyyy-MM-DD", f"'DD' is not read; {ALLOWED}"),
        ("yyy-MM-dd", f"'yyy' is not read; {ALLOWED}"),
        ("yyyy-MM-ddTT", f"'TT' is not read; {ALLOWED}"),
        ("yyyy-MM-dd tHH", f"'t' is not read; {ALLOWED}"),
        ("yyyy-MM-dd]", f"']' closes nothing; {ALLOWED}"),
        ("yyyy-MM-dd[ HH", f"'[' is not closed; {ALLOWED}"),
        ("yyyy-MM-dd{", f"'{{' stands for nothing; {ALLOWED}"),
        ("yyyy-MM-dd}", f"'}}' stands for nothing; {ALLOWED}"),
        ("yyyy-MM-dd#", f"'#' stands for nothing; {ALLOWED}"),
        ("yyyy-MM-dd dd", "the day is there twice"),
        ("yy-MM-dd yy", "the short year is there twice"),
        ("MM-dd", "the year (yyyy) lacks: a timestamp has one, outside of [ ]"),
        ("yyyy-dd", "the month (MM; mm is the minute) lacks: a timestamp has one, outside of [ ]"),
        ("yyyy-MM", "the day (dd) lacks: a timestamp has one, outside of [ ]"),
        ("yyyy-MM[-dd]", "the day (dd) may lack: a timestamp has one, outside of [ ]"),
        ("[yyyy-]MM-dd", "the year (yyyy) may lack: a timestamp has one, outside of [ ]"),
        ("yyyy yy-MM-dd", "the year (yyyy) is there twice: a timestamp has one, outside of [ ]"),
        ("yyyy-MM-dd MMM", "the month (MM; mm is the minute) is there twice: a timestamp has one, outside of [ ]"),
        ("yyyy-MM-dd HH:mm.S", f"no second (ss); {ALLOWED}"),
        ("yyyy-MM-dd HH ss", f"no minute (mm); {ALLOWED}"),
        ("yyyy-MM-dd mm", f"no hour (HH); {ALLOWED}"),
        ("yyyy-MM-dd hh:mm", f"no AM or PM (a) for the hour of 12 (h); {ALLOWED}"),
        ("yyyy-MM-dd HH:mm a", f"no hour of 12 (h) for AM or PM (a); {ALLOWED}"),
        ("yyyy-MM-dd HH hh a", f"the hour, or the offset, is there twice; {ALLOWED}"),
        ("yyyy-MM-dd HH X z", f"the hour, or the offset, is there twice; {ALLOWED}"),
        # A number of one or two digits, before or behind another, or behind what may lack.
        ("yyyyM-dd", BESIDE),
        ("yyyy-Mdd", BESIDE),
        ("yyyy-MMd", BESIDE),
        ("yyyy-M-d[ ]H", BESIDE),
        ("yyyy-MM-d[ a]HH hh", BESIDE),
        ("yyyy'-1'M-dd", BESIDE),
    ],
)
def test_a_format_that_says_too_little_or_two_things_is_refused_with_what_is_allowed(pattern: str, says: str) -> None:
    with pytest.raises(FormatError) as caught:
        date_pattern(pattern, "timestamp")
    assert str(caught.value) == says


@pytest.mark.parametrize("pattern", ["yyyyMMdd", "yyyy-MM-dd'1'HH", "d M yyyy H", "yyyy-MM-d[ HH]", "dd'-1-'M-yyyy"])
def test_numbers_that_can_be_told_apart_may_stand_beside_others(pattern: str) -> None:
    date_pattern(pattern, "timestamp")


@pytest.mark.parametrize("part", ["X", "'Z'", "z"])
def test_a_date_has_no_offset_and_names_its_kind(part: str) -> None:
    with pytest.raises(FormatError, match=r"^a date has no offset; make the column a timestamp$"):
        date_pattern(f"yyyy-MM-dd{part}", "date")
    with pytest.raises(FormatError, match=r"lacks: a date has one"):
        date_pattern("yyyy-MM", "date")
