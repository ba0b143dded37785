"""Texts of a table that nobody gave are absent, as in AWS Glue; MiniStack answers with empty ones.

Trino takes a table's description for its comment, and tells its views by theirs: with an empty one it finds no view.
"""

from __future__ import annotations

from typing import Any, Final

from ministack.services import glue

from local.patches import monkeypatch

_TEXTS: Final = ("Description", "Owner")


def install() -> None:
    """Install the adapter.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    monkeypatch.value(glue, "_tables", object)
    for name in ("_create_table", "_update_table"):
        _replace(name)


def _replace(name: str) -> None:
    def write(data: dict[str, Any]) -> Any:
        answer = original(data)
        given = data.get("TableInput", {})
        table = glue._tables.get(f"{data.get('DatabaseName')}/{given.get('Name')}")
        if answer[0] < 300 and table is not None:
            # An update replaces all of a table's definition, too.
            for text in _TEXTS:
                if text not in given:
                    table.pop(text, None)
        return answer

    original = monkeypatch.replace(glue, name, "data", write)
