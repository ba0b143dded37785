"""CONTRIBUTING leads a newcomer through files that exist."""

import re

from recording.program import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_every_path_of_contributing_exists() -> None:
    paths = [path for path in re.findall(r"`([\w./-]+/[\w./-]*)`", TEXT) if not path.startswith("layers")]
    assert len(paths) > 40
    known = (ROOT, ROOT / "lambdas" / "layers")
    assert [path for path in paths if not any((base / path).exists() for base in known)] == []


def test_the_walk_goes_from_a_contract_to_a_query() -> None:
    walk = TEXT[TEXT.index("## A walk") : TEXT.index("## Tests")]
    steps = re.findall(r"^\d\. ", walk, re.MULTILINE)
    assert steps == [f"{number}. " for number in range(1, len(steps) + 1)]
    for function in ("ingestion", "etl_trigger", "processing", "query", "notification", "error_handler"):
        assert f"lambdas/{function}/" in walk
