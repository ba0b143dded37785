"""Events of lineage are posted to whoever is to have them, as they are kept, and tried again."""

import json

import boto3
import pytest
import requests

from lambdas.lineage import delivery, handler
from tests.receiver import Posted, receiving
from tests.unit.lambdas.conftest import ARTIFACTS, Cloud
from tests.unit.lambdas.test_batches import Call, one_batch
from tests.unit.lambdas.test_lineage import created, start


def post_to(monkeypatch: pytest.MonkeyPatch, url: str, parameter: str = "", endpoint: str = "api/v1/lineage") -> None:
    """Have events posted; a function's environment changes with its deployment, so that what it has read goes."""
    monkeypatch.setenv("LINEAGE_URL", url)
    monkeypatch.setenv("LINEAGE_ENDPOINT", endpoint)
    monkeypatch.setenv("LINEAGE_PARAMETER", parameter)
    handler._settings.cache_clear()
    delivery._secret.cache_clear()


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(delivery.RETRIES, "backoff_factor", 0.001)


@pytest.mark.parametrize(
    ("path", "endpoint"), [("", "api/v1/lineage"), ("/datahub", "api/v1/lineage"), ("/datahub/", "openapi/lineage")]
)
def test_what_is_posted_is_what_is_kept(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch, path: str, endpoint: str, unhurried: None
) -> None:
    batch_id, _ = one_batch(cloud, call, "flights/a.csv")
    with receiving(503, 503) as (address, taken):
        post_to(monkeypatch, f"{address}{path}", endpoint=endpoint)
        event = start(cloud, call, batch_id)
    where = f"{path.rstrip('/')}/{endpoint}"
    assert taken == [Posted(where, None, event)] * 3, "what may pass is tried again"


def test_the_key_is_read_from_its_parameter_and_sent_as_a_bearer_token(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    boto3.client("ssm").put_parameter(Name="/of/the/stack", Value="s3cret", Type="SecureString")
    batch_id, _ = one_batch(cloud, call, "flights/a.csv")
    with receiving() as (address, taken):
        post_to(monkeypatch, address, "/of/the/stack")
        start(cloud, call, batch_id)
    assert [each.authorization for each in taken] == ["Bearer s3cret"]


@pytest.mark.parametrize("status", [500, 422, None])
def test_who_does_not_take_an_event_fails_the_call_and_it_is_kept_all_the_same(
    cloud: Cloud, call: Call, monkeypatch: pytest.MonkeyPatch, status: int | None, unhurried: None
) -> None:
    batch_id, _ = one_batch(cloud, call, "flights/a.csv")
    with receiving(*([status] * 3 if status else [])) as (address, taken):
        # Nobody listens at the address of a server that has ended.
        gone = address
        if status:
            post_to(monkeypatch, address)
            with pytest.raises(requests.RequestException):
                start(cloud, call, batch_id)
            assert len(taken) == (1 if status == 422 else 3), "what is refused for good is not tried again"
    if not status:
        post_to(monkeypatch, gone)
        with pytest.raises(requests.RequestException):
            start(cloud, call, batch_id)
    [key] = cloud.keys(ARTIFACTS, "lineage/events/")
    assert json.loads(cloud.s3.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read())["eventType"] == "START"
    # Lambda calls it again, and again it is posted.
    with receiving() as (address, taken):
        post_to(monkeypatch, address)
        call("lineage", created(f"batches/flights/{batch_id}/manifest.json"))
    assert len(taken) == 1
