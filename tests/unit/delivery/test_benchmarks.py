"""What `make bench` measures, on a small file."""

from pathlib import Path

import pyarrow.dataset as ds
import pytest

from tests.benchmarks.__main__ import measure
from tests.benchmarks.content import DISTINCT, FLIGHTS, contract_of, write
from tests.benchmarks.ways import with_engine, with_pyarrow


@pytest.mark.parametrize("content", [FLIGHTS, DISTINCT])
def test_the_copy_has_every_row_that_the_engine_reads(tmp_path: Path, content: str) -> None:
    files, contract = write(tmp_path, content, 1, 2), contract_of(content)
    assert sum(path.stat().st_size for path in files) >= 1_000_000
    with_engine(files, contract, tmp_path / "engine")
    with_pyarrow(files, contract, tmp_path / "copy")

    def rows(folder: str) -> int:
        return sum(ds.dataset(path).count_rows() for path in (tmp_path / folder).rglob("*.parquet"))

    lines = sum(path.read_bytes().count(b"\n") - 1 for path in files)
    assert (rows("copy"), rows("engine")) == (lines, lines)


def test_a_way_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    found = measure("engine", FLIGHTS, write(tmp_path, FLIGHTS, 1, 1), tmp_path)
    assert 0 < found.cpu < 60
    assert found.seconds > 0
    assert 50 < found.peak < 2_000
