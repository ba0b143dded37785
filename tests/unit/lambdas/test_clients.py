"""What a function that is warm does not make again."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from tests.unit.lambdas.conftest import Cloud
from tests.unit.lambdas.test_batches import decide, one_batch


def test_from_the_second_batch_on_no_client_is_made(
    cloud: Cloud, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def publish(dataset: str) -> None:
        batch_id, manifest = one_batch(cloud, call, f"{dataset}/a.csv")
        cloud.stage(manifest)
        assert decide(call, batch_id)["verdict"] == "PUBLISHED"

    publish("airlines")
    made: list[str] = []

    def counted(make: Callable[..., Any]) -> Callable[..., Any]:
        def count(service: str, **further: Any) -> Any:
            made.append(service)
            return make(service, **further)

        return count

    for kind in ("client", "resource"):
        monkeypatch.setattr(boto3, kind, counted(getattr(boto3, kind)))
    publish("planes")
    assert not made
