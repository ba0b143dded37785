"""What a contract says to people arrives as plain text, in each form that the standard has for it."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.contracts.compiling import compiled

MEMBERS = [
    {"username": "ada", "name": "Ada", "role": "owner"},
    {"username": "bob"},
    {"username": "cleo", "dateOut": "2026-01-01"},
]


@pytest.mark.parametrize(
    ("team", "said"),
    [
        (MEMBERS, ["Ada (owner)", "bob"]),
        ({"name": "data", "members": MEMBERS}, ["data", "Ada (owner)", "bob"]),
        ({"name": "data"}, ["data"]),
        ([], None),
    ],
)
def test_a_team_is_said_by_name_without_those_who_have_left(tmp_path: Path, team: Any, said: list[str] | None) -> None:
    assert compiled(tmp_path, contract={"team": team}).about.get("team") == said


def test_where_to_ask_is_a_channel_with_its_address(tmp_path: Path) -> None:
    support = [{"channel": "#data", "url": "https://chat.example/data"}, {"channel": "mail"}]
    about = compiled(tmp_path, contract={"support": support}).about
    assert about["support"] == ["#data: https://chat.example/data", "mail"]


def test_a_table_says_itself_what_it_is_for(tmp_path: Path) -> None:
    purpose = {"description": {"purpose": "of all"}, "domain": "sales", "dataProduct": "shop"}
    assert compiled(tmp_path, contract=purpose, table={"description": None}).about["purpose"] == "of all"
    about = compiled(tmp_path, contract=purpose, table={"description": "of this"}).about
    assert (about["purpose"], about["domain"], about["product"]) == ("of this", "sales", "shop")


def test_it_is_no_part_of_what_rows_are_read_by(tmp_path: Path) -> None:
    plain = compiled(tmp_path).document
    assert compiled(tmp_path, contract={"team": MEMBERS, "domain": "sales"}).document == plain
