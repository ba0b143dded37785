"""Contract files: what YAML makes of a value without being asked is an error that names the file, never a traceback."""

from pathlib import Path

import pytest
import yaml

from config import plain_yaml
from contracts.compiler.read import ContractError, read_contract


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 2020-01-01\n", "quotes are needed around the date"),
        ("id: 2020-13-45\n", "quotes are needed around the date"),
        (f"id: {'9' * 5_000}\n", "a number of 5000 digits, where 100 are allowed"),
        (f"id: 0x{'f' * 5_000}\n", "a number of 5002 digits, where 100 are allowed"),
        ("id: !!int x\n", "neither a number nor what its tag says"),
        ('id: "\\ud800"\n', r"while parsing a quoted scalar[^\0]+\nfound invalid Unicode character escape code"),
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


@pytest.mark.parametrize("levels", [plain_yaml.MAX_DEPTH - 1, plain_yaml.MAX_DEPTH, plain_yaml.MAX_DEPTH + 1])
def test_fifty_levels_are_taken_written_out_or_by_an_alias(levels: int) -> None:
    inner = levels - 30
    # The alias stands in thirty levels: the mapping, and lists.
    by_alias = f"a: &a {'[' * inner}{']' * inner}\nb: {'[' * 29}*a{']' * 29}\n"
    for text in (f"{'[' * levels}{']' * levels}", by_alias):
        if levels <= plain_yaml.MAX_DEPTH:
            assert plain_yaml.load(text, aliases=True)
        else:
            with pytest.raises(yaml.MarkedYAMLError, match="nested too deeply, more than 50 levels,"):
                plain_yaml.load(text, aliases=True)
