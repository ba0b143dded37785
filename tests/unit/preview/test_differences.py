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
    assert said(old, new) == [("policy.Statement[0].Action[1]", ABSENT, "s3:PutObject")]


def test_a_document_that_is_only_written_differently_is_a_difference_all_the_same() -> None:
    assert said({"p": '{"a":1}'}, {"p": '{"a": 1}'}) == [("p", '{"a":1}', '{"a": 1}')]


def test_what_only_looks_like_a_document_is_text() -> None:
    assert list(differences("{a}", "{b}")) == [Difference(path="", old="{a}", new="{b}")]
