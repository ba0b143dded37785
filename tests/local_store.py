"""A folder as the record engine's storage."""

from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from pipeline_core.manifest import ManifestFile


class LocalStore:
    """Objects are files, whose addresses are `file://` ones."""

    def open_file(self, file: ManifestFile) -> BinaryIO:
        # A landed file has any name, and its address is a URI; the pipeline's own are as they are in S3.
        return Path(unquote(file.uri.removeprefix("file://"))).open("rb")

    def open_read(self, uri: str) -> BinaryIO:
        return path_of(uri).open("rb")

    def open_write(self, uri: str) -> BinaryIO:
        path_of(uri).parent.mkdir(parents=True, exist_ok=True)
        return path_of(uri).open("xb")

    def list(self, uri: str) -> list[str]:
        path = path_of(uri)
        if path.is_dir():
            return sorted(_address(found) for found in path.rglob("*") if found.is_file())
        return [_address(path)] if path.exists() else []


def path_of(uri: str) -> Path:
    return Path(uri.removeprefix("file://"))


def _address(path: Path) -> str:
    return f"file://{path}"
