"""Zip archives in memory, the same bytes for the same content."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def zip_bytes(members: Mapping[str, Path | bytes]) -> bytes:
    """A zip archive of files, directories (all that is below them) and contents, by their names in it."""
    files: dict[str, bytes] = {}
    for name, member in members.items():
        files.update(_contents(name, member))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _contents(name: str, member: Path | bytes) -> Iterator[tuple[str, bytes]]:
    if isinstance(member, bytes):
        yield name, member
    elif zipfile.is_zipfile(member):
        with zipfile.ZipFile(member) as archive:
            for entry in archive.namelist():
                if not entry.endswith("/"):
                    yield f"{name}/{entry}".lstrip("/"), archive.read(entry)
    elif member.is_file():
        yield name, member.read_bytes()
    else:
        for path in member.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield f"{name}/{path.relative_to(member).as_posix()}".lstrip("/"), path.read_bytes()
