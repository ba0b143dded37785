"""The page in a browser: it requests nothing, runs nothing, overflows nowhere, and everybody can read it."""

import dataclasses
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from pipeline_core.report import FATES

from ops.alarms import Alarm
from ops.page.facts import About, Example, Facts, Run
from ops.page.render import render
from ops.page.serve import Pages, Server
from tests.browser.conftest import Open
from tests.page_facts import AT, facts, many
from tests.unit.ops.test_page import PAYLOADS, bare

PICTURES = Path(__file__).parents[2] / "docs" / "images"
WIDTHS = (360, 1_440)
DATASETS = ("orders", "customers", "returns")

LONG = "x" * 10_000
SHOWN = {
    "nothing": bare(),
    "one of everything": facts(" as it may be called"),
    "hostile": facts("".join(PAYLOADS.values())),
    "long": facts(LONG),
    "many datasets": many(facts(), 200),
}


def shop() -> Facts:
    """A deployment as it may be, for the pictures and the eye."""
    base = facts()
    rows = {
        "orders": {"curated": 118_204, "updated": 2_310, "unchanged": 903, "superseded": 41, "quarantined": 512},
        "customers": {"curated": 4_120, "duplicate": 77},
        "returns": {"curated": 80, "quarantined": 9},
    }
    runs: list[Run] = []
    for number in range(18):
        dataset = DATASETS[number % 3]
        status = {5: "FAILED", 11: "QUARANTINED", 0: "STARTED"}.get(number, "PUBLISHED")
        begun = AT - timedelta(minutes=7 * number + 3)
        read = {fate: rows[dataset].get(fate, 0) // (1 + number // 3) for fate in FATES}
        is_read = status in ("PUBLISHED", "QUARANTINED")
        runs.append(
            dataclasses.replace(
                base.runs[0],
                batch_id=f"{dataset}-{begun:%Y%m%dT%H%M%SZ}-{60 - number:06d}",
                dataset=dataset,
                status=status,
                created_at=begun,
                finished_at=None if status == "STARTED" else begun + timedelta(seconds=95 + 20 * (number % 4)),
                purpose="",
                contract_version="1.2.0",
                engine="stage",
                rows=read if is_read else {},
                rows_read=sum(read.values()) if is_read else 0,
                files=2,
                bytes=sum(read.values()) * 90,
                files_quarantined=0,
                dollars=0.00098 if is_read else None,
                violations=("invalid rows stay rare: invalidValues is 7.1 percent",) if status == "QUARANTINED" else (),
                error="ReconciliationError: 3 rows are unaccounted for" if status == "FAILED" else "",
                snapshot="6049301744721370" if status == "PUBLISHED" else "",
                partitions=("day=2026-11-27",),
                reasons={"required:customer_id": 400, "maximum:quantity": 112} if number == 3 else {},
                examples=(
                    (
                        Example(
                            source=f"{dataset}/2026/11/27.csv?versionId=3HL4kqtJ",
                            line=1_204,
                            record="A-1204,,2026-11-27,3",
                            reasons=("required:customer_id",),
                        ),
                    )
                    if number == 3
                    else ()
                ),
                files_read=(
                    dataclasses.replace(
                        base.runs[0].files_read[0],
                        key=f"{dataset}/2026/11/27.csv",
                        version="3HL4kqtJ",
                        landed_at=begun.isoformat(),
                        size=90 * sum(read.values()),
                        rows_read=sum(read.values()),
                        rows_in_table=read["curated"],
                        rows_quarantined=read["quarantined"],
                        problem="",
                    ),
                ),
            )
        )
    datasets = tuple(
        dataclasses.replace(
            base.datasets[0],
            name=name,
            about=About(purpose=f"The {name} of the shop.", domain="sales", team=("shop data", "Ada (owner)")),
            published_at=AT - timedelta(hours=30 if name == "returns" else 1),
            is_reported_late=name == "returns",
            running=(runs[0].batch_id,) if name == "orders" else (),
            pending=2 if name == "orders" else 0,
            has_more_pending=False,
        )
        for name in DATASETS
    )
    alarm = Alarm(
        name="data-pipeline-prod-not-fresh",
        state="ALARM",
        since=AT - timedelta(minutes=20),
        description="A dataset was not published in the time that its contract promises. "
        "What to do: docs/runbook.md#not-fresh",
    )
    well = [
        Alarm(name=f"data-pipeline-prod-{name}", state="OK", description=f"What {name} means.")
        for name in ("batch-incident", "files-rejected", "latency-missed")
    ]
    return bare(
        stack="prod",
        environment="prod",
        account="123456789012",
        region="eu-central-1",
        endpoint="AWS",
        database="data_pipeline_prod",
        datasets=datasets,
        runs=tuple(runs),
        alarms=(alarm, *well),
        queues=tuple(dataclasses.replace(base.queues[0], name=name, waiting=0) for name in ("arrivals", "ticks")),
    )


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {name: render(shown) for name, shown in {**SHOWN, "a shop": shop()}.items()}


NAMES = [*SHOWN, "a shop"]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_requested_said_or_wider_than_the_window(
    opened: Open, pages: dict[str, str], name: str, width: int
) -> None:
    seen = opened(pages[name], width=width)
    for _ in range(2):
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
        assert seen.page.evaluate("document.body.scrollWidth") <= width
        seen.open_everything()
    assert seen.said == []
    assert [address.partition(":")[0] for address in seen.requested] == ["file"], seen.requested


@pytest.mark.parametrize("name", NAMES)
def test_a_browser_makes_of_it_the_elements_that_the_template_has(
    opened: Open, pages: dict[str, str], name: str
) -> None:
    seen = opened(pages[name])
    found = set(seen.page.evaluate("[...document.querySelectorAll('*')].map(one => one.localName)"))
    assert found & {"script", "img", "iframe", "object", "embed", "form", "input", "base"} == set()
    handlers = "[...document.querySelectorAll('*')].flatMap(one => [...one.attributes].map(each => each.name))"
    assert [each for each in seen.page.evaluate(handlers) if each.startswith("on")] == []
    assert seen.page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize") == "25.6px", "it has its style"


def test_what_would_run_if_it_were_not_text_is_shown(opened: Open, pages: dict[str, str]) -> None:
    seen = opened(pages["hostile"])
    assert "<script>alert(1)</script>" in seen.page.inner_text("body")
    assert seen.page.evaluate("getComputedStyle(document.querySelector('bdi')).unicodeBidi") == "isolate"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["nothing", "one of everything", "a shop"])
def test_axe_finds_nothing(opened: Open, pages: dict[str, str], name: str, width: int, dark: bool) -> None:
    seen = opened(pages[name], width=width, dark=dark)
    seen.open_everything()
    found = Axe().run(seen.page).response
    wrong = {one["id"]: [node["failureSummary"] for node in one["nodes"]] for one in found["violations"]}
    assert wrong == {}
    assert len(found["passes"]) > 15, "axe has looked"


def test_axe_would_find_something(opened: Open, pages: dict[str, str]) -> None:
    seen = opened(pages["a shop"].replace('<html lang="en">', "<html>").replace("--quiet: #57606a", "--quiet: #eeeeee"))
    found = {one["id"] for one in Axe().run(seen.page).response["violations"]}
    assert "html-has-lang" in found
    # A style that is not the one of the policy does not come into force: the page has none, and all of it is black.
    assert any("Content Security Policy" in said or "content security policy" in said for said in seen.said)


def test_tables_are_read_and_sections_unfold_without_a_script(
    browser: object, pages: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text(pages["a shop"], encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)  # type: ignore[attr-defined]  # of playwright
    page = context.new_page()
    page.goto(file.as_uri())
    fold = page.locator("#contract-1")
    assert not fold.locator("table").is_visible()
    fold.locator("summary").click()
    assert fold.locator("table").is_visible()
    assert page.locator("table caption", has_text="Batches, the newest first").is_visible()
    context.close()


def test_colours_follow_the_reader(opened: Open, pages: dict[str, str]) -> None:
    colours = [
        opened(pages["a shop"], dark=dark).page.evaluate("getComputedStyle(document.body).backgroundColor")
        for dark in (False, True)
    ]
    assert colours == ["rgb(255, 255, 255)", "rgb(13, 17, 23)"]


def test_marks_of_different_ends_differ_without_colour(opened: Open, pages: dict[str, str]) -> None:
    seen = opened(pages["a shop"])
    shape = (
        "name => { const one = getComputedStyle(document.querySelector('.mark-' + name));"
        " const page = getComputedStyle(document.body).backgroundColor;"
        " return [one.fill === page, one.strokeDasharray, one.strokeWidth].join(' ') }"
    )
    shapes = {name: seen.page.evaluate(shape, name) for name in ("PUBLISHED", "QUARANTINED", "RUNNING")}
    assert len(set(shapes.values())) == 3, shapes
    crosses = seen.page.locator("svg.timeline text", has_text="✕").count()
    assert crosses == seen.page.locator("rect.mark-FAILED").count() == 1


@pytest.fixture
def served() -> Iterator[str]:
    server = Server(0, Pages(shop))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.address
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_a_served_page_is_as_good_and_says_how_to_have_it_stay(opened: Open, served: str) -> None:
    seen = opened(address=served)
    assert seen.said == []
    assert seen.requested == [served], "no icon, no style, nothing"
    seen.page.click("text=Let it stay as it is")
    assert seen.page.url == f"{served}?still"
    assert {one["id"] for one in Axe().run(seen.page).response["violations"]} == set()


@pytest.mark.parametrize(
    ("name", "section", "width", "height", "dark"),
    [
        ("page", "", 1_200, 1_250, False),
        ("page-rows", "rows", 1_200, 900, False),
        ("page-phone", "", 360, 1_250, True),
    ],
)
def test_the_pictures_of_the_docs_are_of_this_page(
    opened: Open, pages: dict[str, str], name: str, section: str, width: int, height: int, dark: bool
) -> None:
    """SHOTS=yes writes them again. Machines draw letters differently: what is held is that they are there."""
    picture = PICTURES / f"{name}.png"
    if os.environ.get("SHOTS"):
        seen = opened(pages["a shop"], width=width, dark=dark)
        seen.page.set_viewport_size({"width": width, "height": height})
        seen.page.evaluate("section => document.getElementById(section)?.scrollIntoView()", section)
        PICTURES.mkdir(exist_ok=True)
        seen.page.screenshot(path=picture)
    assert picture.read_bytes()[:4] == b"\x89PNG", f"{picture}: make browser SHOTS=yes writes it"
    assert picture.stat().st_size < 400_000
