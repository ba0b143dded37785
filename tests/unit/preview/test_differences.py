"""What differs is said where it differs: in nested values, in lists, in JSON documents."""

import json
from typing import Any

import pytest

from ops.preview.differences import ABSENT, Difference, differences


def said(old: Any, new: Any) -> list[tuple[str, Any, Any]]:
    return [(one.path, one.old, one.new) for one in differences(old, new)]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [("a", 1, 2)]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, [("a.c", 2, 3)]),
        ({"a": 1}, {}, [("a", 1, ABSENT)]),
        ({}, {"a": None}, [("a", ABSENT, None)]),
        ({"a": 1}, {"a": True}, [("a", 1, True)]),
        ({"a": 1}, {"a": "1"}, [("a", 1, "1")]),
        ({"a": {"b": 1}}, {"a": [1]}, [("a", {"b": 1}, [1])]),
        # what comes first moves the others, and changes none of them
        ({"a": ["x", "y"]}, {"a": ["w", "x", "y"]}, [("a[0]", ABSENT, "w")]),
        ({"a": ["x", "y", "z"]}, {"a": ["x", "z"]}, [("a[1]", "y", ABSENT)]),
        ({"a": [{"v": 1}, {"v": 2}]}, {"a": [{"v": 1}, {"v": 3}]}, [("a[1].v", 2, 3)]),
        ({"a": [{"n": 1, "v": 1}, {"n": 2}]}, {"a": [{"n": 1, "v": 9}, {"n": 2}]}, [("a[0].v", 1, 9)]),
    ],
)
def test_a_difference_has_its_path_its_old_and_its_new_value(
    old: dict[str, Any], new: dict[str, Any], found: list[tuple[str, Any, Any]]
) -> None:
    assert said(old, new) == found


def test_a_json_document_is_compared_inside() -> None:
    old = {"policy": json.dumps({"Statement": [{"Sid": "a", "Action": ["s3:GetObject"]}]})}
    new = {"policy": json.dumps({"Statement": [{"Sid": "a", "Action": ["s3:GetObject", "s3:PutObject"]}]})}
    assert said(old, new) == [("policy.Statement[a].Action[1]", ABSENT, "s3:PutObject")]


def test_a_document_that_is_only_written_differently_is_a_difference_all_the_same() -> None:
    assert said({"p": '{"a":1}'}, {"p": '{"a": 1}'}) == [("p", '{"a":1}', '{"a": 1}')]


def test_what_only_looks_like_a_document_is_text() -> None:
    assert list(differences("{a}", "{b}")) == [Difference(path="", old="{a}", new="{b}")]


def widget(title: str, y: int, stat: str = "Sum") -> dict[str, Any]:
    return {"x": 0, "y": y, "width": 8, "properties": {"title": title, "stat": stat}}


@pytest.mark.parametrize("name", ["Sid", "id", "Id", "name", "Name", "title", "key", "Key", "attributeName", "dataset"])
def test_what_has_a_name_is_compared_by_it_wherever_it_stands(name: str) -> None:
    old = [{name: "a", "v": 1}, {name: "b", "v": 2}, {name: "c", "v": 3}]
    new = [{name: "n", "v": 0}, {name: "b", "v": 9}, {name: "a", "v": 1}]
    assert said({"l": old}, {"l": new}) == [
        ("l[b].v", 2, 9),
        ("l[c]", old[2], ABSENT),
        ("l[n]", ABSENT, new[0]),
        ("l (order)", ["a", "b"], ["b", "a"]),
    ]


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ([{"id": "a", "v": 1}, {"v": 2}], [{"id": "a", "v": 1}, {"v": 3}], "l[1].v"),
        ([{"id": "a", "v": 1}, {"id": "a", "v": 2}], [{"id": "a", "v": 1}, {"id": "a", "v": 3}], "l[1].v"),
        ([{"id": 1, "v": 1}], [{"id": 1, "v": 2}], "l[0].v"),
        ([{"id": 1, "name": "x", "v": 1}], [{"id": 2, "name": "x", "v": 1}], "l[x].id"),
    ],
    ids=["one has none", "two are called the same", "a number", "the next name"],
)
def test_what_is_not_told_apart_by_a_name_is_compared_where_it_stands(old: Any, new: Any, path: str) -> None:
    assert [one for one, _, _ in said({"l": old}, {"l": new})] == [path]


def test_widgets_are_compared_by_title_and_that_all_move_is_said_once() -> None:
    old = {"body": json.dumps({"widgets": [widget("rows", 0), widget("errors", 6)]})}
    new = {"body": json.dumps({"widgets": [widget("cost", 0), widget("rows", 6), widget("errors", 12, "Maximum")]})}
    assert said(old, new) == [
        ("body.widgets[errors].properties.stat", "Sum", "Maximum"),
        ("body.widgets[cost]", ABSENT, widget("cost", 0)),
        ("body.widgets (places)", {"rows": [0, 0], "errors": [0, 6]}, {"rows": [0, 6], "errors": [0, 12]}),
    ]


def test_a_statement_without_a_name_is_paired_with_the_one_it_is_most_like() -> None:
    reads = {"Effect": "Allow", "Resource": "r", "Action": ["read"]}
    lists = {"Effect": "Allow", "Resource": "r", "Action": ["read", "list"]}
    signs = {"Effect": "Allow", "Resource": "k", "Action": ["sign"]}
    assert said({"s": [reads]}, {"s": [signs, lists]}) == [("s[1].Action[1]", ABSENT, "list"), ("s[0]", ABSENT, signs)]


def test_a_name_is_no_command_to_a_terminal() -> None:
    assert said([{"id": "\x1b[2J"}], [])[0][0] == "[\\x1b[2J]"
