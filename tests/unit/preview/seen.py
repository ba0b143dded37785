"""Small programs as a preview sees them."""

from typing import Any

from ops.preview.changes import Change, changes
from ops.preview.snapshot import Seen, Snapshot

BUCKET, TABLE, KEY = "aws:s3/bucket:Bucket", "aws:dynamodb/table:Table", "aws:kms/key:Key"
OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
QUEUE, PROVIDER = "aws:sqs/queue:Queue", "pulumi:providers:aws"


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:prod::data-pipeline::{type_}::{name}"


def seen(type_: str, name: str = "one", /, *, former: str = "", protect: bool = False, **inputs: Any) -> Seen:
    """A resource; `former` is the name that it had before."""
    aliases = (urn(type_, former),) if former else ()
    return Seen(type=type_, name=name, urn=urn(type_, name), parent="", inputs=inputs, protect=protect, aliases=aliases)


def snapshot(*resources: Seen, **idle_dollars: float) -> Snapshot:
    return Snapshot(stack="prod", resources=resources, idle_dollars=idle_dollars)


def compared(old: list[Seen], new: list[Seen]) -> list[Change]:
    return changes(snapshot(*old), snapshot(*new))
