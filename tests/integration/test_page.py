"""The page of an emulator after files were landed says what the ledger says, and is served beside the emulator."""

import json
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from local.deploying import leave_outputs
from local.driver import Pipeline
from local.emulator import Emulator, port_is_free
from local.page import ABOVE, served_page
from tests.integration.local.conftest import eventually
from tests.integration.test_iceberg import Fleet, change, states
from tests.unit.ops.test_page import Page

Operator = Callable[..., str]

GOOD, HOSTILE, PHOTO = "airlines/good.csv", "airlines/<script>alert(1)<\u202e/script>.csv", "airlines/photo.csv"
FILES = {
    GOOD: b"carrier,name\n" + b"".join(b"A%d,Carrier %d\n" % (number, number) for number in range(10)),
    HOSTILE: b"carrier,name\nTOO LONG,<img src=x onerror=alert(1)>\n"
    + b"".join(b"B%s,b\n" % bytes([65 + number]) for number in range(24)),
    PHOTO: b"\x89PNG\r\n\x1a\n",
}


def cells_of(page: str, batch_id: str) -> list[str]:
    """The cells of a batch in the table of runs, as text."""
    table = page[page.index("Batches, the newest first</caption>") : page.index('id="rows"')]
    (row,) = [row for row in table.split("<tr>") if f"<bdi>{batch_id}</bdi>" in row]
    return [" ".join(Page(cell).text.split()) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]


@pytest.fixture(scope="module")
def landed(pipeline: Pipeline) -> dict[str, Any]:
    """The files, as the ledger has them at their end."""
    pipeline.land(FILES.items())
    progress = pipeline.wait(lambda progress: progress.done, 240)
    return {file.key: file for file in progress.files}


def test_the_page_says_what_the_ledger_says(landed: dict[str, Any], operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    # The first line says which deployment it is about.
    said = json.loads(operator("page", "--to", str(file), "--json").partition("\n")[2])
    text = file.read_text(encoding="utf-8")
    assert said == {"file": str(file), "bytes": len(text.encode())}
    page = Page(text)
    of_batches: dict[str, list[Any]] = {}
    for one in (landed[GOOD], landed[HOSTILE]):
        of_batches.setdefault(one.batch_id, []).append(one)
    assert landed[PHOTO].status == "REJECTED"
    for batch_id, files in of_batches.items():
        cells = cells_of(text, batch_id)
        rows = {name: sum(one.rows.get(name, 0) for one in files) for name in ("rows_read", "rows_quarantined")}
        assert cells[4] == str(len(files))
        assert (cells[6], cells[8]) == (str(rows["rows_read"]), str(rows["rows_quarantined"])), cells
        assert cells[9].startswith("$0.00")
    assert sum(one.rows["rows_quarantined"] for one in landed.values() if one.rows) == 1
    for words in (
        "airlines/<script>alert(1)<\\u202e/script>.csv",
        "TOO LONG,<img src=x onerror=alert(1)>",
        "max_length:carrier",
        PHOTO,
        "not_text",
        "Carriers by their two-character IATA code.",
        "A file landed that no contract wants",
    ):
        assert words in page.text, words
    assert "Could not be read" not in page.text
    assert {tag for tag, _ in page.elements} & {"script", "img"} == set()


def test_a_batch_of_an_iceberg_table_has_its_snapshot_until_it_is_rolled_back(
    pipeline: Pipeline, emulator: Emulator, operator: Operator, tmp_path: Path
) -> None:
    fleet, file = Fleet(pipeline, emulator), tmp_path / "page.html"
    fleet.land(change("N10156", 50, "U", 1))
    fleet.land(change("N10156", 60, "U", 2))
    later, first = states(operator)
    operator("page", "--to", str(file))
    before = Page(file.read_text(encoding="utf-8")).text
    assert first["snapshot"] in before
    assert later["snapshot"] in before
    operator("rollback", "fleet", "--to", first["batch"], "--yes")
    operator("page", "--to", str(file))
    text = file.read_text(encoding="utf-8")
    assert cells_of(text, first["batch"])[1].endswith("PUBLISHED")
    assert cells_of(text, later["batch"])[1].endswith("ROLLED BACK")
    assert "Could not be read" not in text


def read(address: str) -> str:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return str(answer.read().decode())


def test_it_is_served_beside_the_emulator_and_ends_with_it(
    emulator: Emulator, pipeline: Pipeline, landed: dict[str, Any]
) -> None:
    leave_outputs(emulator, pipeline.outputs)
    with served_page(emulator, Console(quiet=True)) as address:
        port = int(address.rstrip("/").rpartition(":")[2])
        assert port == int(emulator.endpoint.rpartition(":")[2]) + ABOVE
        assert landed[GOOD].batch_id in read(address)
        with served_page(emulator, Console(quiet=True)) as other:
            assert other != address, "the port is taken: another one is"
            assert GOOD in read(other)
        pipeline.land([("airlines/later.csv", b"carrier,name\nZZ,Last\n")])
        pipeline.wait(lambda progress: progress.done, 120)
        eventually(lambda: "airlines/later.csv" in read(address), 60)
    eventually(lambda: port_is_free(port), 10)


def test_a_page_that_cannot_be_served_is_said_and_nothing_else_ends(emulator: Emulator, pipeline: Pipeline) -> None:
    leave_outputs(emulator, {"stack": "local"})
    console = Console(record=True, width=300)
    with served_page(emulator, console) as address:
        assert address == ""
    assert "the page is not served" in console.export_text()
    assert "has no output" in (emulator.workdir / "page.log").read_text(encoding="utf-8")
    leave_outputs(emulator, pipeline.outputs)
