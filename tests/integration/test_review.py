"""What a review does once its stack is there, in the emulator: the samples land, come to an end, and are asked for."""

import json
from collections.abc import Callable
from pathlib import Path


def test_samples_are_published_but_for_the_rows_that_contracts_refuse_and_queries_answer(
    operator: Callable[..., str], tmp_path: Path
) -> None:
    to = tmp_path / "review.md"
    said = operator("review", "check", "--json", "--to", str(to))
    found = json.loads(said[said.index("\n{\n") :])
    assert found["problems"] == []
    fates = {one["dataset"]: (one["status"], one["counts"]["rows_quarantined"]) for one in found["landed"]}
    datasets = {"airlines", "airports", "canary", "fleet", "flights", "planes", "weather"}
    assert fates == dict.fromkeys(datasets, ("PUBLISHED", 2))
    answers = {one["query"]: one for one in found["answers"]}
    assert answers["canary_run"]["rows"] == [["3"]]
    assert answers["delays_by_carrier"]["count"] == 6
    assert answers["busiest_routes"]["count"] == 10
    assert {tuple(row[:2]) for row in answers["quarantined_rows_by_reason"]["rows"]} == {
        ("minimum:distance", "1"),
        ("pattern:carrier", "1"),
    }
    written = to.read_text(encoding="utf-8")
    assert "flights/flights.csv: PUBLISHED, read 62, curated 60, quarantined 2, duplicate 0" in written
    assert "Query delays\\_by\\_carrier: 6 rows" in written
