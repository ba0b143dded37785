"""`make local` over restarts: data stay, changed contracts are taken, files that are put into a folder are landed."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.local.local_runs import Local

AIRLINES = "contracts/airlines.odcs.yaml"
NAME = "      - name: name\n"


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    with closing(Local(tmp_path)) as found:
        yield found


def test_data_stay_contracts_are_taken_and_a_folder_is_landed(local: Local) -> None:
    with local.run():
        local.put("airlines/2026/a.csv", "carrier,name\nAA,Alpha\nBB,Beta\n")
        local.put("nobody/a.csv", "x\n1\n")
        local.wait(lambda: "airlines/2026/a.csv is PUBLISHED; rows read 2, curated 2," in local.said())
        assert "land/nobody/a.csv is in no dataset's folder, and stays: there are land/airlines/," in local.said()

        local.edit(AIRLINES, "version: 1.0.0", "version: 1.1.0")
        local.edit(AIRLINES, NAME, f"      - name: note\n        logicalType: string\n{NAME}")
        local.wait(lambda: re.search(r"contracts/airlines.odcs.yaml changed(.|\n)*: 0 new, [12] changed", local.said()))
        local.put("airlines/b.csv", "carrier,name,note\nCC,Gamma,new\n")
        local.wait(lambda: "airlines/b.csv is PUBLISHED" in local.said())

        local.edit(AIRLINES, "version: 1.1.0", "version: 1.0.0")
        local.wait(lambda: "What was deployed before stays." in local.said())
        assert "the contract of airlines from 1.1.0 to 1.0.0 is refused" in local.said()
        local.edit(AIRLINES, "version: 1.0.0", "version: 1.1.0")
    assert local.said().rstrip().endswith("stopped")

    with local.run():
        assert local.ask("SELECT carrier, note FROM airlines ORDER BY carrier") == [
            ["AA", None],
            ["BB", None],
            ["CC", "new"],
        ]
        assert re.search(r"resources in [\d.]+ s: 0 new, 0 changed", local.said())
        local.put("airlines/c.csv", "carrier,name,note\nAA,Again,\nDD,Delta,x\n")
        local.wait(lambda: "airlines/c.csv is PUBLISHED; rows read 2, curated 1," in local.said())
        assert "a.csv has landed" not in local.said(), "what was landed once is not landed again"
        assert local.ask("SELECT count(*) FROM airlines") == [["4"]]

    with local.run("--fresh"):
        local.wait(lambda: "airlines/c.csv is PUBLISHED" in local.said())
        assert local.ask("SELECT count(*) FROM airlines WHERE note = 'hello'") == [["0"]]
