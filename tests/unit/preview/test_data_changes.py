"""What a change of contracts does to rows is said of each, by reason; by the record engine, not by a guess."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from contracts.compiler.compile import compile_contract, load_contracts
from ops import __main__ as ops
from ops.contracts.trial import attempt, contract_of
from ops.preview import markdown, text
from ops.preview.data import SAMPLES, Tried, tried
from ops.preview.options import PreviewError
from ops.preview.report import Preview
from ops.preview.snapshot import Snapshot
from tests.unit.infrastructure.cloud import ROOT
from tests.unit.ops.test_hostile_text import HOSTILE, unfit
from tests.unit.preview.seen import OBJECT, seen, snapshot

SHIPPED = {contract.name: contract for contract in load_contracts(ROOT / "contracts")}
ROWS = ["EWR,Newark,41.5,-74.2,18,-5,A,", "jfk,Kennedy,40.6,-73.8,13,-5,A,", "LGA,La Guardia,40.8,-73.9,22,-5,X,"]
FEW = [f"A{n:02d},Field,40.0,-70.0,5,-5,A," for n in range(60)]


def airports(**changes: Any) -> dict[str, Any]:
    """The contract of the airports, with other settings of some columns."""
    document = json.loads(json.dumps(compile_contract(ROOT / "contracts" / "airports.odcs.yaml").document))
    for column in document["columns"]:
        column.update(changes.pop(column["name"], {}))
    return {**document, **changes}


def deployed(*documents: dict[str, Any]) -> Snapshot:
    objects = (
        seen(OBJECT, one["dataset"], key=f"contracts/{one['dataset']}.json", content=json.dumps(one))
        for one in documents
    )
    return snapshot(*objects)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, ROWS + FEW)
    return tmp_path


def write(root: Path, rows: list[str]) -> Path:
    file = root / SAMPLES / "airports" / "airports.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(["faa,name,lat,lon,alt,tz,dst,tzone", *rows, ""]), encoding="utf-8", newline="")
    return file


def said(found: Iterator[Tried]) -> list[tuple[tuple[str, ...], tuple[str, ...], list[int]]]:
    [one] = found
    assert one.note == ""
    return [(moved.was, moved.now, [row.line for row in moved.rows]) for moved in one.moved]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {"lat": {"maximum": "41"}}, [((), ("maximum:lat",), [2])]),
        ({"lat": {"maximum": "41"}}, {}, [(("maximum:lat",), (), [2])]),
        ({}, {"faa": {"pattern": "^[0-9A-Za-z]{3,4}$"}}, [(("pattern:faa",), (), [3])]),
        (
            {},
            {"lon": {"minimum": "-73.85"}},
            [((), ("minimum:lon",), [2]), (("pattern:dst",), ("minimum:lon", "pattern:dst"), [4])],
        ),
        ({}, {"faa": {"description": "another"}}, []),
    ],
    ids=["narrower", "wider", "another pattern", "one more reason", "words only"],
)
def test_rows_whose_fate_changes_are_named_by_reason(
    root: Path, old: dict[str, Any], new: dict[str, Any], expected: Any
) -> None:
    assert said(tried(deployed(airports(**old)), deployed(airports(**new)), [], root)) == expected


def test_a_contract_that_stays_as_it_is_is_not_tried_but_by_a_given_file(root: Path) -> None:
    same = deployed(airports())
    assert list(tried(same, same, [], root)) == []
    file = root / SAMPLES / "airports" / "airports.csv"
    [one] = tried(same, same, [file], root)
    assert (one.dataset, one.moved) == ("airports", ())
    assert "no row's fate changes" in next(one.lines())


def test_a_file_is_of_the_dataset_that_it_or_its_folder_is_called_after(root: Path) -> None:
    same = deployed(airports())
    folder = root / "airports"
    folder.mkdir()
    for file in (root / "airports.2013.csv", folder / "july.csv"):
        file.write_bytes((root / SAMPLES / "airports" / "airports.csv").read_bytes())
        assert [one.dataset for one in tried(same, same, [file], root)] == ["airports"]
    (root / "july.csv").touch()
    with pytest.raises(PreviewError, match=r"july.csv is not called after a dataset.* allowed .* a file of airports"):
        list(tried(same, same, [root / "july.csv"], root))
    with pytest.raises(PreviewError, match=r"airports.csv: there is no such file"):
        list(tried(same, same, [root / "airports.csv"], root))


def test_what_becomes_of_a_whole_file_is_said_once(root: Path) -> None:
    few = write(root, ROWS)
    [one] = tried(deployed(airports()), deployed(airports(max_file_bytes=10)), [], root)
    assert one.moved == ()
    assert "quarantined as a whole (invalid rows stay rare: " in next(one.lines())
    assert f"-> rejected ({few.stat().st_size} bytes; the contract allows 1 to 10)" in next(one.lines())


def test_a_contract_that_comes_or_goes_has_one_side(root: Path) -> None:
    [new] = tried(deployed(), deployed(airports()), [], root)
    assert "without a contract -> published, read 63, curated 61, quarantined 2" in next(new.lines())
    assert [moved.was for moved in new.moved] == [(), ()]
    [gone] = tried(deployed(airports()), deployed(), [], root)
    assert "published -> without a contract" in next(gone.lines())
    assert gone.moved == ()


def test_what_cannot_be_tried_is_a_note(root: Path) -> None:
    [old] = tried(deployed({"dataset": "airports", "version": "0"}), deployed(airports()), [], root)
    assert old.note.startswith("cannot be tried by both: ")
    (root / SAMPLES / "airports" / "airports.csv").unlink()
    [none] = tried(deployed(airports()), deployed(airports(version="2.0.0")), [], root)
    assert list(none.lines()) == ["airports: contracts/samples/airports/: no sample is there, so nothing is tried"]


def test_hostile_values_are_inert_in_every_format(root: Path) -> None:
    evil = HOSTILE.replace("\r\n", "") + "```</details><img src=x>@team"
    write(root, [f"EWR,{evil},41.5,-74.2,18,-5,A,", *FEW])
    old, new = deployed(airports()), deployed(airports(lat={"maximum": "40.6"}))
    made = Preview(head=new, base=old, revision="main", data=tuple(tried(old, new, [], root)))
    out = io.StringIO()
    text.write(made, Console(file=out, width=200))
    for written in (out.getvalue(), markdown.write(made), made.to_json()):
        assert unfit(written) == set()
        assert "maximum:lat" in written
    folded = markdown.write(made).split("both contracts</summary>\n\n")[1]
    assert folded.startswith("````\n"), "a fence that no value ends"
    assert folded.count("````") == 2


def test_json_counts_all_rows_and_lists_some(root: Path) -> None:
    write(root, [f"A{n:02d},F,40.0,-70.0,5,-5,A,{'x' * (n % 3)}" for n in range(100)] * 2)
    old, new = deployed(airports()), deployed(airports(alt={"maximum": "4"}))
    made = Preview(head=new, base=old, data=tuple(tried(old, new, [], root)))
    [one] = json.loads(made.to_json())["data"]
    assert (one["before"]["published"], one["after"]["published"]) == (True, False)
    [change] = one["changes"]
    assert (change["was"], change["now"], change["rows"], len(change["listed"])) == ([], ["maximum:alt"], 200, 100)
    assert change["listed"][0] == {"line": 2, "record": "A00,F,40.0,-70.0,5,-5,A,"}
    assert json.loads(Preview(head=new, base=old).to_json())["data"] is None


@pytest.mark.parametrize("option", [["--tree"], ["--data"], ["--file", "x.csv"]])
def test_what_is_about_changes_needs_a_base(option: list[str]) -> None:
    assert CliRunner().invoke(ops.app, ["preview", "--stack", "dev", *option]).exit_code == 2


@pytest.mark.parametrize("dataset", SHIPPED)
def test_every_shipped_contract_has_samples_that_are_published_but_for_a_few_rows(dataset: str) -> None:
    files = sorted((ROOT / SAMPLES / dataset).glob("*"))
    assert files, "one file at least"
    for file in files:
        assert file.stat().st_size < 10_000
        outcome = attempt(contract_of(SHIPPED[dataset].document), file)
        assert (outcome.problem, outcome.violations) == (None, ())
        assert outcome.rows_curated > len(outcome.refused) > 0
    assert {folder.name for folder in (ROOT / SAMPLES).iterdir() if folder.is_dir()} == set(SHIPPED)
