"""PyIceberg's files, read and written by the same client as all else: its permissions, retries and endpoint."""

import io
from typing import cast

from botocore.exceptions import ClientError
from pipeline_core import clients
from pipeline_core.documents import is_gone
from pipeline_core.layout import split_uri
from pipeline_core.s3_files import PutWhenClosed
from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile, OutputStream


class S3IO(FileIO):
    """Objects of S3 for the metadata of a table, each read and written whole; they have some kilobytes to megabytes."""

    def new_input(self, location: str) -> InputFile:
        """An object to be read."""
        return _Object(location)

    def new_output(self, location: str) -> OutputFile:
        """An object to be written."""
        return _Object(location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Delete an old version of the table's metadata; all else is left to the sweep of orphaned files.

        PyIceberg 0.12 deletes the manifests of a commit that the catalog refused. The catalog also refuses one that it
        has made before, when only its answer was lost: then they are the table's.
        """
        address = location if isinstance(location, str) else location.location
        if address.endswith(".metadata.json"):
            bucket, key = split_uri(address)
            clients.s3().delete_object(Bucket=bucket, Key=key)


class _Object(InputFile, OutputFile):
    def __len__(self) -> int:
        bucket, key = split_uri(self.location)
        return clients.s3().head_object(Bucket=bucket, Key=key)["ContentLength"]

    def exists(self) -> bool:
        try:
            return len(self) >= 0
        except ClientError as error:
            if is_gone(error):
                return False
            raise

    def open(self, seekable: bool = True) -> InputStream:
        bucket, key = split_uri(self.location)
        try:
            content = clients.s3().get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if is_gone(error):
                raise FileNotFoundError(f"{self.location} is missing") from error
            raise
        return cast(InputStream, io.BytesIO(content))

    def create(self, overwrite: bool = False) -> OutputStream:
        # Names of metadata have a UUID: there is nothing to overwrite.
        bucket, key = split_uri(self.location)

        def put(content: bytes) -> None:
            clients.s3().put_object(Bucket=bucket, Key=key, Body=content)

        return cast(OutputStream, PutWhenClosed(put))

    def to_input_file(self) -> InputFile:
        return self
