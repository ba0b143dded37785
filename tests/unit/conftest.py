"""Of every unit test: AWS is in this process, so that nobody has to wait before a call is made again."""

from types import SimpleNamespace

import botocore.endpoint
import pytest


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
