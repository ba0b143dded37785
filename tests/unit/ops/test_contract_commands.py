"""From a file to its contract, and what would become of a file: commands that need no AWS."""

import bz2
import gzip
import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pipeline_core.contract import Contract
from typer.testing import CliRunner, Result

from contracts.compiler.compile import compile_contract
from ops.__main__ import app
from ops.contracts.commands import _counts
from ops.contracts.trial import attempt
from tests.lake import ORDERS
from tests.unit.contracts.test_policy import wrong_by_the_schema

HEADERS = ["Order ID", "Total (EUR)", "année", "2024_sales", "_id", "Zip Code", "At", "Day", "Ok", "order id ", "_file"]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def inferred(folder: Path, *files: Path) -> Result:
    return run("contract", "infer", *files, "--dataset", "shop", "--contracts", folder)


def types(folder: Path) -> dict[str, str]:
    columns = compile_contract(folder / "shop.odcs.yaml").document["columns"]
    return {column.get("source", column["name"]): column["type"] for column in columns}


def test_a_csv_of_thirty_columns_is_published_by_the_contract_that_is_made_of_it(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    names = [*HEADERS[:9], *(f"Column No. {number}" for number in range(21))]
    rows = [
        ["1", "2.50", "1", "x", "a", "01234", "2024-01-01T10:00:00Z", "2024-01-01", "true", *["", "7"] * 10, "z"],
        ["2", "3.25", "NA", "y;", "b", "99999", "2024-01-01 11:00", "2024-02-29", "FALSE", *["q", "8.5"] * 10, "z"],
    ]
    lines = [";".join(f'"{value}"' if ";" in value else value for value in row) for row in [names, *rows]]
    file.write_text("\n".join(lines), encoding="utf-8")
    made = inferred(tmp_path / "contracts", file)
    assert made.exit_code == 0, made.output
    assert "rows_curated: 2" in made.output
    found = types(tmp_path / "contracts")
    assert len(found) == 30
    assert [found[name] for name in HEADERS[:9]] == [
        *("bigint", "decimal(38,2)", "bigint", "string", "string", "string", "timestamp", "date", "boolean")
    ]
    text = (tmp_path / "contracts" / "shop.odcs.yaml").read_text(encoding="utf-8")
    assert wrong_by_the_schema(yaml.safe_load(text)) == []
    assert "# digits with zeros before them: kept as text" in text
    assert "# no value comes twice in 2 rows: it may be the key" in text


def test_names_that_would_be_one_in_the_table_are_numbered_and_an_unnamed_column_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(",Order ID,order_id,_file\n0,1,2,3\n", encoding="utf-8")
    made = inferred(tmp_path / "contracts", file)
    assert made.exit_code == 0, made.output
    document = compile_contract(tmp_path / "contracts" / "shop.odcs.yaml").document
    assert [column["name"] for column in document["columns"]] == ["order_id_2", "order_id", "_file_2"]
    assert document["ignored_columns"] == [""]


def test_json_and_parquet_make_contracts_too(tmp_path: Path) -> None:
    lines = [{"id": 1, "Tags": ["a"], "when": "2024-01-01T00:00:00Z"}, {"id": 2, "note": "x"}]
    json_file = tmp_path / "a.jsonl.gz"
    json_file.write_bytes(gzip.compress("\n".join(map(json.dumps, lines)).encode()))
    parquet = tmp_path / "b.parquet"
    price = pa.array([Decimal("1.50"), None], pa.decimal128(9, 2))
    columns = {"Id Number": [1.5, 2.0], "list": [[1], [2]], "name": ["12", None], "price": price}
    pq.write_table(pa.table({**columns, "raw": [b"a", b"b"], "at": pa.array([1, 2], pa.time32("s"))}), parquet)
    for number, file in enumerate((json_file, parquet)):
        made = inferred(tmp_path / f"contracts{number}", file)
        assert made.exit_code == 0, made.output
        assert "rows_curated: 2" in made.output
    assert types(tmp_path / "contracts0")["when"] == "timestamp"
    assert types(tmp_path / "contracts0")["Tags"] == "string"
    assert types(tmp_path / "contracts1") == {
        "Id Number": "double",
        "list": "string",
        "name": "string",
        "price": "decimal(38,2)",
    }
    document = compile_contract(tmp_path / "contracts1" / "shop.odcs.yaml").document
    assert sorted(document["ignored_columns"]) == ["at", "raw"]


@pytest.mark.parametrize(
    "content", ['[{"a": 1,\n "b": {"c": "}"}},\n{"a": 2, "d": true}]', '{"a":1,"b":{}}{"a":2,"d":true}']
)
def test_json_that_is_not_on_lines_makes_a_contract(tmp_path: Path, content: str) -> None:
    file = tmp_path / "a.json"
    file.write_text(content, encoding="utf-8")
    made = inferred(tmp_path / "contracts", file)
    assert made.exit_code == 0, made.output
    assert "rows_curated: 2" in made.output
    assert types(tmp_path / "contracts") == {"a": "bigint", "b": "string", "d": "boolean"}


@pytest.mark.parametrize(
    ("content", "columns", "settings"),
    [
        (
            b"1,x,2.5\n2,y,3.5\n",
            {"column_1": "bigint", "column_2": "string", "column_3": "decimal(38,1)"},
            {"header": False},
        ),
        (b"a;b\n1;'x;y'\n2;'z'\n", {"a": "bigint", "b": "string"}, {"quote": "'"}),
        (b'a,b\n"x\\"y",1\n"z",2\n', {"a": "string", "b": "bigint"}, {"escape": "\\"}),
        (b"report of today\n\nid,v\n1,2\n2,3\n", {"id": "bigint", "v": "bigint"}, {"skip_lines": 2}),
        ("straße,n\nKöln,1\n".encode("cp1252"), {"straße": "string", "n": "bigint"}, {"encoding": "cp1252"}),
        ("\ufeffstraße,n\nKöln,1\n".encode("utf-16-le"), {"straße": "string", "n": "bigint"}, {}),
        (bz2.compress("straße\tn\nKöln\t1\n".encode()), {"straße": "string", "n": "bigint"}, {}),
    ],
)
def test_how_a_sample_is_written_is_found(
    tmp_path: Path, content: bytes, columns: dict[str, str], settings: dict[str, object]
) -> None:
    file = tmp_path / "part-0000"
    file.write_bytes(content)
    made = inferred(tmp_path / "contracts", file)
    assert made.exit_code == 0, made.output
    assert types(tmp_path / "contracts") == columns
    path = tmp_path / "contracts" / "shop.odcs.yaml"
    assert compile_contract(path).document["dialect"] == settings
    assert wrong_by_the_schema(yaml.safe_load(path.read_text(encoding="utf-8"))) == []


def test_samples_in_two_encodings_are_named(tmp_path: Path) -> None:
    one, other, plain = (tmp_path / name for name in "abc")
    one.write_bytes("a\nö\n".encode())
    other.write_bytes("a\nö\n".encode("cp1252"))
    plain.write_bytes(b"a\nx\n")
    assert inferred(tmp_path / "contracts", plain, other).exit_code == 0
    refused = inferred(tmp_path / "others", one, other)
    assert "the samples are in several encodings (cp1252, utf-8)" in str(refused.exception)


def test_a_contract_is_not_written_over_and_a_missing_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a\n1\n", encoding="utf-8")
    assert inferred(tmp_path, file).exit_code == 0
    assert "is there already" in str(inferred(tmp_path, file).exception)
    assert "there is no such file" in str(inferred(tmp_path / "other", tmp_path / "none.csv").exception)


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        ("a,b\n1,x\n", 0, ["published", "rows_curated: 1"]),
        ("a,b\nx,x\n2,y\n", 3, ["some rows would be refused", "line 2", "type:a", "record: x,x"]),
        ("a,c\n1,x\n", 3, ["nothing of it would be published", "unexpected_column:c"]),
        ("\n1,x\n", 3, ["nothing of it would be published", "no_known_column"]),
    ],
)
def test_a_file_is_tried_row_by_row(tmp_path: Path, content: str, code: int, said: list[str]) -> None:
    sample, file = tmp_path / "s.csv", tmp_path / "f.csv"
    sample.write_text("a,b\n1,x\n3,y\n", encoding="utf-8")
    file.write_text(content, encoding="utf-8")
    assert inferred(tmp_path, sample).exit_code == 0
    tried = run("try", "shop", file, "--contracts", tmp_path)
    assert tried.exit_code == code, tried.output
    assert [text for text in said if text not in tried.output] == []


def test_a_check_says_what_is_not_enforced_and_what_is_wrong(tmp_path: Path) -> None:
    assert run("contract", "check").exit_code == 0
    sample = tmp_path / "s.csv"
    sample.write_text("a,b\n1,x\n", encoding="utf-8")
    assert inferred(tmp_path, sample).exit_code == 0
    path = tmp_path / "shop.odcs.yaml"
    path.write_text(
        path.read_text().replace("        logicalType: integer", "        logicalType: integer\n        unique: true")
    )
    assert "not enforced: unique: only the primary key" in run("contract", "check", path).output
    path.write_text(path.read_text().replace("logicalType: integer", "logicalType: whole"))
    assert "logicalType 'whole'; allowed" in str(run("contract", "check", path).exception)


def test_a_trial_says_what_changes_do(tmp_path: Path) -> None:
    """Of a contract that keeps the latest row of a key, on a table that is empty."""
    columns = [{"name": name, "type": "int" if name == "id" else "string"} for name in ("id", "value", "op")]
    changing = {"table_format": "iceberg", "write_mode": "latest", "operation": "op", "delete_codes": ["D"]}
    contract = Contract.from_document(
        {**ORDERS, **changing, "columns": columns, "primary_key": ["id"], "partition_by": []}
    )
    file = tmp_path / "changes.csv"
    file.write_text("id,value,op\n1,a,I\n1,b,U\n2,c,I\n2,c,D\n3,d,I\n")
    found = attempt(contract, file)
    assert (found.rows_read, found.rows_curated, found.rows_superseded, found.rows_deleted) == (5, 2, 2, 1)
    assert [name for name, _ in _counts(found)] == [
        *("rows_read", "rows_curated", "rows_duplicate", "rows_superseded", "rows_deleted", "rows_quarantined")
    ]


@pytest.mark.parametrize(
    ("name", "values", "kind", "written"),
    [
        ("x", ["31.12.2024", "01.02.2024"], "date", {"format": "dd.MM.yyyy"}),
        ("x", ["1.2.2024", "NA"], "date", {"format": "d.M.yyyy"}),
        ("x", ["01/02/2024", "12/31/2024"], "date", {"format": "MM/dd/yyyy"}),
        ("x", ["31/12/2024", "01/02/2024"], "date", {"format": "dd/MM/yyyy"}),
        ("x", ["1/13/2024 07:05"], "timestamp", {"format": "M/d/yyyy HH:mm"}),
        ("x", ["2024/02/29"], "date", {"format": "yyyy/MM/dd"}),
        ("Order Date", ["20240229", "19991231"], "date", {"format": "yyyyMMdd"}),
        ("createdAt", ["1700000000", "1700000001"], "timestamp", {"format": "epoch_seconds"}),
        ("ts", ["1700000000123"], "timestamp", {"format": "epoch_milliseconds"}),
        ("x", ["1.234,5", "-12,25", "7"], "decimal(38,2)", {"decimal_separator": ",", "thousands_separator": "."}),
        ("x", ["12,5", "3"], "decimal(38,1)", {"decimal_separator": ","}),
        ("x", ["1,234.50", "2.5"], "decimal(38,2)", {"decimal_separator": ".", "thousands_separator": ","}),
        # What could be something else stays as it is.
        ("x", ["01/02/2024", "03/04/2024"], "string", "dates by dd/MM/yyyy and by MM/dd/yyyy: kept as text"),
        ("x", ["31/12/2024", "12/31/2024"], "string", ""),
        ("x", ["30.02.2024"], "string", ""),
        ("x", ["20240229", "19991231"], "bigint", ""),
        ("Order Date", ["20240230"], "bigint", ""),
        ("x", ["1700000000"], "bigint", ""),
        ("createdAt", ["946684799"], "bigint", ""),
        ("createdAt", ["1700000000", "x"], "string", ""),
        ("x", ["1,234", "5"], "string", "maybe numbers: kept as text"),
        ("x", ["1.234.567"], "string", "maybe numbers: kept as text"),
        ("x", ["1,23.4"], "string", ""),
        ("x", ["007,5"], "string", ""),
    ],
)
def test_how_values_are_written_is_guessed_only_where_it_is_certain(
    tmp_path: Path, name: str, values: list[str], kind: str, written: dict[str, str] | str
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("\n".join([f"n;{name}", *(f"{at};{value}" for at, value in enumerate(values))]), encoding="utf-8")
    made = inferred(tmp_path / "contracts", file)
    assert made.exit_code == 0, made.output
    assert f"rows_curated: {len(values)}" in made.output
    path = tmp_path / "contracts" / "shop.odcs.yaml"
    column = compile_contract(path).document["columns"][1]
    text = path.read_text(encoding="utf-8")
    assert column["type"] == kind
    assert wrong_by_the_schema(yaml.safe_load(text)) == []
    if isinstance(written, str):
        assert "written" not in column
        assert written in text
        assert ("kept as text" in text) == bool(written)
    else:
        assert column["written"] == written


def test_a_comma_may_part_values_where_values_stand_between_commas(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text('n,x\n1,"1,5"\n2,"2,25"\n', encoding="utf-8")
    assert inferred(tmp_path / "contracts", file).exit_code == 0
    assert types(tmp_path / "contracts")["x"] == "string"


def test_folders_of_the_samples_are_said_where_all_have_them(tmp_path: Path) -> None:
    files = [tmp_path / "year=2024" / f"month={month}" / "n=1" / "a.csv" for month in (1, 2)]
    files.append(tmp_path / "year=2025" / "n=1" / "a.csv")
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text("n,m\n1,2\n", encoding="utf-8")
    assert inferred(tmp_path / "some", *files[:2]).exit_code == 0
    assert inferred(tmp_path / "all", *files).exit_code == 0
    said = [(tmp_path / name / "shop.odcs.yaml").read_text(encoding="utf-8") for name in ("some", "all")]
    assert "# The samples lie in folders year=/month=," in said[0]
    assert "# The samples lie in folders year=," in said[1]
