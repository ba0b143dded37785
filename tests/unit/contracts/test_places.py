"""Where a contract says that its files lie, and whose a key is."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard, Server
from pipeline_core.contract import Contract
from pipeline_core.layout import dataset_of

from contracts.compiler.compile import load_contracts, places_of
from contracts.compiler.places import place_problems, server_problems, server_settings
from contracts.compiler.read import ContractError


def write(folder: Path, name: str, *servers: dict[str, Any], tables: tuple[str, ...] = ()) -> None:
    document = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": name, "version": "1.0.0", "status": "active",
        "servers": [{"server": f"s{number}", "type": "s3", **server} for number, server in enumerate(servers)],
        "schema": [{"name": table, "properties": [{"name": "a", "logicalType": "string"}]}
                   for table in tables or (name,)],
    }  # fmt: skip
    (folder / f"{name}.odcs.yaml").write_text(yaml.safe_dump(document))


def places(folder: Path) -> dict[str, str]:
    return dict(places_of(load_contracts(folder)))


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("s3://raw/orders/", "orders/"),
        ("s3://another-bucket/a/b/c", "a/b/c/"),
        ("s3a://raw/a/b/*.csv", "a/b/"),
        ("s3://raw/a/b-*/c/", "a/"),
        ("s3://raw/a/file.csv.gz", "a/"),
        ("s3://raw/{model}/*.json", "orders/"),
        ("s3://raw/a//b/", "a/b/"),
        ("s3://raw/", "orders/"),
        ("s3://raw", "orders/"),
        ("s3n://raw/a", "a/"),
        ("https://example.com/a/b", "orders/"),
        ("s3://raw/a/{model}", "a/orders/"),
        ("s3://raw/file.csv", "orders/"),
        ("s3://raw/*/a/", "orders/"),
        ("s3://raw/a/[0-9]/b", "a/"),
        ("s3://raw/a/2026?/b", "a/"),
        ("s3://raw/a/v1.0/", "a/v1.0/"),
    ],
)
def test_a_location_is_a_prefix_whatever_the_bucket_is(tmp_path: Path, location: str, place: str) -> None:
    write(tmp_path, "orders", {"location": location})
    assert places(tmp_path) == {place: "orders"}
    [compiled] = load_contracts(tmp_path)
    assert Contract.from_document(compiled.document).places == (place,)


def test_servers_of_other_types_say_nothing_and_several_are_several_places(tmp_path: Path) -> None:
    write(tmp_path, "a", {"type": "azure", "location": "abfss://x/y"})
    write(tmp_path, "b", {"location": "s3://prod/b1/"}, {"location": "s3://dev/b2/"}, {"location": "s3://test/b1/"})
    write(tmp_path, "c", {"location": "s3://raw/shop/"}, tables=("Orders", "Lines"))
    assert places(tmp_path) == {"a/": "a", "b1/": "b", "b2/": "b", "shop/orders/": "orders", "shop/lines/": "lines"}


def test_one_place_is_not_that_of_two_datasets(tmp_path: Path) -> None:
    write(tmp_path, "a", {"location": "s3://raw/b/"})
    write(tmp_path, "b")
    with pytest.raises(ContractError, match=r"b\.odcs\.yaml: servers: location: b/ is the place of a, too"):
        load_contracts(tmp_path)


def test_each_of_several_tables_has_a_folder_in_a_place_that_does_not_name_them(tmp_path: Path) -> None:
    write(tmp_path, "a", {"location": "s3://raw/"}, {"location": "s3://raw/by/{model}/"}, tables=("Orders", "Lines"))
    assert places(tmp_path) == {
        "orders/": "orders", "by/Orders/": "orders", "lines/": "lines", "by/Lines/": "lines"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("servers", "says"),
    [
        ([{"delimiter": ";"}, {"delimiter": ";"}, {"delimiter": "array"}, {}], None),
        (
            [{"delimiter": ";"}, {"type": "S3", "delimiter": "|"}],
            "delimiter: ';' and '|'; files are written in one way",
        ),
        ([{"delimiter": ";"}, {"type": "azure", "delimiter": "|"}], None),
        ([{"encoding": "utf-8"}, {"encoding": "latin-1"}], "encoding: 'latin-1' and 'utf-8'; files are written in one"),
        ([{"encoding": "utf-99"}], "encoding: 'utf-99'; it is no encoding of text that Python knows"),
    ],
)
def test_servers_say_one_way_in_which_files_are_written(servers: list[dict[str, Any]], says: str | None) -> None:
    contract = OpenDataContractStandard.model_construct(
        servers=[Server.model_construct(**{"type": "s3", **server}) for server in servers]
    )
    found = list(server_problems(contract))
    assert len(found) == (says is not None)
    assert not found or found[0].startswith(f"servers: {says}")


def test_the_encoding_of_a_server_is_that_of_the_files() -> None:
    servers = [Server.model_construct(type="S3", encoding="latin-1"), Server.model_construct(type="s3", delimiter=";")]
    contract = OpenDataContractStandard.model_construct(servers=servers)
    assert server_settings(contract) == {"encoding": "latin-1", "delimiter": ";"}
    assert server_settings(OpenDataContractStandard.model_construct(servers=None)) == {}


@pytest.mark.parametrize(
    ("prefix", "says"),
    [
        ("a/b_/c./", None),
        ("a/_b/", "files in 'a/_b/' are not read, since '_b' begins with _ or ."),
        (".a/_b/", "files in '.a/_b/' are not read, since '.a' begins with _ or ."),
        ("ä" * 461 + "b/", None),
        ("ä" * 462 + "/", f"'{'ä' * 100}'... has 925 bytes; at most 924"),
    ],
)
def test_a_place_that_no_file_is_read_from_is_refused(prefix: str, says: str | None) -> None:
    assert list(place_problems(["good/", prefix])) == ([] if says is None else [f"servers: location: {says}"])


@pytest.mark.parametrize("server", [{"location": "s3://raw/a/_b/"}, {"location": "s3://raw/.a/"}, {"delimiter": "\n"}])
def test_what_is_never_read_is_refused(tmp_path: Path, server: dict[str, Any]) -> None:
    write(tmp_path, "a", server)
    with pytest.raises(ContractError, match="servers: "):
        load_contracts(tmp_path)


def test_the_delimiter_of_a_server_is_that_of_the_files(tmp_path: Path) -> None:
    write(tmp_path, "a", {"delimiter": ";"})
    write(tmp_path, "b", {"delimiter": "new_line"})
    write(tmp_path, "c", {"type": "azure", "delimiter": ";"})
    assert [contract.document["delimiter"] for contract in load_contracts(tmp_path)] == [";", ",", ","]


PLACES = {"sales/": "sales", "sales/eu/orders/": "eu_orders", "orders/": "orders"}


@pytest.mark.parametrize(
    ("key", "dataset"),
    [
        ("sales/a.csv", "sales"),
        ("sales/eu/a.csv", "sales"),
        ("sales/eu/orders/a.csv", "eu_orders"),
        ("sales/eu/orders/year=2024/a.csv", "eu_orders"),
        ("sales/eu/ordersx/a.csv", "sales"),
        ("orders/a.csv", "orders"),
        ("other/a.csv", "other"),
        ("a.csv", None),
        ("orders/", None),
    ],
)
def test_the_longest_place_says_whose_a_key_is(key: str, dataset: str | None) -> None:
    assert dataset_of(key, PLACES) == dataset
