"""A directory that stands for buckets while a Spark job runs: pulled before, pushed after.

Spark reads and writes `s3://` paths in the directory. Everything it will find there was read with the job role's
permissions, and everything it leaves there is written with them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

_THREADS: Final = 8
_MISSING: Final = frozenset({"404", "NoSuchKey", "NoSuchBucket"})
_DENIED: Final = frozenset({"403", "AccessDenied"})


@dataclass(frozen=True)
class Location:
    """An object (`key`) or everything below a prefix (`key` ends in '/' or is empty)."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> Location:
        """Read `s3://bucket/key`.

        Raises:
            ValueError: if it is not such a URI.
        """
        scheme, _, rest = uri.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme not in {"s3", "s3a", "s3n"} or not bucket:
            raise ValueError(f"{uri!r} is not a location in S3: expected s3://bucket/key")
        return cls(bucket, key)

    @property
    def is_prefix(self) -> bool:
        """Whether it names a folder."""
        return not self.key or self.key.endswith("/")


@dataclass(frozen=True)
class Pushed:
    """What a run left: URIs of objects written and deleted."""

    written: list[str]
    deleted: list[str]


@dataclass
class Mirror:
    """The part of S3 that one job run sees, below `root/<bucket>/<key>`.

    `s3` is a client with the permissions of the job's role. `denied` lists what it was not allowed to read.
    """

    s3: Any
    root: Path
    denied: list[str] = field(default_factory=list)
    _pulled: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def pull(self, locations: Iterable[Location]) -> None:
        """Fetch objects and prefixes, several at a time; what does not exist is left out.

        Raises:
            ClientError: for any answer but 'missing' and 'denied'.
        """
        todo: dict[Location, None] = {}
        for location in locations:
            (self.root / location.bucket).mkdir(parents=True, exist_ok=True)
            todo.update(dict.fromkeys(self._objects(location)))
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(self._fetch, todo))

    @property
    def size(self) -> int:
        """The bytes that were pulled."""
        return sum(size for size, _ in self._pulled.values())

    def push(self) -> Pushed:
        """Write new and changed files to S3 and delete objects whose files are gone.

        Raises:
            ClientError: if the role may not.
        """
        found = {path: _stamp(path) for path in self._files()}
        changed = [path for path, stamp in found.items() if self._pulled.get(path) != stamp]
        gone = [path for path in self._pulled if path not in found]
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(self._upload, changed))
            list(pool.map(self._delete, gone))
        self._pulled = found
        return Pushed(sorted(map(self._uri, changed)), sorted(map(self._uri, gone)))

    def _objects(self, location: Location) -> list[Location]:
        if not location.is_prefix:
            return [location]
        try:
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=location.bucket, Prefix=location.key)
            return [
                Location(location.bucket, item["Key"])
                for page in pages
                for item in page.get("Contents", [])
                if not item["Key"].endswith("/")
            ]
        except ClientError as error:
            self._tolerate(error, location)
            return []

    def _fetch(self, location: Location) -> None:
        try:
            body = self.s3.get_object(Bucket=location.bucket, Key=location.key)["Body"]
        except ClientError as error:
            self._tolerate(error, location)
            if error.response["Error"]["Code"] in _MISSING:
                # Spark's outputs are often named without the final slash.
                for below in self._objects(Location(location.bucket, f"{location.key}/")):
                    self._fetch(below)
            return
        path = self.root / location.bucket / location.key
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for chunk in body.iter_chunks(1 << 20):
                file.write(chunk)
        self._pulled[path] = _stamp(path)

    def _tolerate(self, error: ClientError, location: Location) -> None:
        code = error.response["Error"]["Code"]
        if code in _DENIED:
            self.denied.append(f"s3://{location.bucket}/{location.key}: {error}")
        elif code not in _MISSING:
            raise error

    def _files(self) -> Iterator[Path]:
        for path in self.root.rglob("*"):
            # Hadoop's local file system keeps checksums beside the files; S3 never sees them.
            if path.is_file() and path.suffix != ".crc":
                yield path

    def _upload(self, path: Path) -> None:
        location = self._location(path)
        with path.open("rb") as file:
            self.s3.put_object(Bucket=location.bucket, Key=location.key, Body=file)

    def _delete(self, path: Path) -> None:
        location = self._location(path)
        self.s3.delete_object(Bucket=location.bucket, Key=location.key)

    def _location(self, path: Path) -> Location:
        bucket, *key = path.relative_to(self.root).parts
        return Location(bucket, "/".join(key))

    def _uri(self, path: Path) -> str:
        location = self._location(path)
        return f"s3://{location.bucket}/{location.key}"


def locations_in(document: Any) -> Iterator[Location]:
    """Every place in S3 that a JSON document names: `s3://` strings, and objects with `bucket` and `key`."""
    if isinstance(document, str):
        if document.startswith("s3://"):
            yield Location.parse(document)
    elif isinstance(document, dict):
        bucket, key = document.get("bucket"), document.get("key")
        if isinstance(bucket, str) and isinstance(key, str):
            yield Location(bucket, key)
        for value in document.values():
            yield from locations_in(value)
    elif isinstance(document, list):
        for value in document:
            yield from locations_in(value)


def needed_by(s3: Any, arguments: Iterable[str]) -> set[Location]:
    """What a run can need: the `s3://` arguments, and whatever the JSON documents among them name.

    `s3` has the permissions of the job's role; a document that it may not read names nothing.
    """
    found: set[Location] = set()
    for argument in arguments:
        if not argument.startswith("s3://"):
            continue
        location = Location.parse(argument)
        found.add(location)
        if location.key.endswith(".json"):
            try:
                text = s3.get_object(Bucket=location.bucket, Key=location.key)["Body"].read()
                found.update(locations_in(json.loads(text)))
            except (ClientError, ValueError):
                continue
    return found


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
