"""Nothing that a test does may reach AWS: credentials and region are made up for every test."""

import os

import pytest
from pipeline_core import clients

from local import service_descriptions
from tests import quick_moto, workers

# A test makes sessions of its own, and most of what their clients cost is what they read.
service_descriptions.share()
quick_moto.keep_addresses()
quick_moto.leave_out_what_is_not_read()
quick_moto.remember_names()

# Powertools reads these when a handler is imported, which may be before any fixture runs.
os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "DataPipeline"
os.environ["POWERTOOLS_SERVICE_NAME"] = "test"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    return workers.automatic()


@pytest.fixture(autouse=True)
def _no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "POWERTOOLS_TRACE_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    # Those of the test before were of another AWS.
    clients.forget()
