"""A file that is overwritten while it is read fails the run: Spark reads the latest version, the manifest names one."""

import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws
from pipeline_core.job_errors import OverwrittenError
from pipeline_core.manifest import Manifest, ManifestFile
from pipeline_core.report import Report

from glue_jobs import raw_to_curated
from tests.lake import ORDERS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RAW, CURATED = "raw", "curated"
STAGING = "staging/orders/orders-1/"
KEYS = ("orders/a.csv", "orders/b.csv")


def file(key: str, version: str, uri: str = "") -> ManifestFile:
    return ManifestFile(
        key=key, version=version, uri=uri or f"s3://{RAW}/{key}", size=1, format="csv", landed_at="2026-01-01T00:00:00Z"
    )


def manifest(*files: ManifestFile) -> Manifest:
    return Manifest(
        batch_id="orders-1",
        dataset="orders",
        contract=f"s3://{CURATED}/contract.json",
        staging=f"s3://{CURATED}/{STAGING}",
        table=f"s3://{CURATED}/tables/orders/",
        files=files,
    )


@pytest.fixture
def s3() -> Iterator["S3Client"]:
    with mock_aws():
        client = boto3.client("s3")
        for bucket in (RAW, CURATED):
            client.create_bucket(Bucket=bucket)
        client.put_bucket_versioning(Bucket=RAW, VersioningConfiguration={"Status": "Enabled"})
        client.put_object(Bucket=CURATED, Key="contract.json", Body=json.dumps(ORDERS))
        yield client


@pytest.fixture
def run_job(s3: "S3Client", monkeypatch: pytest.MonkeyPatch) -> Callable[..., bool]:
    """Run the job's `main`, and something else while it reads; answers whether it left a report."""

    def run_job(files: tuple[ManifestFile, ...], meanwhile: Callable[[], Any]) -> bool:
        def run(*_: object) -> Report:
            meanwhile()
            return Report(
                batch_id="orders-1", dataset="orders", contract_version="1", files=(), curated=(), quarantined=()
            )

        monkeypatch.setattr(raw_to_curated, "session", lambda _: None)
        monkeypatch.setattr(raw_to_curated, "run", run)
        s3.put_object(Bucket=CURATED, Key="manifest.json", Body=manifest(*files).to_json())
        raw_to_curated.main(["--manifest", f"s3://{CURATED}/manifest.json"])
        return reported(s3)

    return run_job


def reported(s3: "S3Client") -> bool:
    return "Contents" in s3.list_objects_v2(Bucket=CURATED, Prefix=STAGING)


def land(s3: "S3Client", key: str) -> str:
    return s3.put_object(Bucket=RAW, Key=key, Body=b"id\n1\n")["VersionId"]


def test_files_that_stayed_what_they_were_are_reported(s3: "S3Client", run_job: Callable[..., bool]) -> None:
    land(s3, KEYS[0])  # an earlier version, which the manifest does not name
    files = tuple(file(key, land(s3, key)) for key in KEYS)
    assert run_job(files, lambda: land(s3, "orders/c.csv"))


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("change", ["overwritten", "deleted"])
def test_a_file_that_changes_while_it_is_read_fails_the_run_which_leaves_no_report(
    s3: "S3Client", run_job: Callable[..., bool], key: str, change: str
) -> None:
    files = tuple(file(each, land(s3, each)) for each in KEYS)

    def meanwhile() -> None:
        # With the same bytes: what counts is the version.
        land(s3, key) if change == "overwritten" else s3.delete_object(Bucket=RAW, Key=key)

    with pytest.raises(OverwrittenError) as failure:
        run_job(files, meanwhile)
    assert str(failure.value).endswith(f"['s3://{RAW}/{key}']"), "the one that changed, and no other"
    assert not reported(s3), "rows of another version than the ledger knows would be published"


def test_a_file_that_was_overwritten_before_the_run_fails_it_too(s3: "S3Client", run_job: Callable[..., bool]) -> None:
    meant = land(s3, KEYS[0])
    land(s3, KEYS[0])
    with pytest.raises(OverwrittenError):
        run_job((file(KEYS[0], meant),), lambda: None)
    assert not reported(s3)


def test_a_file_that_is_read_from_a_copy_may_be_overwritten(s3: "S3Client", run_job: Callable[..., bool]) -> None:
    copied = file(KEYS[0], land(s3, KEYS[0]), f"s3://{CURATED}/staging/orders/orders-1/input/0.csv")
    assert run_job((copied,), lambda: land(s3, KEYS[0]))


@pytest.mark.parametrize(("latest", "changed"), [("a", True), ("b", False), ("c", True)])
def test_a_version_is_a_name_and_has_no_order(latest: str, changed: bool) -> None:
    client = boto3.client("s3")
    with Stubber(client) as stub:
        stub.add_response("head_object", {"VersionId": latest}, {"Bucket": RAW, "Key": KEYS[0]})
        expected = pytest.raises(OverwrittenError) if changed else nullcontext()
        with expected:
            raw_to_curated.refuse_overwritten(client, manifest(file(KEYS[0], "b")))


@pytest.mark.parametrize("code", ["403", "503"])
def test_a_storage_that_does_not_answer_is_not_taken_for_a_file_that_changed(code: str) -> None:
    client = boto3.client("s3")
    with Stubber(client) as stub:
        stub.add_client_error("head_object", code, http_status_code=int(code))
        with pytest.raises(ClientError, match=code):
            raw_to_curated.refuse_overwritten(client, manifest(file(KEYS[0], "v1")))
