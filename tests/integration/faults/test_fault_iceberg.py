"""A reader counts an Iceberg table's rows while whole workflows publish to it and processing is killed."""

import json
from pathlib import Path
from typing import Any

import pytest
from table_formats import TablePlace

from local.driver import FINAL
from local.emulator import ACCESS_KEY
from tests.iceberg_reader import Sums, reader_of
from tests.integration.faults.lab import Lab, until
from tests.integration.test_iceberg import COLUMNS, change

READS = 1_000
KILLED = {"effect": "kill", "principal": "processing"}
POINTS: list[dict[str, Any]] = [
    {"service": "glue", "operation": "UpdateTable", "when": "before"},
    {"service": "glue", "operation": "UpdateTable", "when": "after"},
    {"service": "s3", "operation": "CopyObject", "when": "after"},
    {"service": "dynamodb", "operation": "TransactWriteItems", "when": "after"},
    {"service": "s3", "operation": "PutObject", "when": "after", "text": "live-files"},
]
"""Where processing is killed, once a workflow."""


@pytest.fixture
def place(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> TablePlace:
    for name, value in {
        "AWS_ENDPOINT_URL": lab.emulator.endpoint,
        "AWS_DEFAULT_REGION": lab.emulator.region,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
    }.items():
        monkeypatch.setenv(name, value)
    return TablePlace(database=lab.outputs["database"], bucket=lab.outputs["curated_bucket"], dataset="fleet")


def test_a_reader_sees_only_whole_commits_of_workflows(lab: Lab, place: TablePlace, tmp_path: Path) -> None:
    end = tmp_path / "end"
    fleet: dict[str, tuple[str, int]] = {}
    states: list[Sums] = [{}]
    with reader_of(place, "seats", end, READS) as reader:
        for number, point in enumerate(POINTS):
            # Two aircraft that are new, one that each file changes, and one that the file before had brought goes.
            rows = [
                (f"N1{number}AA", 10 + number, "I"),
                (f"N1{number}BB", 20 + number, "I"),
                ("N1000", 30 + number, "U"),
            ]
            rows += [(f"N1{number - 1}BB", 99, "D")] if number else []
            key = f"fleet/{number}.csv"
            run(lab, key, [change(tail, seats, what, number) for tail, seats, what in rows], point)
            for tail, seats, what in rows:
                fleet[tail] = (key, seats)
                if what == "D":
                    del fleet[tail]
            states.append(sums_of(fleet))
        end.touch()
        output = reader.communicate(timeout=120)[0]
    found: dict[str, Any] = json.loads(output, object_pairs_hook=without_versions)
    assert found["reads"] >= READS
    for way in ("metadata", "list"):
        assert [states.index(sums) for sums in found[way]] == list(range(len(states))), way


def without_versions(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Files by their keys alone."""
    return {name.partition("?")[0]: value for name, value in pairs}


def run(lab: Lab, key: str, changes: list[str], point: dict[str, Any]) -> None:
    """Land a file, and play the schedule until its workflow has published it; processing is killed on the way."""
    lab.pipeline.land([(key, "\n".join([COLUMNS, *changes, ""]).encode())])
    until(lambda: lab.versions(key), "the file in the ledger")
    lab.control("PUT", [{"id": key, **KILLED, **point}])
    try:
        assert lab.tick("fleet")

        def published() -> bool:
            [item] = lab.versions(key)
            assert item["status"] not in set(FINAL) - {"PUBLISHED"}, item
            if item["status"] == "PUBLISHED" and not lab.running() and not lab.state("fleet").get("running"):
                return True
            lab.expire_leases("fleet")
            if not lab.running():
                lab.tick("fleet")
            return False

        until(published, f"{key} to be published: {lab.versions(key)}")
        assert lab.fired(key) == 1
    finally:
        lab.control("DELETE")


def sums_of(fleet: dict[str, tuple[str, int]]) -> Sums:
    """Rows and seats by the file that they came with."""
    sums: Sums = {}
    for key, seats in fleet.values():
        found = sums.setdefault(key, [0, 0])
        found[0] += 1
        found[1] += seats
    return dict(sorted(sums.items()))
