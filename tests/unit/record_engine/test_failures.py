"""Whose fault it is: what the storage raises is raised, what is wrong with the content is a reason."""

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pytest
from pipeline_core.content import hint_of
from pipeline_core.contract import Contract
from pipeline_core.manifest import ManifestFile
from record_engine import FileReader
from record_engine.packing import ungzipped
from record_engine.watched import UnreadableError

from tests.robustness import bad_files as bad

CONTRACT = Contract.from_document({**bad.ZOO, **bad.SMALL})
TEXT = bad.SHORT + b"".join(b"%d,p,name %d\n" % (n, n) for n in range(5_000))
CONTENTS = {
    "a.csv": TEXT,
    "a.csv.gz": gzip.compress(TEXT),
    "a.jsonl": b'{"id":1,"part":"p"}\n' * 500,
    "a.parquet": bad.parquet(("id", pa.array(range(5_000))), ("part", pa.array([f"p{n}" for n in range(5_000)]))),
}


def file(name: str, content: bytes) -> ManifestFile:
    return ManifestFile(key=name, version="v", uri="", size=len(content), format=hint_of(name), landed_at="t")


class Failing(io.BytesIO):
    """A stream whose n-th read fails."""

    def __init__(self, content: bytes, error: BaseException, reads: Iterator[int]) -> None:
        super().__init__(content)
        self.error, self.reads = error, reads

    def read(self, size: int | None = -1, /) -> bytes:
        if next(self.reads, None) is None:
            raise self.error
        return super().read(size)


@pytest.mark.parametrize("reads", [0, 1])
@pytest.mark.parametrize("error", [OSError("connection reset"), MemoryError("none left"), ValueError("a client's own")])
@pytest.mark.parametrize("name", CONTENTS)
def test_what_the_storage_raises_is_no_reason_of_the_file(name: str, error: Exception, reads: int) -> None:
    content = CONTENTS[name]
    left = iter(range(reads))

    def open_file(_: ManifestFile) -> BinaryIO:
        return Failing(content, error, left)

    with pytest.raises(type(error), match=str(error)):
        list(FileReader(file(name, content), 0, CONTRACT, open_file).batches())


def test_a_file_that_cannot_be_opened_is_no_reason_either() -> None:
    def open_file(_: ManifestFile) -> BinaryIO:
        raise PermissionError("403")

    for name, content in CONTENTS.items():
        with pytest.raises(PermissionError, match="403"):
            FileReader(file(name, content), 0, CONTRACT, open_file)


def unpack(packed: bytes, size: int = 7) -> bytes:
    return b"".join(ungzipped(iter([packed[at : at + size] for at in range(0, len(packed), size)])))


PACKED = gzip.compress(TEXT, mtime=0)


@pytest.mark.parametrize("size", [1, 7, 10**6])
def test_members_and_padding_of_gzip_are_read_as_gzip_reads_them(size: int) -> None:
    empty = gzip.compress(b"")
    for packed in (PACKED, PACKED + PACKED, PACKED + bytes(20), empty, b"", PACKED + bytes(3) + PACKED, empty + PACKED):
        assert unpack(packed, size) == gzip.decompress(packed)


@pytest.mark.parametrize("size", [1, 7, 10**6])
def test_every_wound_of_a_gzip_file_is_found(size: int) -> None:
    small = gzip.compress(bad.SHORT, mtime=0)
    wounded = [small[:cut] for cut in range(1, len(small))]
    wounded += [small + b"garbage", small + bytes(5) + b"x", small[:-8] + b"1234" + small[-4:], b"no gzip"]
    for packed in wounded:
        with pytest.raises((EOFError, OSError, zlib.error)):
            gzip.decompress(packed)
        with pytest.raises(UnreadableError, match="unreadable: the gzip file is"):
            unpack(packed, size)


def test_a_megabyte_of_zeros_in_a_kilobyte_is_a_bomb_and_a_little_less_is_none() -> None:
    def problem(zeros: int) -> str | None:
        content = gzip.compress(bad.SHORT + b"0" * zeros, mtime=0)
        reader = FileReader(file("a.csv.gz", content), 0, CONTRACT, lambda _: io.BytesIO(content))
        list(reader.batches())
        return (reader.problem or "").partition(":")[0]

    packed = len(gzip.compress(bad.SHORT + b"0" * 1_000_000, mtime=0))
    assert problem(1_000_000) == "gzip_bomb", f"{packed} bytes unpack to a million"
    assert problem(1_000) == ""
