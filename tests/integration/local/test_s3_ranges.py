"""Ranges of an object version are those of that version, as S3 reads them."""

import pytest
from botocore.exceptions import ClientError

from local.emulator import Emulator


def test_a_range_of_a_version_is_a_part_of_that_version(emulator: Emulator, bucket: str) -> None:
    s3 = emulator.client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first, second = (s3.put_object(Bucket=bucket, Key="a", Body=body)["VersionId"] for body in (b"0123456789", b"new"))

    def read(version: str, span: str) -> bytes:
        answer: bytes = s3.get_object(Bucket=bucket, Key="a", VersionId=version, Range=span)["Body"].read()
        return answer

    assert read(first, "bytes=2-4") == b"234"
    assert read(first, "bytes=-4") == b"6789"
    assert read(first, "bytes=8-100") == b"89"
    assert read(second, "bytes=-4") == b"new"
    with pytest.raises(ClientError, match="InvalidRange"):
        read(second, "bytes=10-20")
