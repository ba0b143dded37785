"""How a contract says that its values are written, what of it is compiled, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pipeline_core.date_patterns import FormatError, date_pattern

from contracts.compiler.compile import compile_contract
from contracts.compiler.read import ContractError


def written(folder: Path, properties: list[dict[str, Any]], **custom: Any) -> dict[str, Any]:
    document = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "1", "version": "1.0.0", "status": "active",
        "customProperties": [{"property": name, "value": value} for name, value in custom.items()],
        "schema": [{"name": "sales", "properties": properties}],
    }  # fmt: skip
    path = folder / "sales.odcs.yaml"
    path.write_text(yaml.safe_dump(document))
    columns = compile_contract(path).document["columns"]
    return {column["name"]: column.get("written") for column in columns}


def column(name: str, kind: str, format_: str | None = None, **custom: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, "logicalType": kind}
    if format_ is not None:
        made["logicalTypeOptions"] = {"format": format_}
    if custom:
        made["customProperties"] = [{"property": key, "value": value} for key, value in custom.items()]
    return made


def test_what_a_table_says_holds_for_columns_of_such_types_and_what_a_column_says_wins(tmp_path: Path) -> None:
    columns = [
        column("name", "string"),
        column("price", "number"),
        column("cost", "number", decimalSeparator=","),
        column("on", "boolean"),
        column("day", "date"),
        column("other_day", "date", "yyyyMMdd", dateFormat="MM/dd/yyyy"),
        column("usual_day", "date", "yyyy-MM-dd"),
        column("seen", "timestamp", "epoch_seconds"),
    ]
    said = {"decimalSeparator": ".", "currencySigns": ["$"], "trueWords": ["yes"], "dateFormat": "dd/MM/yyyy"}
    assert written(tmp_path, columns, **said) == {
        "name": None,
        "price": {"decimal_separator": ".", "currency_signs": ["$"]},
        "cost": {"decimal_separator": ",", "currency_signs": ["$"]},
        "on": {"true_words": ["yes"]},
        "day": {"format": "dd/MM/yyyy"},
        "other_day": {"format": "yyyyMMdd"},
        "usual_day": None,
        "seen": {"format": "epoch_seconds"},
    }


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (column("v", "date", "dd/mm/yyyy"), "the month (MM; mm is the minute) lacks"),
        (column("v", "date", "YYYY-MM-dd"), "'YYYY' is not read; allowed: yyyy or yy"),
        (column("v", "timestamp", "hh:mm dd/MM/yyyy"), "no AM or PM (a)"),
        (column("v", "timestamp", 5), "5; allowed: yyyy"),  # type: ignore[arg-type] # no text
        (
            column("v", "string", decimalSeparator=","),
            "a string column has none: it is for int",
        ),
        (column("v", "number", decimalSeparator=";"), "';'; allowed: '.', ','"),
        (column("v", "number", thousandsSeparator="."), "is the decimalSeparator too"),
        (column("v", "number", currencySigns=["Fr."]), "have a separator of numbers in them"),
        (column("v", "boolean", trueWords=["0"]), "0 would be both"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_is_allowed(tmp_path: Path, made: dict[str, Any], said: str) -> None:
    with pytest.raises(ContractError, match=r"schema\.0\.properties\.0") as problem:
        written(tmp_path, [made])
    assert said in str(problem.value)


@pytest.mark.parametrize(
    "pattern",
    ["dMyyyy", "ddM/yyyy", "d[/]M/yyyy", "d[ H]m yyyy-MM", "[dd]/MM/yyyy", "dd/MM/yyyy'", "dd/MM/yyyy]", "dd/MM/yyyy[",
     "dd/MM/yyyy dd", "dd/MM/yyyy MMM", "dd/MM/yyyy ss", "dd/MM/yyyy HH:mm a", "dd/MM/yyyy VV", "{dd}/MM/yyyy",
     "D yyyy", "dd/MM/yyyy HH:mm hh a", "dd/MM/yyyy HH:mm X z", "dd/MM/yyyy HH:mm:ss.SSSSSSSSSS"],
)  # fmt: skip
def test_a_pattern_by_which_a_text_could_mean_two_things_or_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(FormatError):
        date_pattern(pattern, "timestamp")
