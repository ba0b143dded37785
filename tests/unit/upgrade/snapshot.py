"""All that a release leaves in AWS, as files: written by `write.py`, loaded into moto by the tests of upgrades."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import boto3
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from pipeline_core.catalog import TABLE_INPUT

from tests.unit.lambdas.conftest import ARTIFACTS, CURATED, DATABASE, QUARANTINE, RAW, TABLE

DATA = Path(__file__).resolve().parent / "data"
LATER: dict[str, Any] = {"lease_until": 0, "not_before": "2000-01-01T00:00:00.000000+00:00", "expires_at": 10**10}
"""Times in the ledger, as if the fixture had been written just long enough ago."""


def load(name: str) -> Any:
    """A file of the fixture."""
    return json.loads(gzip.decompress((DATA / f"{name}.json.gz").read_bytes()))


def save(name: str, content: Any) -> None:
    """Write a file of the fixture, a line for each member of a list or object; `zcat` shows it."""
    DATA.mkdir(exist_ok=True)
    if isinstance(content, list):
        lines, ends = [json.dumps(one) for one in content], "[]"
    else:
        lines, ends = [f"{json.dumps(field)}: {json.dumps(one)}" for field, one in content.items()], "{}"
    text = ",\n".join(lines)
    packed = gzip.compress(f"{ends[0]}\n{text}\n{ends[1]}\n".encode(), 9, mtime=0)
    (DATA / f"{name}.json.gz").write_bytes(packed)


def keep() -> None:
    """Write down the objects, the ledger and the catalog. Of the raw bucket, old versions are data too."""
    save("objects", [one for bucket in (RAW, CURATED, QUARANTINE, ARTIFACTS) for one in _objects(bucket)])
    items = boto3.client("dynamodb").scan(TableName=TABLE)["Items"]
    save("ledger", sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"])))
    glue = boto3.client("glue")
    tables = glue.get_tables(DatabaseName=DATABASE)["TableList"]
    save("catalog", [{"table": _table(one), "partitions": _partitions(one["Name"])} for one in tables])


def _objects(bucket: str) -> list[dict[str, Any]]:
    s3, found = boto3.client("s3"), []
    listed: Any = s3.list_object_versions(Bucket=bucket)
    for version in reversed(listed.get("Versions", [])):
        if bucket != RAW and not version["IsLatest"]:
            continue
        named = {"Bucket": bucket, "Key": version["Key"], "VersionId": version["VersionId"]}
        got = s3.get_object(**named)
        described = {"bucket": bucket, "key": version["Key"], "version": version["VersionId"]}
        described |= {"content_type": got["ContentType"], "metadata": got["Metadata"]}
        found.append((version["Key"], version["LastModified"], described | _content(got["Body"].read())))
    if bucket == RAW:
        for marker in listed.get("DeleteMarkers", []):
            described = {"bucket": bucket, "key": marker["Key"], "version": marker["VersionId"], "deleted": True}
            found.append((marker["Key"], marker["LastModified"], described))
    return [described for _, _, described in sorted(found, key=lambda one: one[:2])]


def _content(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _table(table: Any) -> dict[str, Any]:
    return {name: table[name] for name in (*TABLE_INPUT, "StorageDescriptor") if name in table}


def _partitions(table: str) -> list[Any]:
    found: Any = boto3.client("glue").get_partitions(DatabaseName=DATABASE, TableName=table)
    return [{name: one[name] for name in ("Values", "StorageDescriptor")} for one in found["Partitions"]]


def restore() -> None:
    """Put the kept data into the empty resources of this test, each object version with its old id."""
    s3 = boto3.client("s3")
    for one in load("objects"):
        named = {"Bucket": one["bucket"], "Key": one["key"]}
        if one.get("deleted"):
            s3.delete_object(**named)
        else:
            body = one["text"].encode() if "text" in one else base64.b64decode(one["base64"])
            s3.put_object(**named, Body=body, ContentType=one["content_type"], Metadata=one["metadata"])
        # The API makes its own ids; the ledger and the names of files in quarantine know the old ones.
        stored = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[one["bucket"]].keys.getlist(one["key"])
        stored[-1]._version_id = one["version"]
    dynamodb = boto3.client("dynamodb")
    for item in load("ledger"):
        dynamodb.put_item(TableName=TABLE, Item=item)
    glue = boto3.client("glue")
    for one in load("catalog"):
        glue.create_table(DatabaseName=DATABASE, TableInput=one["table"])
        for partition in one["partitions"]:
            glue.create_partition(DatabaseName=DATABASE, TableName=one["table"]["Name"], PartitionInput=partition)


def let_time_pass() -> None:
    """Leases run out and files that wait may be tried; what was sent once is still remembered."""
    table = boto3.resource("dynamodb").Table(TABLE)
    for item in table.scan()["Items"]:
        for name in item.keys() & LATER.keys():
            if item[name] == LATER[name]:
                continue
            table.update_item(
                Key={"pk": item["pk"], "sk": item["sk"]},
                UpdateExpression="SET #name = :value",
                ExpressionAttributeNames={"#name": name},
                ExpressionAttributeValues={":value": LATER[name]},
            )
