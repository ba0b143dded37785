"""The function stage does with a small batch what the Glue job does, and leaves a large one to it."""

import contextlib
import io
import json
from collections.abc import Callable
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError
from pipeline_core.job_errors import OverwrittenError
from pipeline_core.layout import LIVE_FILES, split_uri
from pipeline_core.live_files import LiveFile, LiveFiles
from pipeline_core.manifest import ManifestFile
from pipeline_core.report import STAGE, Report, reconcile
from pipeline_core.s3_files import BUFFER_BYTES

from lambdas.stage.store import S3Store, TooLargeError
from tests.unit.lambdas.conftest import ARTIFACTS, CURATED, RAW, Cloud

Call = Callable[..., Any]

HEADER = b"carrier,name\n"
FILE = HEADER + b"AA,American\nUA,United\nUA,United again\n,nobody\n"


def claimed(cloud: Cloud, call: Call, files: dict[str, bytes]) -> str:
    """Land files, and have them claimed into a batch; returns its manifest's address."""
    call("ingestion", {"Records": [cloud.land(key, content) for key, content in files.items()]})
    (batch_id,) = call("etl_trigger", {"dataset": "airlines"})["batches"]
    return f"s3://{ARTIFACTS}/batches/airlines/{batch_id}/manifest.json"


def report_of(cloud: Cloud, manifest: str) -> Report:
    batch_id = manifest.split("/")[-2]
    key = f"staging/airlines/{batch_id}/report.json"
    return Report.from_json(cloud.s3.get_object(Bucket=CURATED, Key=key)["Body"].read())


def rows(cloud: Cloud, uri: str) -> list[dict[str, Any]]:
    bucket, key = split_uri(uri)
    content = cloud.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    found: list[dict[str, Any]] = pq.read_table(io.BytesIO(content)).to_pylist()
    return found


def test_a_small_batch_is_staged_with_every_row_accounted_for(cloud: Cloud, call: Call) -> None:
    manifest = claimed(cloud, call, {"airlines/a.csv": FILE})
    assert call("stage", {"manifest": manifest}) == {"rows_read": 4}
    report = report_of(cloud, manifest)
    reconcile(report, [(file.key, file.version) for file in report.files])
    assert (
        report.engine,
        report.counts.rows_curated,
        report.counts.rows_duplicate,
        report.counts.rows_quarantined,
    ) == (STAGE, 2, 1, 1)
    (curated,), (quarantined,) = report.curated, report.quarantined
    assert [(row["carrier"], row["name"]) for row in rows(cloud, curated.uri)] == [("AA", "American"), ("UA", "United")]
    assert [(row["line"], row["raw_record"]) for row in rows(cloud, quarantined.uri)] == [(5, ",nobody")]


def test_each_call_stages_in_a_folder_of_its_own_and_the_last_report_counts(cloud: Cloud, call: Call) -> None:
    manifest = claimed(cloud, call, {"airlines/a.csv": FILE})
    call("stage", {"manifest": manifest})
    first = report_of(cloud, manifest)
    call("stage", {"manifest": manifest})
    second = report_of(cloud, manifest)
    assert first.curated[0].uri != second.curated[0].uri
    assert rows(cloud, first.curated[0].uri) == rows(cloud, second.curated[0].uri)


def test_the_version_that_the_manifest_names_is_read_though_it_was_overwritten(cloud: Cloud, call: Call) -> None:
    manifest = claimed(cloud, call, {"airlines/a.csv": FILE})
    cloud.s3.put_object(Bucket=RAW, Key="airlines/a.csv", Body=HEADER + b"ZZ,another file\n")
    assert call("stage", {"manifest": manifest}) == {"rows_read": 4}


def test_a_version_that_was_deleted_is_no_fault_of_the_job(cloud: Cloud, call: Call) -> None:
    manifest = claimed(cloud, call, {"airlines/a.csv": FILE})
    (item,) = cloud.files("airlines/a.csv")
    cloud.s3.delete_object(Bucket=RAW, Key="airlines/a.csv", VersionId=item["version"])
    with pytest.raises(OverwrittenError, match=r"airlines/a.csv version .* was deleted before it was read"):
        call("stage", {"manifest": manifest})
    assert not [key for key in cloud.keys(CURATED, "staging/") if key.endswith("report.json")]


@pytest.mark.parametrize(("most", "fits"), [(len(FILE) - 1, False), (len(FILE), True), (len(FILE) + 1, True)])
def test_more_than_a_function_should_read_is_left_to_the_job(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch, most: int, fits: bool
) -> None:
    manifest = claimed(cloud, call, {"airlines/a.csv": FILE})
    monkeypatch.setenv("MOST_BYTES", str(most))
    if fits:
        assert call("stage", {"manifest": manifest}) == {"rows_read": 4}
        return
    with pytest.raises(TooLargeError, match="more than the bytes"):
        call("stage", {"manifest": manifest})
    assert not [key for key in cloud.keys(CURATED, "staging/") if key.endswith("report.json")]


@pytest.mark.parametrize(
    ("small", "engine"), [(len(FILE) - 1, "spark"), (len(FILE), "stage"), (len(FILE) + 1, "stage"), (0, "spark")]
)
def test_what_fits_into_a_function_is_staged_by_it(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch, small: int, engine: str
) -> None:
    from lambdas.etl_trigger import handler

    monkeypatch.setenv("SMALL_BYTES", str(small))
    handler._trigger.cache_clear()
    claimed(cloud, call, {"airlines/a.csv": FILE})
    handler._trigger.cache_clear()
    assert [started["engine"] for started in cloud.executions().values()] == [engine]


def of(content: bytes, most: int = 10**9) -> tuple[S3Store, ManifestFile]:
    s3 = boto3.client("s3")
    version = s3.put_object(Bucket=RAW, Key="t/a.csv", Body=content)["VersionId"]
    file = ManifestFile(
        key="t/a.csv", version=version, uri=f"s3://{RAW}/t/a.csv", size=len(content), format="csv", landed_at=""
    )
    return S3Store(s3, most), file


@pytest.mark.parametrize("size", [0, 1, BUFFER_BYTES - 1, BUFFER_BYTES, BUFFER_BYTES + 1, 2 * BUFFER_BYTES + 5])
def test_an_object_is_read_whole_and_at_any_place(cloud: Cloud, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    store, file = of(content[:size])
    with store.open_file(file) as stream:
        assert stream.read() == content[:size]
        assert stream.read(1) == b""
        for place in {0, size // 2, max(0, size - 1), size}:
            stream.seek(place)
            assert stream.read(3) == content[:size][place : place + 3]
        assert stream.seek(0, io.SEEK_END) == size


def test_what_was_not_written_whole_is_not_there(cloud: Cloud) -> None:
    store, _ = of(b"x")
    with store.open_write(f"s3://{CURATED}/staging/a") as stream:
        stream.write(b"whole")
    with contextlib.suppress(ZeroDivisionError), store.open_write(f"s3://{CURATED}/staging/b") as stream:
        stream.write(b"half")
        _ = 1 / 0
    assert store.list(f"s3://{CURATED}/staging/") == [f"s3://{CURATED}/staging/a"]


def test_what_s3_answers_otherwise_is_raised(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    store, file = of(b"x")

    def refuse(**_: object) -> object:
        raise ClientError({"Error": {"Code": "SlowDown", "Message": "reduce your request rate"}}, "HeadObject")

    head: Callable[..., object] = refuse
    monkeypatch.setattr(store._s3, "head_object", head)
    with pytest.raises(ClientError, match="SlowDown"):
        store.open_file(file)


def test_of_an_iceberg_table_the_files_of_its_list_are_read_and_no_others(cloud: Cloud, call: Call) -> None:
    manifest = claimed(cloud, call, {"airlines/a.csv": FILE})
    [named] = [key for key in cloud.keys(ARTIFACTS, "batches/airlines/") if key.endswith("/contract.json")]
    document = json.loads(cloud.s3.get_object(Bucket=ARTIFACTS, Key=named)["Body"].read())
    document |= {"table_format": "iceberg"}
    cloud.s3.put_object(Bucket=ARTIFACTS, Key=named, Body=json.dumps(document))

    def staged() -> tuple[str, int, int]:
        call("stage", {"manifest": manifest})
        report = report_of(cloud, manifest)
        return report.snapshot, report.counts.rows_curated, report.counts.rows_duplicate

    assert staged() == ("", 2, 1), "there is no table yet"
    # Rows of another batch: those of this very one would not count.
    [file] = report_of(cloud, manifest).curated
    table = pq.read_table(io.BytesIO(cloud.s3.get_object(Bucket=CURATED, Key=split_uri(file.uri)[1])["Body"].read()))
    place = table.column_names.index("_batch_id")
    buffer = io.BytesIO()
    pq.write_table(table.set_column(place, "_batch_id", [["another"] * table.num_rows]), buffer)
    cloud.s3.put_object(Bucket=CURATED, Key="tables/airlines/data/part.parquet", Body=buffer.getvalue())
    assert staged() == ("", 2, 1), "a file that no list names is of no table"
    for snapshot, names, expected in (("1", ["data/part.parquet"], (0, 3)), ("2", [], (2, 1))):
        files = tuple(LiveFile(name=name, partition="", rows=2, bytes=1) for name in names)
        live = LiveFiles(snapshot=snapshot, files=files)
        cloud.s3.put_object(Bucket=CURATED, Key=f"tables/airlines/{LIVE_FILES}", Body=live.to_json().encode())
        assert staged() == (snapshot, *expected)
