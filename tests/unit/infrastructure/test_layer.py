"""The layer with pyarrow: the same bytes from the same wheels, small enough for Lambda, none without wheels."""

import zipfile
from pathlib import Path

import pytest

from components.compute import layer, wheels
from components.compute.packaging import PackagingError
from tests.unit.infrastructure.cloud import ROOT, Cloud

FILES = {
    "pyarrow/__init__.py": b"import this",
    "pyarrow/libarrow.so.2600": b"x" * 1000,
    "pyarrow/libarrow_flight.so.2600": b"x" * 1000,
    "pyarrow/_flight.cpython-313-aarch64-linux-gnu.so": b"x",
    "pyarrow/include/arrow/api.h": b"x",
    "pyarrow/tests/test_array.py": b"x",
    "pyarrow-26.0.1.dist-info/METADATA": b"Name: pyarrow",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "layer.txt").write_text("pyarrow==26.0.1\n")
    return tmp_path


def fetch(project: Path, files: dict[str, bytes], year: int = 2026) -> None:
    folder = wheels.wheels_folder(project)
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "pyarrow-26.0.1-cp313-cp313-manylinux_2_28_aarch64.whl", "w") as wheel:
        for name, content in files.items():
            wheel.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), content)


def built(project: Path) -> bytes:
    layer.build_layer.cache_clear()
    for old in (project / ".local" / "artifacts").glob("*"):
        old.unlink()
    archive = layer.build_layer(project)
    assert archive is not None
    return archive.read_bytes()


def test_it_has_what_is_needed_at_run_time_where_lambda_looks_for_it(project: Path) -> None:
    fetch(project, FILES)
    built(project)
    archive = layer.build_layer(project)
    assert archive is not None
    assert zipfile.ZipFile(archive).namelist() == [
        "python/pyarrow-26.0.1.dist-info/METADATA",
        "python/pyarrow/__init__.py",
        "python/pyarrow/libarrow.so.2600",
    ]


def test_the_same_wheels_give_the_same_bytes(project: Path) -> None:
    fetch(project, FILES)
    first = built(project)
    fetch(project, dict(reversed(FILES.items())), year=2020)
    assert built(project) == first


def test_without_wheels_there_is_none_and_its_name_is_the_same(project: Path) -> None:
    layer.build_layer.cache_clear()
    assert layer.build_layer(project) is None
    before = layer.pins_digest(project)
    fetch(project, FILES)
    assert layer.pins_digest(project) == before
    (project / "requirements" / "layer.txt").write_text("pyarrow==27.0.0\n")
    assert layer.pins_digest(project) != before


def test_wheels_of_other_pins_are_left_out(project: Path) -> None:
    fetch(project, FILES | {"pyarrow/old.py": b"old"})
    (project / "requirements" / "layer.txt").write_text("pyarrow==27.0.0\n")
    fetch(project, FILES)
    assert b"old.py" not in built(project)


@pytest.mark.parametrize(("most", "fits"), [(1023, False), (1024, False), (1025, True)])
def test_what_lambda_would_not_take_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch, most: int, fits: bool
) -> None:
    fetch(project, FILES)
    monkeypatch.setattr(layer, "UNPACKED_BYTES", most)
    if fits:
        assert built(project)
    else:
        with pytest.raises(PackagingError, match="1,024 bytes unpacked; Lambda takes"):
            built(project)


def test_the_engine_refuses_to_upload_what_was_not_fetched_but_not_in_a_preview(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    (archive,) = [one for one in cloud.of("s3.BucketObjectv2") if one.inputs["key"].startswith("layers/")]
    assert archive.before_update == ("data-pipeline-engine-fetched",)
    assert cloud.hooks["data-pipeline-engine-fetched"].on_dry_run is False
    monkeypatch.setattr(layer, "build_layer", lambda: None)
    with pytest.raises(PackagingError, match="make layer"):
        layer.check_wheels(None)  # type: ignore[arg-type]  # it looks at nothing of it
    monkeypatch.setattr(layer, "build_layer", lambda: ROOT)
    layer.check_wheels(None)  # type: ignore[arg-type]  # it looks at nothing of it
