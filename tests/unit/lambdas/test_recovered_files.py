"""What becomes of the files of a batch that failed: how often they were tried, and why one is not tried again."""

import json

import pytest
from pipeline_core.layout import quarantined_file_keys

from tests.unit.lambdas.conftest import QUARANTINE, RAW, Cloud
from tests.unit.lambdas.test_batches import Call, one_batch
from tests.unit.lambdas.test_recovery import fail, job_failed, spark_dies


@pytest.mark.parametrize(("is_cancelled", "attempts"), [(False, 1), (True, 0)])
def test_a_batch_that_a_person_gave_up_is_no_attempt_of_its_files(
    cloud: Cloud, call: Call, is_cancelled: bool, attempts: int
) -> None:
    batch_id, _ = one_batch(cloud, call, "flights/a.csv")
    if is_cancelled:
        assert cloud.batches.cancel(cloud.batches.existing("flights", batch_id))
    assert fail(call, batch_id, "Stage", **job_failed("no capacity")) == "RELEASED"
    (item,) = cloud.files("flights/a.csv")
    assert (item["status"], item["attempts"]) == ("PENDING", attempts)


def test_a_file_that_the_job_fails_on_alone_says_so_beside_its_copy(cloud: Cloud, call: Call) -> None:
    batch_id, _ = one_batch(cloud, call, "flights/a.csv")
    assert spark_dies(cloud, call, batch_id) == "QUARANTINED"
    (item,) = cloud.files("flights/a.csv")
    content, reason = quarantined_file_keys(RAW, "flights/a.csv", item["version"])
    assert cloud.s3.get_object(Bucket=QUARANTINE, Key=content)["Body"].read() == b"x\n1\n"
    said = json.loads(cloud.s3.get_object(Bucket=QUARANTINE, Key=reason)["Body"].read())
    assert said["reason"] == item["reason"]
    assert item["reason"].startswith("unreadable: the job fails on this file alone: ")
