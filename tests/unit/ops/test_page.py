"""The page says every fact, and nothing that stands in a fact is more than text on it."""

import dataclasses
import itertools
import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from pipeline_core.report import FATES

from ops.page import charts, words
from ops.page.facts import Dataset, Facts, Run, newest
from ops.page.render import render
from tests.page_facts import AT, facts, many, texts
from tests.unit.ops.test_hostile_text import EVIL, unfit

VOID = {"meta", "link", "img", "br", "input"}

PAYLOADS = {
    "script": "<script>alert(1)</script>",
    "attribute": "\"><img src=x onerror=alert(1)>' onmouseover='alert(1)",
    "end of style": "</style></title></svg></details></table><script>alert(1)</script>",
    "comment": "<!-- <![CDATA[ ]]> -->",
    "template": "{{ 7 * 7 }}{% raw %}{# #}",
    "reference": "&lt;b&gt;&#60;script&#62;&amp;",
    "address": "javascript:alert(1) https://example.com/",
    "controls": "".join(EVIL),
    "letters": "übergroß 日本語 שלום العربية 🎉",
    "blanks": "a  b\n\n\tc",
}

NOT_SHOWN = {
    # What the reader sees in their place: outcome, link, freshness, sums.
    "runs[0].report",
    "runs[0].purpose",
    "datasets[0].contract.dataset",
}
"""Texts of the facts that the page may do without."""


class Page(HTMLParser):
    """What a browser makes of the page: its elements with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.style = ""
        self.feed(text)
        self.close()
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs), f"an attribute twice: {tag} {attrs}"
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.style += data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)

    @property
    def skeleton(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(attributes)) for tag, attributes in self.elements]

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page(shown: Facts, **options: Any) -> Page:
    return Page(render(shown, **options))


def test_every_text_of_the_facts_is_on_the_page() -> None:
    shown = facts()
    text = page(shown).text
    missing = {path for path, value in texts(shown).items() if value not in text and value[:19] not in text}
    of_contract = {path for path in missing if path.startswith("datasets[0].contract.")}
    assert missing - of_contract - NOT_SHOWN == set()
    columns = {path.removeprefix("datasets[0].contract.columns[0].") for path in of_contract}
    for told in ("name", "type", "minimum", "maximum", "pattern", "enum[0]", "source", "description", "written.format"):
        assert told not in columns, told
    for told in (
        "version",
        "primary_key[0]",
        "partition_by[0]",
        "quality[0].name",
        "quality[0].metric",
        "locations[0]",
    ):
        assert f"datasets[0].contract.{told}" not in of_contract, told


def test_every_number_of_the_accounting_is_on_the_page() -> None:
    run = dataclasses.replace(
        facts().runs[0],
        files=1_234_501,
        bytes=2_340_000_000,
        rows_read=1_234_502,
        rows={fate: 1_234_510 + number for number, fate in enumerate(FATES)},
        dollars=1_234.5,
        files_quarantined=1_234_503,
        reasons={"why": 1_234_504},
    )
    text = page(facts(runs=(run,))).text
    for number in (*range(1_234_501, 1_234_505), *range(1_234_510, 1_234_510 + len(FATES))):
        assert f"{number:,}" in text, number
    for said in ("2.34 GB", "$1,234.50", f"{sum(run.rows.values()):,}"):
        assert said in text, said


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_what_stands_in_a_fact_is_text_and_no_more(payload: str) -> None:
    harmless, hostile = page(facts("x")), page(facts(payload))
    assert hostile.skeleton == harmless.skeleton
    assert hostile.style == harmless.style
    assert unfit(hostile.text.replace("\t", "")) == set()
    for tag, attributes in hostile.elements:
        for name, value in attributes.items():
            if name not in ("aria-label", "content"):
                assert "alert" not in (value or ""), (tag, name)
            assert unfit(value or "") == set()
    if payload.isprintable():
        assert f"runs[0].error{payload}" in hostile.text, "and is shown as it came"


def test_what_is_longer_than_a_reader_reads_is_cut_and_says_so() -> None:
    text = render(facts("<é&" * 3_500))
    shown = Page(text).text
    assert "characters)" in shown
    assert "(10,513 characters)" in shown, "runs[0].error and 10,500 more"
    assert len(text) < 300_000
    assert "runs[0].error" + "<é&" * 50 in shown, "and its beginning is there"


def test_a_key_is_shown_whole_as_long_as_s3_lets_it_be() -> None:
    key = "flights/" + "k" * 1_016
    file = dataclasses.replace(facts().refused_files[0], key=key)
    read_file = dataclasses.replace(facts().runs[0].files_read[0], key=key)
    run = dataclasses.replace(facts().runs[0], files_read=(read_file,))
    assert page(facts(refused_files=(file,), runs=(run,))).text.count(key) == 2


@pytest.mark.parametrize("refresh", [None, 10])
def test_the_page_requests_nothing_and_runs_nothing(refresh: int | None) -> None:
    shown = page(facts(), refresh_seconds=refresh)
    assert {tag for tag, _ in shown.elements} & {"script", "img", "iframe", "object", "form", "base"} == set()
    assert [link["href"] for link in shown.all("link")] == ["data:,"]
    own = {f"#{attributes['id']}" for _, attributes in shown.elements if "id" in attributes} | {"/", "/?still"}
    assert {link["href"] for link in shown.all("a")} <= own, "every link has its place on the page"
    for tag, attributes in shown.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "src")], tag
    assert "url(" not in shown.style
    assert "@import" not in shown.style
    (policy,) = [meta["content"] for meta in shown.all("meta") if meta.get("http-equiv")]
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_the_policy_lets_the_own_style_through_as_it_is_written() -> None:
    import base64
    import hashlib

    text = render(facts())
    written = re.search(r"<style>(.*)</style>", text, re.DOTALL)
    assert written
    digest = base64.b64encode(hashlib.sha256(written[1].encode()).digest()).decode()
    assert f"sha256-{digest}" in text


def test_tables_have_headers_with_a_scope_a_caption_and_a_box_of_their_own() -> None:
    shown = page(facts())
    tags = [tag for tag, _ in shown.elements]
    assert tags.count("table") == tags.count("caption") > 6
    assert {header.get("scope") for header in shown.all("th")} == {"col", "row"}
    boxes = [box for box in shown.all("div") if box.get("class") == "scroll"]
    assert len(boxes) == tags.count("table")
    assert {(box["role"], box["tabindex"]) for box in boxes} == {("region", "0")}
    assert len({box["aria-label"] for box in boxes}) == len(boxes), "regions are told apart by their names"
    assert shown.all("html") == [{"lang": "en"}]
    ids = [attributes["id"] for _, attributes in shown.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)


def test_headings_are_in_order() -> None:
    levels = [int(tag[1]) for tag, _ in page(facts()).elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("status", ["PUBLISHED", "QUARANTINED", "FAILED", "RELEASED", "SPLIT", "ROLLED_BACK", "OPEN"])
def test_a_status_is_said_by_a_word_not_by_a_colour_alone(status: str) -> None:
    run = dataclasses.replace(facts().runs[0], status=status)
    shown = page(facts(runs=(run,)))
    word = {"OPEN": "RUNNING"}.get(status, status)
    assert word.replace("_", " ") in shown.text
    marks = [mark for mark in shown.all("rect") if (mark.get("class") or "").startswith("mark-")]
    assert [mark["class"] for mark in marks] == [f"mark-{word}"]
    assert f".mark-{word}" in shown.style, "its shape is its own"


def bare(**changes: Any) -> Facts:
    where: dict[str, Any] = dict.fromkeys(("stack", "environment", "account", "region", "endpoint", "database"), "x")
    return Facts(**{**where, "made_at": AT, **changes})


def test_a_deployment_without_data_says_so() -> None:
    text = page(bare()).text
    for said in ("Nothing found", "No dataset is deployed", "No batch was made yet", "No row was read yet"):
        assert said in text
    assert "None of the newest batches has refused a row" in text
    assert "No file is in quarantine" in text
    assert "No batch has read a file yet" in text
    assert "no promise" in page(bare(datasets=(Dataset(name="a"),))).text


TROUBLE = {
    "alarms": "is on since",
    "queues": "wait for a person in the queue",
    "refused_files": "in quarantine as a whole",
    "unread": "Could not be read",
    "runs": "failed or refused something",
    "datasets": "is late by",
}


@pytest.mark.parametrize("what", TROUBLE)
def test_trouble_comes_first_and_each_kind_is_said(what: str) -> None:
    text = render(bare(**{what: getattr(facts(), what)}))
    assert "Nothing found" not in text
    first, section, _ = text.partition('<section aria-labelledby="alarms">')
    assert section
    assert TROUBLE[what] in re.sub("<[^>]*>", "", first)


def test_what_is_well_is_no_trouble() -> None:
    quiet = facts()
    alarm = dataclasses.replace(quiet.alarms[0], state="OK")
    queue = dataclasses.replace(quiet.queues[0], waiting=0)
    dataset = dataclasses.replace(quiet.datasets[0], published_at=AT - timedelta(hours=23))
    run = dataclasses.replace(quiet.runs[0], rows={"curated": 3}, files_quarantined=0)
    shown = bare(alarms=(alarm,), queues=(queue,), datasets=(dataset,), runs=(run,))
    assert shown.is_quiet
    assert "Nothing found" in page(shown).text


@pytest.mark.parametrize(("hours", "late"), [(23.9, False), (24, False), (24.1, True)])
def test_a_dataset_is_late_when_more_time_is_over_than_it_promises(hours: float, late: bool) -> None:
    dataset = dataclasses.replace(facts().datasets[0], watched_since=None, published_at=AT - timedelta(hours=hours))
    assert dataset.is_late(AT) is late


def test_a_dataset_that_was_never_published_is_late_by_when_its_promise_is_watched() -> None:
    never = dataclasses.replace(facts().datasets[0], published_at=None)
    assert not dataclasses.replace(never, watched_since=None).is_late(AT)
    assert not dataclasses.replace(never, watched_since=AT - timedelta(hours=23)).is_late(AT)
    assert dataclasses.replace(never, watched_since=AT - timedelta(hours=25)).is_late(AT)


def test_two_hundred_datasets_make_a_page_that_has_them_all() -> None:
    text = render(many(facts(), 200))
    shown = Page(text)
    assert {f"dataset_{number:03d}" for number in range(200)} <= set(shown.text.replace("\n", " ").split())
    assert len(text) < 2_000_000


def runs(*minutes: float, **changes: Any) -> list[Run]:
    base = dataclasses.replace(facts().runs[0], finished_at=None, status="PUBLISHED", **changes)
    begin = [AT - timedelta(minutes=each) for each in minutes]
    return [dataclasses.replace(base, created_at=at, finished_at=at + timedelta(minutes=10)) for at in begin]


def test_a_mark_of_the_timeline_lies_where_its_time_does() -> None:
    found = charts.timeline(runs(100, 50, 10), AT)
    assert found is not None
    (lane,) = found.lanes
    assert [(round(mark.x), round(mark.width)) for mark in lane.marks] == [(0, 10), (50, 10), (90, 10)]
    assert found.ticks == (AT - timedelta(minutes=100), AT - timedelta(minutes=50), AT)


def test_marks_stay_on_the_timeline_and_can_be_seen() -> None:
    week = 7 * 24 * 60
    late = [dataclasses.replace(run, finished_at=run.created_at) for run in runs(0, week, week + 1)]
    running = dataclasses.replace(runs(2 * week)[0], status="STARTED", finished_at=None)
    found = charts.timeline([*late, running], AT)
    assert found is not None
    marks = [mark for lane in found.lanes for mark in lane.marks]
    assert len(marks) == 3, "one is older than a week, and has ended"
    assert found.left_out == 1
    assert all(mark.x >= 0 and mark.width >= charts.NARROWEST and mark.x + mark.width <= 100.001 for mark in marks)
    assert charts.timeline([], AT) is None


@pytest.mark.parametrize("counts", [{"a": 1, "b": 0, "c": 3}, {"a": 0}, {}])
def test_a_bar_is_as_long_as_its_parts_which_lie_side_by_side(counts: dict[str, int]) -> None:
    parts = charts.bar(counts)
    assert [part.name for part in parts] == [name for name, number in counts.items() if number]
    assert sum(part.width for part in parts) == (100 if parts else 0)
    assert [part.x for part in parts] == [sum(part.width for part in parts[:place]) for place in range(len(parts))]


def test_the_newest_runs_are_shown_the_newest_first() -> None:
    found = runs(3, 1, 2)
    assert newest(found, 2) == ((found[1], found[2]), True)
    assert newest(found, 3) == ((found[1], found[2], found[0]), False)


def test_a_run_that_is_under_way_is_shown_however_old_it_is() -> None:
    old = dataclasses.replace(runs(90)[0], status="STARTED", finished_at=None)
    found = runs(3, 1, 2)
    assert newest([old, *found], 1) == ((found[1], old), True)
    assert newest([old, found[0]], 1) == ((found[0], old), False)


def test_the_mark_of_a_run_that_is_under_way_reaches_until_now() -> None:
    running = dataclasses.replace(runs(50)[0], status="STARTED", finished_at=None)
    found = charts.timeline([*runs(100), running], AT)
    assert found is not None
    (lane,) = found.lanes
    assert [(round(mark.x), round(mark.x + mark.width)) for mark in lane.marks] == [(0, 10), (50, 100)]


def test_a_reason_has_the_rows_of_all_its_batches_and_a_few_examples() -> None:
    run = facts().runs[0]
    example = dataclasses.replace(run.examples[0], reasons=("a", "b"))
    one = dataclasses.replace(run, reasons={"a": 2, "b": 7}, examples=(example,) * 5)
    other = dataclasses.replace(run, reasons={"a": 6}, examples=())
    found = facts(runs=(one, other)).reasons()
    assert [(reason.reason, reason.rows, len(reason.examples)) for reason in found] == [("a", 8, 3), ("b", 7, 3)]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-1, "0 s"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (3_661, "1 h 1 min"), (86_400, "1 d"), (90_000, "1 d 1 h")],
)
def test_a_duration_is_said_in_its_two_largest_units(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 B"), (999, "999 B"), (1_000, "1 kB"), (1_234_567, "1.23 MB"), (5e15, "5,000 TB")]
)
def test_a_size_is_said_in_powers_of_a_thousand(number: int, said: str) -> None:
    assert words.size(number) == said.replace("5,000", "5e+03") or words.size(number) == said


@pytest.mark.parametrize(
    ("dollars", "said"), [(None, "none"), (0.00098, "$0.00098"), (1, "$1.00"), (1_234.5, "$1,234.50")]
)
def test_cents_have_their_parts(dollars: float | None, said: str) -> None:
    assert words.dollars(dollars) == said
