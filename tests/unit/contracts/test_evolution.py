"""A contract may change only in ways that leave published rows and their readers whole; a MAJOR version warns."""

import copy
import re
import string
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.storage.contracts import EvolutionError, check, compare
from contracts.compiler.evolution import breaking_changes, form, is_widened, refusals

TYPES = ["string", "int", "bigint", "double", "boolean", "date", "timestamp", "decimal(10,2)"]


def column(name: str, kind: str, *, required: bool = False, **options: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "required": required, **options}


DEPLOYED: dict[str, Any] = {
    "dataset": "orders",
    "version": "1.2.3",
    "columns": [
        column("id", "bigint", required=True),
        column("day", "date", required=True),
        column("price", "decimal(6,2)", minimum=0),
        column("count", "int"),
        column("state", "string", required=True, enum=["new", "paid"]),
    ],
    "primary_key": ["id", "day"],
    "partition_by": ["day"],
    "quality": [],
    "time_zone": "UTC",
}


def wanted(change: Any = lambda document, columns: None, version: str = "1.3.0") -> dict[str, Any]:
    document = copy.deepcopy(DEPLOYED)
    document["version"] = version
    change(document, {each["name"]: each for each in document["columns"]})
    return document


def drop(name: str) -> Any:
    def change(document: Any, columns: Any) -> None:
        document["columns"].remove(columns[name])

    return change


def add(*columns: dict[str, Any]) -> Any:
    return lambda document, _: document["columns"].extend(columns)


COMPATIBLE = {
    "nothing": lambda d, c: None,
    "a nullable column": add(column("note", "string")),
    "another order": lambda d, c: d["columns"].reverse(),
    "more digits before the point": lambda d, c: c["price"].update(type="decimal(9,2)"),
    "an int that becomes a bigint": lambda d, c: c["count"].update(type="bigint"),
    "a looser check": lambda d, c: c["price"].pop("minimum"),
    "a tighter check": lambda d, c: c["price"].update(minimum=1, maximum=5),
    "fewer values": lambda d, c: c["state"].update(enum=["new"]),
    "a pattern": lambda d, c: c["state"].update(pattern="^n"),
    "a quality rule": lambda d, c: d["quality"].append({"metric": "rowCount"}),
    "required no more": lambda d, c: c["state"].update(required=False),
}
BREAKING = {
    "price: was decimal(6,2), is gone": drop("price"),
    "count: was int, becomes double: Athena does not read": lambda d, c: c["count"].update(type="double"),
    "count: was int, becomes string": lambda d, c: c["count"].update(type="string"),
    "price: was decimal(6,2), becomes decimal(5,2)": lambda d, c: c["price"].update(type="decimal(5,2)"),
    "price: was decimal(6,2), becomes decimal(8,4)": lambda d, c: c["price"].update(type="decimal(8,4)"),
    "price: was decimal(6,2), becomes decimal(12,3)": lambda d, c: c["price"].update(type="decimal(12,3)"),
    "count: was nullable, becomes required": lambda d, c: c["count"].update(required=True),
    "note: is new and required": add(column("note", "string", required=True)),
    "primary_key: was (id, day), becomes (id, day, state)": lambda d, c: d["primary_key"].append("state"),
    "primary_key: was (id, day), becomes (day, id)": lambda d, c: d["primary_key"].reverse(),
    "partition_by: was (day), becomes ()": lambda d, c: d["partition_by"].clear(),
    "id: was bigint, becomes int: Athena does not read": (lambda d, c: c["id"].update(type="int")),
    "day: was date, becomes string: published files lie in folders": (lambda d, c: c["day"].update(type="string")),
    "time_zone: was UTC, becomes Europe/Berlin": lambda d, c: d.update(time_zone="Europe/Berlin"),
}


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What `pulumi.log.warn` is told."""
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", said.append)
    return said


@pytest.mark.parametrize("change", COMPATIBLE.values(), ids=COMPATIBLE)
def test_what_leaves_published_rows_valid_may_be_deployed(change: Any) -> None:
    assert breaking_changes(DEPLOYED, wanted(change)) == []
    check(DEPLOYED, wanted(change))


@pytest.mark.parametrize(("message", "change"), BREAKING.items(), ids=BREAKING)
def test_what_breaks_them_is_refused_and_said_with_what_it_was_and_becomes(message: str, change: Any) -> None:
    (found,) = breaking_changes(DEPLOYED, wanted(change))
    assert found.startswith(message)
    assert refusals(DEPLOYED, wanted(change)) == [found]
    with pytest.raises(EvolutionError, match=r"or raise the version to 2\.0\.0"):
        check(DEPLOYED, wanted(change))


@pytest.mark.parametrize("change", BREAKING.values(), ids=BREAKING)
def test_a_higher_major_version_may_break_and_a_person_is_told_what_to_do(change: Any, warnings: list[str]) -> None:
    becomes = wanted(change, version="2.0.0")
    check(DEPLOYED, becomes)
    (said,) = warnings
    assert breaking_changes(DEPLOYED, becomes)[0] in said
    assert "backfilled with --again" in said


def test_a_compatible_major_version_says_nothing(warnings: list[str]) -> None:
    check(DEPLOYED, wanted(add(column("note", "string")), version="2.0.0"))
    assert warnings == []


def test_all_reasons_come_at_once() -> None:
    both = wanted(lambda d, c: (drop("price")(d, c), d.update(time_zone="Europe/Berlin")))
    with pytest.raises(EvolutionError) as refused:
        check(DEPLOYED, both)
    assert "price: was" in str(refused.value)
    assert "time_zone: was" in str(refused.value)


@pytest.mark.parametrize("version", ["1.2.2", "1.1.9", "0.9.9"])
def test_a_version_never_goes_back(version: str) -> None:
    with pytest.raises(EvolutionError, match=rf"was 1\.2\.3, becomes {version}: a version never goes back"):
        check(DEPLOYED, wanted(version=version))


def test_versions_are_numbers_not_text() -> None:
    check({**DEPLOYED, "version": "1.9.0"}, wanted(version="1.10.0"))


@pytest.mark.parametrize(
    "change",
    [add(column("note", "string")), COMPATIBLE["another order"], COMPATIBLE["required no more"], drop("price")],
)
def test_the_form_of_rows_does_not_change_under_the_same_version(change: Any) -> None:
    with pytest.raises(EvolutionError, match=r"version: stays 1\.2\.3, but .*: raise the version"):
        check(DEPLOYED, wanted(change, version="1.2.3"))


def test_checks_of_values_may_change_under_the_same_version() -> None:
    check(DEPLOYED, wanted(COMPATIBLE["a tighter check"], version="1.2.3"))


@pytest.mark.parametrize(
    ("was", "becomes", "widened"),
    [
        ("decimal(6,2)", "decimal(9,2)", True),
        ("decimal(10,2)", "decimal(18,2)", True),
        ("decimal(19,2)", "decimal(38,2)", True),
        ("decimal(9,2)", "decimal(19,2)", True),
        ("decimal(9,2)", "decimal(8,2)", False),
        ("decimal(6,2)", "decimal(9,3)", False),
        ("int", "bigint", True),
        ("bigint", "int", False),
        ("int", "double", False),
        ("int", "decimal(10,0)", False),
        ("date", "timestamp", False),
    ],
)
def test_a_type_is_widened_only_as_athena_reads_it(was: str, becomes: str, widened: bool) -> None:
    assert is_widened(was, becomes) is widened


names = st.text(string.ascii_lowercase, min_size=1, max_size=6)


@st.composite
def contracts(draw: st.DrawFn) -> dict[str, Any]:
    found = draw(st.lists(names, min_size=2, max_size=8, unique=True))
    columns = [
        column(name, draw(st.sampled_from(TYPES)), required=index == 0 or draw(st.booleans()))
        for index, name in enumerate(found)
    ]
    return {**DEPLOYED, "columns": columns, "primary_key": [found[0]], "partition_by": []}


@given(contracts(), st.lists(names, max_size=4, unique=True), st.randoms(use_true_random=False))
def test_nullable_columns_and_another_order_never_break(deployed: dict[str, Any], more: list[str], random: Any) -> None:
    known = {each["name"] for each in deployed["columns"]}
    columns = [*deployed["columns"], *(column(name, "string") for name in more if name not in known)]
    random.shuffle(columns)
    assert refusals(deployed, {**deployed, "version": "1.3.0", "columns": columns}) == []


@given(contracts(), st.data())
def test_every_removal_breaks(deployed: dict[str, Any], data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(deployed["columns"]))
    left = [each for each in deployed["columns"] if each is not gone]
    found = refusals(deployed, {**deployed, "version": "1.3.0", "columns": left})
    assert [line for line in found if line.startswith(f"{gone['name']}: was {gone['type']}, is gone")]


@given(contracts(), st.data())
def test_what_may_be_done_may_be_done_in_two_steps(deployed: dict[str, Any], data: st.DataObject) -> None:
    def step(document: dict[str, Any], version: str) -> dict[str, Any]:
        columns = [
            {
                **each,
                "required": each["required"] and (each["name"] in document["primary_key"] or data.draw(st.booleans())),
            }
            for each in document["columns"]
        ]
        name = data.draw(names.filter(lambda name: name not in {each["name"] for each in columns}))
        return {**document, "version": version, "columns": [column(name, "int"), *columns]}

    first = step(deployed, "1.3.0")
    second = step(first, "1.4.0")
    assert refusals(deployed, first) == refusals(first, second) == refusals(deployed, second) == []


def hooked(old: Any, new: Any) -> pulumi.ResourceHookArgs:
    kind = "pipeline:data_pipeline:DataPipeline"
    return pulumi.ResourceHookArgs("urn", "", "data-pipeline", kind, new_inputs=new, old_inputs=old)


def of(*documents: dict[str, Any]) -> dict[str, Any]:
    return {"contracts": {document["dataset"]: form(document) for document in documents}}


def test_the_hook_compares_every_contract_and_names_all_that_is_refused() -> None:
    other = {**DEPLOYED, "dataset": "returns"}
    compare(hooked(of(DEPLOYED, other), of(wanted(), other)))
    broken = wanted(drop("price"))
    with pytest.raises(EvolutionError) as caught:
        compare(hooked(of(DEPLOYED, other), of(broken, {**broken, "dataset": "returns"})))
    assert re.findall(r"the contract of (\w+) from", str(caught.value)) == ["orders", "returns"]
    assert str(caught.value).count("price: was") == 2


@pytest.mark.parametrize("old", [None, {}, {"contracts": {}}])
def test_a_contract_that_was_never_deployed_is_compared_with_nothing(old: Any) -> None:
    compare(hooked(old, of(DEPLOYED)))


def test_a_contract_that_goes_or_comes_beside_others_is_compared_with_nothing() -> None:
    other = {**DEPLOYED, "dataset": "returns", "columns": []}
    compare(hooked(of(DEPLOYED), of(other)))


def test_a_form_keeps_all_that_is_compared() -> None:
    assert form(form(DEPLOYED)) == form(DEPLOYED)
    other = form({**DEPLOYED, "write_mode": "append", "table_format": "iceberg"})
    assert form(other) == other
    assert (other["write_mode"], other["table_format"]) == ("append", "iceberg")
    broken = wanted(drop("price"))
    assert refusals(form(DEPLOYED), form(broken)) == refusals(DEPLOYED, broken) != []


def test_every_column_that_breaks_is_named() -> None:
    def change(document: Any, columns: Any) -> None:
        document["columns"].remove(columns["price"])
        columns["count"]["type"] = "string"

    found = breaking_changes(DEPLOYED, wanted(change))
    assert [line.split(":")[0] for line in found] == ["price", "count"]


def test_another_write_mode_is_breaking_and_a_contract_that_says_none_is_of_the_first() -> None:
    append, first = (
        wanted(lambda d, c: d.update(write_mode="append")),
        wanted(lambda d, c: d.update(write_mode="first")),
    )
    assert breaking_changes(DEPLOYED, first) == []
    assert breaking_changes(DEPLOYED, append) == [
        "write_mode: was first, becomes append: readers count on keys that are there once, or on every row"
    ]
    assert refusals(first, {**append, "version": first["version"]})
