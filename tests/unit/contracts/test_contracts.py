"""The contract compiler refuses what the pipeline cannot keep, naming the file, the field and what is allowed."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from pipeline_core.contract import Contract

from contracts.compiler.checks import misspelt
from contracts.compiler.compile import compile_contract, load_contracts
from contracts.compiler.read import ContractError
from tests.unit.contracts.compiling import GOOD, changed, write

REPOSITORY = Path(__file__).parents[3]


def test_the_shipped_contracts_are_what_the_functions_read() -> None:
    compiled = load_contracts(REPOSITORY / "contracts")
    contracts = {item.name: Contract.from_document(item.document) for item in compiled}
    assert sorted(contracts) == ["airlines", "airports", "canary", "fleet", "flights", "planes", "weather"]
    assert contracts["flights"].primary_key == ("year", "month", "carrier", "flight", "time_hour")
    assert contracts["flights"].partition_by == ("year", "month")
    assert contracts["airports"].column("lat").minimum == "-90"
    assert contracts["weather"].frequency_hours == 24


def test_keys_come_in_their_positions_order_and_types_from_the_physical_type(tmp_path: Path) -> None:
    def swap(contract: Any, table: Any, columns: Any) -> None:
        columns[0]["primaryKeyPosition"], columns[1]["primaryKeyPosition"] = 2, 1

    contract = Contract.from_document(compile_contract(write(tmp_path, changed(swap))).document)
    assert contract.primary_key == ("day", "id")
    assert [column.type for column in contract.columns] == ["bigint", "date", "decimal(10,2)"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c, t, p: c.update(apiVersion="v2.2.0"), "apiVersion: 'v2.2.0' is not supported"),
        (lambda c, t, p: c.update(version="1.x"), "version: '1.x' is not MAJOR.MINOR.PATCH"),
        (lambda c, t, p: c.update(colour="red"), "colour: Extra inputs are not permitted"),
        (lambda c, t, p: p[0].update(requird=True), "schema.0.properties.0.requird: not a field"),
        (lambda c, t, p: p[0].update(logicalType="objekt"), "logicalType 'objekt'; allowed: string, integer"),
        (lambda c, t, p: (p[0].pop("logicalType"), p[0].update(physicalType="integr")), "physicalType 'integr' is not"),
        (lambda c, t, p: p[2].update(physicalType="decimal(2,3)"), "decimal(p,s) with 1 <= p <= 38"),
        (lambda c, t, p: p[0].update(name=" "), "name ' '; give it a name"),
        (
            lambda c, t, p: p[0].update(name="_Batch ID"),
            "name '_Batch ID' is the pipeline's own; taken are _source_file",
        ),
        (lambda c, t, p: p.append(dict(p[2])), "column 'price' is there twice"),
        (lambda c, t, p: p[0].update(primaryKeyPosition=2), "(day): primaryKeyPosition 2 is that of id, too"),
        (lambda c, t, p: p[2].update(partitioned=True), "a decimal(10,2) column; allowed: int, bigint"),
        (lambda c, t, p: p[1].pop("primaryKey"), "a partition column belongs to the key"),
        (lambda c, t, p: p[0].update(logicalTypeOptions={"pattern": "x"}), "not checked for bigint; allowed: minimum"),
        (lambda c, t, p: p[0].update(logicalTypeOptions={"minimum": "a"}), "minimum: 'a' is not a number"),
        (lambda c, t, p: t.update(quality=[{"metric": "freshness", "mustBe": 1}]), "metric 'freshness'; allowed"),
        (lambda c, t, p: t.update(quality=[{"metric": "rowCount"}]), "operators []; exactly one of mustBe"),
        (
            lambda c, t, p: t.update(quality=[{"type": "sqll", "metric": "rowCount", "mustBe": 1}]),
            "type 'sqll'; allowed",
        ),
        (lambda c, t, p: t.update(quality=[{"metric": "nullValues", "mustBe": 1}]), "belongs to a column"),
        (lambda c, t, p: p[0].update(quality=[{"metric": "rowCount", "mustBe": 1}]), "belongs to the table"),
        (
            lambda c, t, p: t.update(quality=[{"metric": "rowCount", "mustBeBetween": [3, 1]}]),
            "mustBeBetween: [3, 1]; two numbers",
        ),
        (
            lambda c, t, p: c.update(customProperties=[{"property": "null_token", "value": []}]),
            "unknown; nullTokens is meant?",
        ),
        (
            lambda c, t, p: c.update(customProperties=[{"property": "delimiter", "value": " |"}]),
            "delimiter): ' |'; 1 to 10 characters",
        ),
        (
            lambda c, t, p: c.update(slaProperties=[{"property": "frequency", "value": 1, "unit": "y"}]),
            "a number of d, day",
        ),
        (
            lambda c, t, p: c.update(slaProperties=[{"property": "frequency", "value": 8, "unit": "d"}]),
            "slaProperties.0: 8 d; allowed are up to 7 days",
        ),
        (
            lambda c, t, p: c.update(slaProperties=[{"property": "frequency", "value": 0, "unit": "h"}]),
            "slaProperties.0: 0 h; allowed are up to 7 days",
        ),
        (lambda c, t, p: c.update(kind="Banana"), "kind: 'Banana'; allowed: DataContract"),
        (lambda c, t, p: c.update(apiVersion="v3.banana"), "apiVersion: 'v3.banana' is not supported"),
        (lambda c, t, p: c.update(version="\u0661.0.0"), "is not MAJOR.MINOR.PATCH"),
        (lambda c, t, p: p[2].update(primaryKeyPosition=3), "(price): primaryKeyPosition without primaryKey: true"),
        (
            lambda c, t, p: p[2].update(partitionKeyPosition=1),
            "(price): partitionKeyPosition without partitioned: true",
        ),
        (
            lambda c, t, p: p[2].update(properties=[{"name": "x"}]),
            "properties: a decimal(10,2) column has no values in",
        ),
        (lambda c, t, p: p[2].update(items={"name": "x"}), "items: a decimal(10,2) column has no values in"),
        (
            lambda c, t, p: t.update(quality=[{"metric": "rowCount", "mustBe": float("nan")}]),
            "mustBe: nan is not a number",
        ),
        (
            lambda c, t, p: t.update(quality=[{"metric": "rowCount", "mustBeLessThan": float("inf")}]),
            "mustBeLessThan: inf is not a number",
        ),
        (
            lambda c, t, p: t.update(quality=[{"metric": "rowCount", "mustBeBetween": [False, True]}]),
            "schema.0.quality.0.mustBeBetween: [False, True]; true and false are no numbers",
        ),
        (
            lambda c, t, p: c.update(customProperties=[{"property": "formats", "value": [["csv"]]}]),
            "formats): [['csv']]; a list of csv, jsonl, parquet is needed",
        ),
        (
            lambda c, t, p: c.update(customProperties=[{"property": "maxFileBytes", "value": True}]),
            "maxFileBytes): True; allowed: 1 to 5368709120",
        ),
        (
            lambda c, t, p: c.update(customProperties=[{"property": "delimiter", "value": "\0"}]),
            "delimiter): '\\x00'; 1 to 10 characters",
        ),
        (
            lambda c, t, p: c.update(customProperties=[{"property": "delimiter", "value": v} for v in ",;"]),
            "customProperties (delimiter): there 2 times",
        ),
        (
            lambda c, t, p: c.update(
                slaProperties=[{"property": "frequency", "value": n, "unit": "h"} for n in (1, 2)]
            ),
            "slaProperties.1: a second frequency",
        ),
        (
            lambda c, t, p: c.update(slaProperties=[{"property": "latency", "value": n, "unit": "h"} for n in (1, 2)]),
            "slaProperties.1: a second latency",
        ),
    ],
)
def test_a_contract_that_cannot_be_kept_is_refused(tmp_path: Path, change: Any, said: str) -> None:
    path = write(tmp_path, changed(change))
    with pytest.raises(ContractError) as refused:
        compile_contract(path)
    assert said in str(refused.value)
    assert all(line.startswith("orders.odcs.yaml: ") for line in str(refused.value).splitlines())


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("escaped", "escape"),
        ("fromats", "formats"),
        ("formts", None),
        ("headre", None),
        ("n.u.l.l.t.o.k.e.n.s", "nullTokens"),
        ("Write-Mode", "writeMode"),
        ("dataOwner", None),
        ("", None),
    ],
)
def test_a_slip_is_told_from_the_property_of_another_program(name: str, meant: str | None) -> None:
    assert misspelt(name) == meant


def test_every_problem_of_every_file_is_named_at_once(tmp_path: Path) -> None:
    write(tmp_path, changed(lambda c, t, p: (c.update(version="x"), p[0].update(logicalType="tiny"))))
    write(tmp_path, "a: [", "broken")
    with pytest.raises(ContractError) as refused:
        load_contracts(tmp_path)
    text = str(refused.value)
    assert "version: 'x'" in text
    assert "logicalType 'tiny'" in text
    assert "broken.odcs.yaml: not readable as plain YAML" in text


@pytest.mark.parametrize("text", ["a: &x [1]\nb: *x\n", "a: !!python/object:os.system {}\n", "- 1\n", "a: \x00\n"])
def test_yaml_that_is_more_than_data_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ContractError, match=r"orders\.odcs\.yaml"):
        compile_contract(write(tmp_path, text))


def test_a_directory_without_contracts_says_what_to_add(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"add a <dataset>\.odcs\.yaml"):
        load_contracts(tmp_path)


@pytest.mark.parametrize("name", ["runs", "quarantined_rows", "quarantined_files", "index"])
def test_a_dataset_cannot_have_the_name_of_a_table_of_the_pipelines_own(tmp_path: Path, name: str) -> None:
    contract = changed(lambda c, t, p: t.update(name=name))
    with pytest.raises(
        ContractError, match=rf"{name}\.odcs\.yaml: schema\.0\.name: '{name}' is the pipeline's own; taken"
    ):
        compile_contract(write(tmp_path, contract, name))


def test_a_position_of_minus_one_is_the_standards_word_for_none(tmp_path: Path) -> None:
    def ask(contract: Any, table: Any, columns: Any) -> None:
        columns[1]["partitionKeyPosition"] = -1
        columns[2]["primaryKeyPosition"] = columns[2]["partitionKeyPosition"] = -1

    document = compile_contract(write(tmp_path, changed(ask))).document
    assert (document["primary_key"], document["partition_by"]) == (["id", "day"], ["day"])


@pytest.mark.parametrize("zone", ["Mars/Phobos", "EST", "+02:00", "America/New_York; DROP"])
def test_a_time_zone_that_spark_does_not_know_is_refused(tmp_path: Path, zone: str) -> None:
    def ask(contract: Any, table: Any, columns: Any) -> None:
        contract["customProperties"] = [{"property": "timeZone", "value": zone}]

    with pytest.raises(ContractError, match="is not an IANA time zone, for example America/New_York"):
        compile_contract(write(tmp_path, changed(ask)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id: &id [a]\nother: *id\n", "aliases are not allowed"),
        ("id: !!python/object/apply:os.system [true]\n", "could not determine a constructor for the tag"),
        ("a: " + "[" * 3_000, "nested too deeply"),
        ("id: " + "x" * 1_000_000, "1000004 bytes; a contract has at most 1000000"),
        ("id: a\nid: b\n", "'id' is there twice"),
        ("schema: " + "x" * 900_000, r"given: 'x{199}\.\.\.\)"),
    ],
)
def test_a_contract_that_is_made_to_explode_is_refused_in_a_line_or_two(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ContractError, match=said) as caught:
        compile_contract(write(tmp_path, text))
    assert len(str(caught.value)) < 5_000


def refusals(*paths: Path) -> list[str]:
    with pytest.raises(ContractError) as refused:
        compile_contract(paths[0]) if len(paths) == 1 else load_contracts(paths[0].parent)
    return str(refused.value).splitlines()


def test_each_problem_has_a_line_of_its_own_that_begins_with_its_file(tmp_path: Path) -> None:
    def two(contract: Any, table: Any, columns: Any) -> None:
        contract["version"] = "x"
        columns[0]["logicalType"] = "tiny"

    def unread(contract: Any, table: Any, columns: Any) -> None:
        contract["status"] = ["a"]
        columns[0]["required"] = "often"

    def unknown(contract: Any, table: Any, columns: Any) -> None:
        table["fields"] = []
        columns[1]["logicaltype"] = "date"

    paths = [write(tmp_path, changed(change), name) for name, change in (("a", two), ("b", unread), ("c", unknown))]
    lines = [line.split(": ")[:2] for line in refusals(*paths)]
    assert lines == [
        ["a.odcs.yaml", "version"],
        ["a.odcs.yaml", "schema.0.properties.0 (id)"],
        ["b.odcs.yaml", "status"],
        ["b.odcs.yaml", "schema.0.properties.0.required"],
        ["c.odcs.yaml", "schema.0.fields"],
        ["c.odcs.yaml", "schema.0.properties.1.logicaltype"],
    ]


def test_a_contract_has_a_million_bytes_and_no_more(tmp_path: Path) -> None:
    text = yaml.safe_dump(GOOD)
    path = write(tmp_path, f"{text}#{'x' * (1_000_000 - len(text) - 1)}")
    assert path.stat().st_size == 1_000_000
    assert compile_contract(path).name == "orders"


def test_a_contract_that_is_no_mapping_says_what_it_is(tmp_path: Path) -> None:
    assert refusals(write(tmp_path, "- 1\n")) == [
        "orders.odcs.yaml: a mapping is expected at the top, found list",
    ]


@pytest.mark.parametrize(("length", "given"), [(198, f"'{198 * 'x'}'"), (199, f"'{199 * 'x'}...")])
def test_a_wrong_value_is_quoted_up_to_two_hundred_characters(tmp_path: Path, length: int, given: str) -> None:
    (line,) = refusals(write(tmp_path, changed(lambda c, t, p: c.update(schema="x" * length))))
    assert line.endswith(f" (given: {given})")


def test_two_files_or_tables_of_one_dataset_are_refused(tmp_path: Path) -> None:
    paths = [write(tmp_path, GOOD, name) for name in ("a", "b")]
    assert refusals(*paths) == [
        "b.odcs.yaml: schema: dataset 'orders' is that of a.odcs.yaml, too; give one of them another name"
    ]
    two = changed(lambda c, t, p: c["schema"].append({**copy.deepcopy(t), "name": "returns"}))
    assert refusals(write(tmp_path, two, "two")) == ["two.odcs.yaml: schema: 2 tables; one is asked for"]


def test_two_datasets_of_one_place_are_refused(tmp_path: Path) -> None:
    def at_incoming(contract: Any, table: Any, columns: Any) -> None:
        contract["servers"] = [{"server": "s", "type": "s3", "location": "s3://raw/incoming/*.csv"}]

    def returns(contract: Any, table: Any, columns: Any) -> None:
        at_incoming(contract, table, columns)
        table["name"] = "returns"

    lines = refusals(*(write(tmp_path, changed(change), name) for name, change in (("a", at_incoming), ("b", returns))))
    assert lines == [
        "b.odcs.yaml: servers: location: incoming/ is the place of orders, too; whose would a file be? "
        "Give each dataset its own"
    ]
