"""The demo's data and a table of every type as tables of an emulator, asked of both engines."""

from __future__ import annotations

import datetime
import io
import json
import tempfile
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from components.catalog import tables as own
from local.demo_data import flights_csv, package_data
from local.emulator import Emulator

DATABASE = "lake"
BUCKET = "lake-bucket"
PARQUET = {
    "InputFormat": own.PARQUET.input_format,
    "OutputFormat": own.PARQUET.output_format,
    "SerdeInfo": {"SerializationLibrary": own.PARQUET.serializer},
}
MONTHS = (1, 2, 7)
FLIGHTS = """
    SELECT day, dep_time, sched_dep_time, dep_delay, arr_time, sched_arr_time, arr_delay, carrier, flight, tailnum,
           origin, dest, air_time, distance, hour, minute, time_hour, year, month
    FROM read_csv('{path}', nullstr='NA', sample_size=-1)
    WHERE month IN (1, 2, 7) AND day <= 3"""
NUMBERS = ("tiny", "small", "whole", "big", "price", "money", "single", "twice")


def kinds() -> pa.Table:
    """One column of each type, with NULL, negative numbers, and texts of other alphabets."""
    stamp = datetime.datetime(2013, 3, 10, 6, 30, 15, 123000)  # noqa: DTZ001  # as Parquet has it
    return pa.table(
        {
            "id": pa.array([1, 2, 3, 4], pa.int32()),
            "yes": pa.array([True, False, None, True]),
            "tiny": pa.array([5, -3, None, 0], pa.int8()),
            "small": pa.array([300, -7, None, 0], pa.int16()),
            "whole": pa.array([70_000, -11, None, 0], pa.int32()),
            "big": pa.array([5_000_000_000, -13, None, 0], pa.int64()),
            "price": pa.array([Decimal("12.50"), Decimal("-3.25"), None, Decimal("0.00")], pa.decimal128(10, 2)),
            "money": pa.array([Decimal("1.005"), Decimal("-2.500"), None, Decimal("0.000")], pa.decimal128(18, 3)),
            "single": pa.array([1.5, -2.25, None, 0.0], pa.float32()),
            "twice": pa.array([2.5, -1e10, None, 0.0], pa.float64()),
            "text": pa.array(["Straße 7", "  a,b,c ", None, ""]),
            "day": pa.array([datetime.date(2013, 1, 31), datetime.date(2012, 2, 29), None, datetime.date(1970, 1, 1)]),
            "at": pa.array([stamp, datetime.datetime(2012, 2, 29, 23, 59, 59), None, datetime.datetime(1970, 1, 1)], pa.timestamp("us")),  # noqa: DTZ001, E501  # as Parquet has it
            "raw": pa.array([b"\x00\xff", b"abc", None, b""]),
            "list": pa.array([["a", None, "b"], ["c"], None, []], pa.list_(pa.string())),
            "counts": pa.array([[3, 1, 2], [5, None], None, []], pa.list_(pa.int64())),
        }
    )  # fmt: skip


def nested() -> pa.Table:
    """Structs, lists of structs and maps, with NULL at each level; times have more digits than Athena reads."""
    stamp = datetime.datetime(2013, 3, 10, 6, 30, 15, 123600)  # noqa: DTZ001  # as Parquet has it
    person = pa.struct([("name", pa.string()), ("born", pa.struct([("year", pa.int32()), ("at", pa.timestamp("us"))]))])
    item = pa.struct([("sku", pa.string()), ("count", pa.int64()), ("price", pa.decimal128(10, 2))])
    first = {"name": "Ada", "born": {"year": 1815, "at": stamp}}
    items = [{"sku": "a", "count": 2, "price": Decimal("1.50")}, None, {"sku": None, "count": None, "price": None}]
    return pa.table(
        {
            "id": pa.array([1, 2, 3], pa.int32()),
            "person": pa.array([first, {"name": "Bo", "born": None}, None], person),
            "items": pa.array([items, [], None], pa.list_(item)),
            "labels": pa.array([[("k", 1), ("l", None)], [], None], pa.map_(pa.string(), pa.int32())),
            "people": pa.array([[("p", first)], [("q", None)], None], pa.map_(pa.string(), person)),
            "grid": pa.array([[[1, 2], [3]], [None, []], None], pa.list_(pa.list_(pa.int32()))),
            "times": pa.array([[stamp, None], [], None], pa.list_(pa.timestamp("us"))),
        }
    )


class World:
    """Tables in a database of an emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self.glue, self.s3 = emulator.client("glue"), emulator.client("s3")
        self.athena = emulator.client("athena")
        self.s3.create_bucket(Bucket=BUCKET)
        self.glue.create_database(DatabaseInput={"Name": DATABASE})
        with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
            path = flights_csv(Path(folder))
            for name in ("airlines", "airports", "planes", "weather"):
                source = package_data() / f"{name}.csv"
                limit = " WHERE month IN (1, 2, 7) AND day <= 3" if name == "weather" else ""
                rows = connection.execute(
                    f"SELECT * FROM read_csv('{source}', nullstr='NA', sample_size=-1){limit}"
                ).to_arrow_table()
                self.parquet(name, _plain(rows), [])
            rows = connection.execute(FLIGHTS.format(path=path)).to_arrow_table()
            self.parquet("flights", _plain(rows), ["year", "month"])
        self.parquet("kinds", kinds(), [])
        self.parquet("nested", nested(), [])
        self.own()

    def parquet(self, name: str, rows: pa.Table, keys: list[str]) -> None:
        """A table of Parquet files, with partitions whose keys are strings."""
        columns = [{"Name": f.name, "Type": _hive(f.type)} for f in rows.schema if f.name not in keys]
        storage = {**PARQUET, "Columns": columns, "Location": f"s3://{BUCKET}/{name}/"}
        table = {
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
            "StorageDescriptor": storage,
            "PartitionKeys": [{"Name": key, "Type": "string"} for key in keys],
        }
        self.glue.create_table(DatabaseName=DATABASE, TableInput=table)
        if not keys:
            self.put(f"{name}/part-0.parquet", rows)
            return
        for values in sorted({tuple(row[key] for key in keys) for row in rows.select(keys).to_pylist()}):
            mask = [
                all(row[key] == value for key, value in zip(keys, values, strict=True))
                for row in rows.select(keys).to_pylist()
            ]
            folder = "/".join(f"{key}={value}" for key, value in zip(keys, values, strict=True))
            self.put(f"{name}/{folder}/part-0.parquet", rows.filter(pa.array(mask)).drop_columns(keys))
            place = {**storage, "Location": f"s3://{BUCKET}/{name}/{folder}/"}
            partition = {"Values": [str(value) for value in values], "StorageDescriptor": place}
            self.glue.create_partition(DatabaseName=DATABASE, TableName=name, PartitionInput=partition)

    def put(self, key: str, rows: pa.Table) -> None:
        sink = io.BytesIO()
        pq.write_table(rows, sink)
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=sink.getvalue())

    def own(self) -> None:
        """The pipeline's own tables, as the program declares them, with a few rows."""
        datasets = ["flights", "planes"]
        for table, folder in (
            (own.runs(datasets), "runs"),
            (own.quarantined_rows(datasets), "rows"),
            (own.quarantined_files(), "reasons"),
        ):  # fmt: skip
            definition = {
                "Name": table.name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": table.parameters(),
                "PartitionKeys": [{"Name": key, "Type": "string"} for key in table.projection],
                "StorageDescriptor": {
                    "Location": f"s3://{BUCKET}/{folder}/",
                    "Columns": [{"Name": name, "Type": kind} for name, kind in table.columns.items()],
                    "InputFormat": table.storage.input_format,
                    "OutputFormat": table.storage.output_format,
                    "SerdeInfo": {"SerializationLibrary": table.storage.serializer},
                },
            }
            self.glue.create_table(DatabaseName=DATABASE, TableInput=definition)
        today = datetime.datetime.now(datetime.UTC)
        run = {
            "batch_id": "b1", "outcome": "PUBLISHED", "files": 2, "files_quarantined": 0, "bytes": 10, "rows_read": 7,
            "rows_curated": 6, "rows_quarantined": 1, "violations": ["type:year"], "seconds_to_published": 9,
            "created_at": f"{today:%Y-%m-%d} 00:00:01.250", "finished_at": f"{today:%Y-%m-%d} 00:00:09",
        }  # fmt: skip
        for dataset, batch in (("flights", "b1"), ("planes", "b2")):
            body = json.dumps({**run, "batch_id": batch}).encode()
            self.s3.put_object(Bucket=BUCKET, Key=f"runs/dataset={dataset}/month={today:%Y-%m}/{batch}.json", Body=body)
        reason = {
            "bucket": "raw",
            "key": "flights/a.csv",
            "version": "v1",
            "dataset": "flights",
            "reason": "empty",
            "size": 0,
        }
        self.s3.put_object(Bucket=BUCKET, Key="reasons/1.json", Body=json.dumps(reason).encode())
        rows = pa.table(
            {
                "batch_id": ["b1", "b1"],
                "source_file": ["a.csv", "a.csv"],
                "line": pa.array([2, 3], pa.int64()),
                "raw_record": ["x,y", "z"],
                "reasons": pa.array([["type:year", "required:day"], ["type:year"]], pa.list_(pa.string())),
                "quarantined_at": pa.array([1_795_000_000_000_000] * 2, pa.timestamp("us")),
            }
        )
        self.put("rows/dataset=flights/b1-0.parquet", rows)


def _hive(kind: pa.DataType) -> str:
    from local.glue.hive_types import hive_type

    return hive_type(kind)


def _plain(rows: pa.Table) -> pa.Table:
    """Without DuckDB's own choices: whole numbers of 32 bits where the contract says integer, times without a zone."""
    fields = []
    for field in rows.schema:
        kind = field.type
        if pa.types.is_timestamp(kind):
            kind = pa.timestamp("us")
        elif kind == pa.int64():
            kind = pa.int32()
        fields.append(pa.field(field.name, kind))
    return rows.cast(pa.schema(fields))
