"""Contract files: what YAML makes of a value without being asked is an error that names the file, never a traceback."""

from pathlib import Path

import pytest

from contracts.compiler.read import ContractError, read_contract


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 2020-01-01\n", "quotes are needed around the date"),
        ("id: 2020-13-45\n", "quotes are needed around the date"),
        (f"id: {'9' * 5_000}\n", "a number of 5000 digits, where 100 are allowed"),
        (f"id: 0x{'f' * 5_000}\n", "a number of 5002 digits, where 100 are allowed"),
        ("id: !!int x\n", "neither a number nor what its tag says"),
        ('id: "\\ud800"\n', "while parsing a quoted scalar"),
        ("id: a\nschema: [{name: b, name: c}]\n", "'name' is there twice, the second time"),
    ],
)
def test_a_value_that_is_not_plain_is_refused_with_its_file(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "orders.odcs.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError, match=rf"orders\.odcs\.yaml: not readable as plain YAML in UTF-8: {said}"):
        read_contract(path)


def test_an_error_shows_the_line_and_where_in_it(tmp_path: Path) -> None:
    path = tmp_path / "orders.odcs.yaml"
    path.write_text("id: ä\nname: [a, b: *c]\n", encoding="utf-8")
    with pytest.raises(ContractError) as caught:
        read_contract(path)
    assert str(caught.value).splitlines()[-2:] == ["    name: [a, b: *c]", "                 ^"]


def test_a_tab_after_a_value_is_no_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "orders.odcs.yaml"
    path.write_text(
        "id: a\nversion: 1.0.0\t\nkind: DataContract\napiVersion: v3.1.0\nstatus: active\t# now\n", encoding="utf-8"
    )
    read = read_contract(path)
    assert (read.version, read.status) == ("1.0.0", "active")
