"""Glue crawlers that crawl: Parquet footers and Hive-style paths become tables and partitions of the catalog.

MiniStack's crawlers are timers that create nothing. This one does what a Glue crawler does for Parquet in S3, with the
crawler's role. Simplified: every S3 target is one table, named after its folder.
"""

from __future__ import annotations

import contextvars
import fnmatch
import io
import json
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow.parquet as pq
from botocore.exceptions import BotoCoreError, ClientError
from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import glue
from pyarrow.lib import ArrowException

from local.glue import events
from local.glue.hive_types import hive_type
from local.glue.mirror import Location
from local.iam import roles
from local.patches import monkeypatch

Json = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

_FOOTER_BYTES: Final = 64 * 1024
_BATCH: Final = 100
_STORAGE: Final = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "Compressed": False,
    "NumberOfBuckets": -1,
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "Parameters": {"serialization.format": "1"},
    },
    "BucketColumns": [],
    "SortColumns": [],
    "StoredAsSubDirectories": False,
}


@dataclass
class Found:
    """What a crawl found below one target: the columns in order, partition keys, and the partitions' folders."""

    columns: dict[str, str] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    partitions: dict[tuple[str, ...], str] = field(default_factory=dict)
    objects: int = 0
    size: int = 0
    records: int = 0


def install(endpoint: str) -> None:
    """Install the adapter; crawlers call the emulator at `endpoint` as their roles.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    events.check_names()
    monkeypatch.value(glue, "_crawlers", object)

    def start(data: Json) -> Response:
        crawler = glue._crawlers.get(data.get("Name"))
        if crawler is None:
            return _error("EntityNotFoundException", f"Crawler entry {data.get('Name')} does not exist")
        if crawler["State"] != "READY":
            return _error("CrawlerRunningException", f"Crawler with name {crawler['Name']} has already started")
        crawler["State"] = "RUNNING"
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(_crawl, crawler, endpoint), daemon=True).start()
        return json_response({})  # type: ignore[no-any-return]  # MiniStack has no types

    def stop(data: Json) -> Response:
        crawler = glue._crawlers.get(data.get("Name"))
        if crawler is None:
            return _error("EntityNotFoundException", f"Crawler entry {data.get('Name')} does not exist")
        if crawler["State"] == "STOPPING":
            return _error("CrawlerStoppingException", f"Crawler with name {crawler['Name']} is stopping")
        if crawler["State"] != "RUNNING":
            return _error("CrawlerNotRunningException", f"Crawler with name {crawler['Name']} isn't running")
        crawler["State"] = "STOPPING"
        return json_response({})  # type: ignore[no-any-return]  # MiniStack has no types

    monkeypatch.replace(glue, "_start_crawler", "data", start)
    monkeypatch.replace(glue, "_stop_crawler", "data", stop)


def _crawl(crawler: Json, endpoint: str) -> None:
    began = time.time()
    last: Json = {
        "Status": "SUCCEEDED",
        "LogGroup": "/aws-glue/crawlers",
        "LogStream": crawler["Name"],
        "MessagePrefix": new_uuid(),
        "StartTime": began,
    }
    try:
        session = roles.session_of(crawler["Role"], "AWS-Crawler", "glue.amazonaws.com")
        for target in crawler["Targets"].get("S3Targets", []):
            Crawl(crawler, session.client("s3", endpoint), session.client("glue", endpoint)).target(target)
            if crawler["State"] == "STOPPING":
                last["Status"] = "CANCELLED"
                break
    except (roles.AccessDeniedError, ClientError, BotoCoreError, ArrowException, ValueError) as error:
        last |= {"Status": "FAILED", "ErrorMessage": str(error)}
    crawler["CrawlElapsedTime"] = round((time.time() - began) * 1000)
    crawler["LastCrawl"] = last
    crawler["State"] = "READY"
    events.crawl_ended(crawler["Name"], last)


@dataclass
class Crawl:
    """One crawl with the clients of the crawler's role."""

    crawler: Json
    s3: Any
    glue: Any

    def target(self, target: Json) -> None:
        """Bring the table of one S3 target up to date with what lies there.

        Raises:
            ClientError: if the role may not read S3 or write the catalog.
            ValueError: if the files do not fit together.
        """
        root = Location.parse(target["Path"].rstrip("/") + "/")
        found = self.look(root, target.get("Exclusions") or [])
        if not found.objects:
            return
        name = f"{self.crawler.get('TablePrefix') or ''}{root.key.rstrip('/').rsplit('/', 1)[-1] or root.bucket}"
        name = name.lower().replace("-", "_")
        table = self._table(name, found, f"s3://{root.bucket}/{root.key}")
        if found.keys:
            self._partitions(table, found)

    def look(self, root: Location, exclusions: Iterable[str]) -> Found:
        """Read the paths and footers below a folder."""
        found = Found()
        for key, size in self._objects(root, list(exclusions)):
            folders = [part.split("=", 1) for part in key[len(root.key) :].split("/")[:-1]]
            named = [(part[0] if len(part) > 1 else f"partition_{i}", part[-1]) for i, part in enumerate(folders)]
            keys = [name.lower() for name, _ in named]
            if found.objects and keys != found.keys:
                raise ValueError(f"s3://{root.bucket}/{key} has partitions {keys}, the files before it {found.keys}")
            found.keys = keys
            found.partitions[tuple(value for _, value in named)] = f"s3://{root.bucket}/{key.rsplit('/', 1)[0]}/"
            metadata = self._footer(root.bucket, key)
            for column in metadata.schema.to_arrow_schema():
                _merge(found.columns, column.name.lower(), hive_type(column.type))
            found.objects += 1
            found.size += size
            found.records += metadata.num_rows
        for key in found.keys:
            found.columns.pop(key, None)
        return found

    def _objects(self, root: Location, exclusions: list[str]) -> Iterator[tuple[str, int]]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=root.bucket, Prefix=root.key)
        for page in pages:
            for item in page.get("Contents", []):
                relative = item["Key"][len(root.key) :]
                hidden = any(part.startswith(("_", ".")) for part in relative.split("/"))
                excluded = any(fnmatch.fnmatchcase(relative, pattern) for pattern in exclusions)
                if relative and not relative.endswith("/") and not hidden and not excluded and item["Size"]:
                    yield item["Key"], item["Size"]

    def _footer(self, bucket: str, key: str) -> pq.FileMetaData:
        tail = self.s3.get_object(Bucket=bucket, Key=key, Range=f"bytes=-{_FOOTER_BYTES}")["Body"].read()
        # The last eight bytes are the footer's length and a magic number.
        if len(tail) >= 8 and int.from_bytes(tail[-8:-4], "little") + 8 > len(tail):
            tail = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        try:
            return pq.read_metadata(io.BytesIO(tail))
        except ArrowException as error:
            raise ValueError(f"s3://{bucket}/{key} is not Parquet: {error}") from error

    def _table(self, name: str, found: Found, location: str) -> Json:
        database = self.crawler["DatabaseName"]
        try:
            known = self.glue.get_table(DatabaseName=database, Name=name)["Table"]
        except self.glue.exceptions.EntityNotFoundException:
            known = None
        columns = {column["Name"]: column["Type"] for column in known["StorageDescriptor"]["Columns"]} if known else {}
        policy = self.crawler.get("SchemaChangePolicy") or {}
        for column, kind in found.columns.items():
            if column not in columns or not _merges_only(self.crawler):
                columns[column] = kind
        table = {
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": _parameters(self.crawler["Name"], found),
            "PartitionKeys": [{"Name": key, "Type": "string"} for key in found.keys],
            "StorageDescriptor": {
                **_STORAGE,
                "Columns": [{"Name": column, "Type": kind} for column, kind in columns.items()],
                "Location": location,
            },
        }
        if known is None:
            self.glue.create_table(DatabaseName=database, TableInput=table)
        elif policy.get("UpdateBehavior") != "LOG":
            self.glue.update_table(DatabaseName=database, TableInput=table)
        else:
            return dict(known)
        return table

    def _partitions(self, table: Json, found: Found) -> None:
        where = {"DatabaseName": self.crawler["DatabaseName"], "TableName": table["Name"]}
        pages = self.glue.get_paginator("get_partitions").paginate(**where)
        known = {tuple(part["Values"]): part for page in pages for part in page["Partitions"]}
        new, changed = [], []
        for values, location in found.partitions.items():
            # Partitions carry the table's schema: Athena refuses those that contradict it.
            storage = {**table["StorageDescriptor"], "Location": location}
            parameters = {"classification": "parquet"}
            entry = {"Values": list(values), "StorageDescriptor": storage, "Parameters": parameters}
            if values not in known:
                new.append(entry)
            elif known[values]["StorageDescriptor"].get("Columns") != storage["Columns"]:
                changed.append({"PartitionValueList": list(values), "PartitionInput": entry})
        answers = [
            self.glue.batch_create_partition(**where, PartitionInputList=new[start : start + _BATCH])
            for start in range(0, len(new), _BATCH)
        ] + [
            self.glue.batch_update_partition(**where, Entries=changed[start : start + _BATCH])
            for start in range(0, len(changed), _BATCH)
        ]
        if errors := [error for answer in answers for error in answer.get("Errors") or []]:
            raise ValueError(f"partitions of {table['Name']} were refused: {json.dumps(errors, default=str)}")


def _merge(columns: dict[str, str], name: str, kind: str) -> None:
    known = columns.setdefault(name, kind)
    if known != kind:
        wider = {("int", "bigint"): "bigint", ("bigint", "int"): "bigint", ("float", "double"): "double",
                 ("double", "float"): "double"}  # fmt: skip
        columns[name] = wider.get((known, kind), "string")


def _merges_only(crawler: Json) -> bool:
    # With MergeNewColumns a crawler adds columns and leaves the types that the table has.
    configuration = json.loads(crawler.get("Configuration") or "{}")
    tables = (configuration.get("CrawlerOutput") or {}).get("Tables") or {}
    return bool(tables.get("AddOrUpdateBehavior") == "MergeNewColumns")


def _parameters(crawler: str, found: Found) -> dict[str, str]:
    return {
        "classification": "parquet",
        "compressionType": "none",
        "typeOfData": "file",
        "UPDATED_BY_CRAWLER": crawler,
        "objectCount": str(found.objects),
        "recordCount": str(found.records),
        "sizeKey": str(found.size),
        "averageRecordSize": str(round(found.size / found.records) if found.records else 0),
    }


def _error(code: str, message: str) -> Response:
    return error_response_json(code, message, 400)  # type: ignore[no-any-return]  # MiniStack has no types
