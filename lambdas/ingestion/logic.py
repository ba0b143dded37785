"""Decides what a landed object is: a file that its dataset's contract wants, or one to reject, and why."""

import zlib

from botocore.exceptions import ClientError
from pipeline_core import clients, content
from pipeline_core.content import GZIP, format_of, hint_of, packing_of
from pipeline_core.contract import Contract
from pipeline_core.documents import is_gone
from pipeline_core.files import FileItem, LandedFile
from pipeline_core.layout import MAX_EXPANSION
from pipeline_core.ledger import FAILED, IGNORED, PUBLISHED, QUARANTINED, REJECTED, ROLLED_BACK
from pipeline_core.manifest import LANDED, REPLACE, ROWS
from pipeline_core.quarantine import DELETED_REASON, version_argument

HEAD_BYTES = 64 * 1024
REPLAYS = ("quarantined", "again", "deleted")


class VersionGoneError(Exception):
    """The object version was deleted."""


def replay_purpose(file: FileItem, asked: str) -> str | None:
    """Return what a known file is to be read again for; None if the request has nothing to do with it.

    Args:
        file: as the ledger has it.
        asked: `quarantined` (what is in quarantine), `again` (published rows too, which are replaced), or `deleted`
            (files that were IGNORED because their object was deleted).

    Raises:
        ValueError: asked for something else.
    """
    if asked not in REPLAYS:
        raise ValueError(f"replay {asked!r}; allowed: {', '.join(REPLAYS)}")
    status = file.status
    if asked == "deleted":
        return LANDED if status == IGNORED and file.reason == DELETED_REASON else None
    if status in (QUARANTINED, REJECTED, FAILED):
        return LANDED
    if status == ROLLED_BACK:
        return LANDED if asked == "again" else None
    if status != PUBLISHED:
        return None
    if asked == "again":
        return REPLACE
    return ROWS if file.quarantined_in else None


def is_deleted(file: LandedFile) -> bool:
    """Whether the file's object was deleted again: nobody wants what is behind a delete marker to be read.

    Of an object whose latest version is a delete marker S3 says that it is not there (Amazon S3, "Working with delete
    markers", 2026-11).
    """
    try:
        clients.s3().head_object(Bucket=file.bucket, Key=file.key)
    except ClientError as error:
        if is_gone(error):
            return True
        raise
    return False


def rejection(file: LandedFile, contract: Contract | None) -> str | None:
    """Return why no contract wants the file, as `code: what and what is allowed`; None if one does.

    Raises:
        VersionGoneError: the version is not there any more.
    """
    if not file.dataset:
        return (
            "unknown_dataset: the key is in no folder; put files where a contract's location says, or at <dataset>/..."
        )
    if contract is None:
        return f"unknown_dataset: no contract is deployed for {file.dataset!r}"
    if not file.key.startswith(contract.places):
        places = ", ".join(contract.places)
        return f"unknown_dataset: no contract takes files here; that of {file.dataset!r} takes them at {places}"
    if file.size == 0:
        return "empty: the file has 0 bytes"
    if file.size > contract.max_file_bytes:
        return f"too_large: {file.size} bytes, the contract allows {contract.max_file_bytes}"
    try:
        return _mismatch(file, contract)
    except ClientError as error:
        if is_gone(error):
            raise VersionGoneError(file.key) from error
        raise


def _mismatch(file: LandedFile, contract: Contract) -> str | None:
    """Say what the first and last bytes show to be no file of the contract; what is packed, the engine judges."""
    head = _bytes(file, f"bytes=0-{HEAD_BYTES - 1}")
    if packing := packing_of(head):
        if packing == GZIP and _unpacked(head) > MAX_EXPANSION * len(head):
            return f"gzip_bomb: the content unpacks to more than {MAX_EXPANSION} times its size"
        return None
    found = format_of(head[: content.HEAD_BYTES], hint_of(file.key), contract.formats, contract.dialect.encoding)
    if found.problem is not None or found.format != "parquet":
        return found.problem
    is_whole = file.size >= 12 and head[:4] == b"PAR1" and _bytes(file, "bytes=-4") == b"PAR1"
    return None if is_whole else "not_parquet: the file does not begin and end with PAR1"


def _unpacked(head: bytes) -> int:
    """Bytes that the beginning of a gzip file unpacks to, as far as it matters; the job judges all of it.

    A gzip file may have several members, one after the other. What is damaged is the job's to judge, too.
    """
    most, unpacked = MAX_EXPANSION * len(head) + 1, 0
    while head and unpacked < most:
        member = zlib.decompressobj(wbits=31)
        try:
            unpacked += len(member.decompress(head, most - unpacked))
        except zlib.error:
            break
        head = member.unused_data
    return unpacked


def _bytes(file: LandedFile, span: str) -> bytes:
    return (
        clients.s3()
        .get_object(Bucket=file.bucket, Key=file.key, Range=span, **version_argument(file.version))["Body"]
        .read()
    )
