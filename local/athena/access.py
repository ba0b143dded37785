"""What the caller of a query may read: Athena asks Glue and S3 with the caller's permissions."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import glue, s3

from local.athena.answers import QueryFailedError
from local.athena.projection import is_projected
from local.athena.tables import StoredFile
from local.glue.mirror import Location
from local.iam import roles
from local.iam.decisions import caller
from local.patches import monkeypatch

Json = dict[str, Any]


def check_names() -> None:
    """Make sure that MiniStack still has what is read here.

    Raises:
        PatchedNameMissingError: it is another one than this was written for.
    """
    for store in ("_tables", "_partitions", "_databases"):
        monkeypatch.value(glue, store, object)
    monkeypatch.value(s3, "_buckets", object)
    monkeypatch.function(s3, "_get_object_data", "bucket_name, key, version_id")


def table(database: str, name: str) -> Json:
    """A table of the catalog, which the caller may see, with its partitions if it has any.

    Raises:
        AccessDeniedError: the caller may not.
        QueryFailedError: there is none.
    """
    may("glue:GetTable", database, name)
    found: Json | None = glue._tables.get(f"{database}/{name}")
    if found is None:
        if database not in glue._databases and database != "information_schema":
            raise QueryFailedError(f"SCHEMA_NOT_FOUND: line 1:1: Schema '{database}' does not exist")
        raise QueryFailedError(f"TABLE_NOT_FOUND: line 1:1: Table 'awsdatacatalog.{database}.{name}' does not exist")
    if found.get("PartitionKeys") and not is_projected(found):
        may("glue:GetPartitions", database, name)
    return found


def may(action: str, database: str, name: str) -> None:
    """Make sure that the caller may see, make, change or drop a table.

    Raises:
        AccessDeniedError: the caller may not.
    """
    arn = f"arn:aws:glue:{get_region()}:{get_account_id()}:table/{database}/{name}"
    roles.authorize(caller(), action, arn)


def partitions(database: str, name: str) -> list[Json]:
    """The partitions that the catalog lists for a table."""
    return list(glue._partitions.get(f"{database}/{name}") or [])


def names(database: str) -> list[str]:
    """The tables of a database, in order."""
    return sorted(key.split("/", 1)[1] for key in list(glue._tables) if key.split("/", 1)[0] == database)


def databases() -> list[str]:
    """The databases of the catalog, in order."""
    return sorted(map(str, glue._databases))


def files(location: Location) -> list[StoredFile]:
    """The objects of a partition that Athena reads, each allowed to the caller.

    Raises:
        AccessDeniedError: one is not.
    """
    bucket_arn = f"arn:aws:s3:::{location.bucket}"
    roles.authorize(caller(), "s3:ListBucket", bucket_arn, {"s3:prefix": location.key})
    objects = (s3._buckets.get(location.bucket) or {}).get("objects") or {}
    found = []
    for key in sorted(key for key in list(objects) if key.startswith(location.key)):
        relative = key[len(location.key) :]
        if not relative or key.endswith("/") or any(part.startswith(("_", ".")) for part in relative.split("/")):
            continue
        roles.authorize(caller(), "s3:GetObject", f"{bucket_arn}/{key}")
        etag = str(objects[key].get("etag", ""))
        found.append(StoredFile(f"s3://{location.bucket}/{key}", etag, _reader(location.bucket, key)))
    return found


def file(uri: str) -> StoredFile:
    """An object that the caller may read.

    Raises:
        AccessDeniedError: the caller may not.
        QueryFailedError: there is none.
    """
    place = Location.parse(uri)
    roles.authorize(caller(), "s3:GetObject", f"arn:aws:s3:::{place.bucket}/{place.key}")
    found = ((s3._buckets.get(place.bucket) or {}).get("objects") or {}).get(place.key)
    if found is None:
        raise QueryFailedError(f"ICEBERG_MISSING_METADATA: {uri} is not there")
    return StoredFile(uri, str(found.get("etag", "")), _reader(place.bucket, place.key))


def read(uri: str) -> bytes:
    """The content of an object that the caller may read.

    Raises:
        AccessDeniedError: the caller may not.
        QueryFailedError: there is none.
    """
    return file(uri).read()


def below(uri: str, action: str) -> None:
    """Make sure that the caller may do something to every object below a location.

    Raises:
        AccessDeniedError: the caller may not.
    """
    place = Location.parse(uri.rstrip("/") + "/")
    roles.authorize(caller(), action, f"arn:aws:s3:::{place.bucket}/{place.key}*")


def _reader(bucket: str, key: str) -> Any:
    return lambda: bytes(s3._get_object_data(bucket, key) or b"")
