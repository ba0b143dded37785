"""The catalog keeps of a table what it is given, and no more: other programs tell views by it."""

from typing import Any

import pytest

from local.emulator import Emulator

VIEW = {
    "TableType": "VIRTUAL_VIEW",
    "Parameters": {"presto_view": "true", "comment": "Presto View"},
    "StorageDescriptor": {"Columns": [{"Name": "dummy", "Type": "string"}]},
}


@pytest.fixture
def glue(emulator: Emulator, bucket: str) -> Any:
    glue = emulator.client("glue")
    glue.create_database(DatabaseInput={"Name": bucket})
    return glue


def test_texts_that_nobody_gave_are_absent(glue: Any, bucket: str) -> None:
    glue.create_table(DatabaseName=bucket, TableInput={"Name": "v", **VIEW})
    table = glue.get_table(DatabaseName=bucket, Name="v")["Table"]
    assert not {"Description", "Owner"} & table.keys()
    assert table["Parameters"] == VIEW["Parameters"]


def test_texts_that_were_given_stay_until_an_update_leaves_them_out(glue: Any, bucket: str) -> None:
    texts = {"Description": "what it is", "Owner": "somebody"}
    glue.create_table(DatabaseName=bucket, TableInput={"Name": "v", **VIEW, **texts})
    assert texts.items() <= glue.get_table(DatabaseName=bucket, Name="v")["Table"].items()
    glue.update_table(DatabaseName=bucket, TableInput={"Name": "v", **VIEW, "Owner": "another"})
    table = glue.get_table(DatabaseName=bucket, Name="v")["Table"]
    assert "Description" not in table
    assert table["Owner"] == "another"
