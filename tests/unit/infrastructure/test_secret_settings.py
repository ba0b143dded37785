"""Settings that hold a Pulumi secret: it is taken, and no message shows it or what stands beside it."""

from typing import Any, get_args

import pytest

from config.load import ConfigError, load, parse
from config.model import Subscription
from config.stack_file import opened
from tests.unit.infrastructure.cloud import deploy
from tests.unit.infrastructure.test_config import PROD, merged

SECRET = "https://example.com/hooks/hunter2"


def with_endpoint(**subscription: str) -> dict[str, Any]:
    return merged(PROD, {"monitoring": {"alarm_subscriptions": [{"protocol": "https", **subscription}]}})


@pytest.mark.parametrize(
    "raw",
    [
        with_endpoint(name="on-call", endpoint=SECRET.replace("https", "http")),
        with_endpoint(endpoint=SECRET),
        with_endpoint(name="on-call", endpoint=SECRET, to=SECRET),
        {**PROD, "environment": SECRET},
        SECRET,
    ],
)
def test_no_value_of_settings_that_hold_a_secret_is_printed(raw: object) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(raw, "Pulumi.test.yaml", secret=True)
    assert "hunter2" not in str(caught.value)
    assert "[secret]" in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None, "a traceback would show it"


@pytest.mark.parametrize(
    ("change", "other"),
    [
        ({"ingestion": {"batch_size": 4321, "batching_window_seconds": 0}}, "4321"),
        ({"ingestion": {"max_concurrency": 321}, "functions": {"ingestion": {"reserved_concurrency": 5}}}, "321"),
        ({"functions": {"ingestion": {"timeout_seconds": 432}}, "ingestion": {"max_receive_count": 999}}, "2593"),
        ({"workflow": {"timeout_minutes": 60}, "glue": {"timeout_minutes": 432}}, "432"),
        ({"glue": {"max_concurrent_runs": 1}, "batches": {"max_concurrent_per_dataset": 7}}, "7"),
        ({"storage": {"raw_to_infrequent_access_after_days": 321, "raw_to_glacier_after_days": 322}}, "351"),
        ({"storage": {"raw_to_glacier_after_days": 321, "raw_expires_after_days": 320}}, "321"),
        (
            {
                "security": {
                    "account_id": "111122223333",
                    "permissions_boundary_arn": "arn:aws:iam::444455556666:policy/boundary",
                }
            },
            "111122223333",
        ),
    ],
)
def test_what_is_allowed_names_no_other_value_of_settings_that_hold_a_secret(
    change: dict[str, Any], other: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(merged(PROD, change), "", secret=False)
    assert other in str(caught.value)
    with pytest.raises(ConfigError) as caught:
        parse(merged(PROD, change), "", secret=True)
    assert other not in str(caught.value)
    assert str(caught.value).endswith(
        "Of these settings, only endpoints of subscriptions and slack_webhooks may be secrets."
    )


def test_a_secret_endpoint_needs_a_name_since_the_resource_would_be_called_after_it() -> None:
    parse(with_endpoint(endpoint=SECRET), "", secret=False)
    with pytest.raises(ConfigError, match=r"alarm_subscriptions.0.name = \[secret\]: allowed is a name"):
        parse(with_endpoint(endpoint=SECRET), "", secret=True)


@pytest.mark.parametrize("protocol", get_args(Subscription.model_fields["protocol"].annotation))
def test_a_secret_endpoint_of_any_kind_has_a_stand_in_that_the_program_accepts(protocol: str) -> None:
    subscription = {"name": "on-call", "protocol": protocol, "endpoint": {"secure": "v1:abc:def"}}
    config = {"data-pipeline:settings": merged(PROD, {"monitoring": {"alarm_subscriptions": [subscription]}})}
    plain, secret_keys = opened(config)
    assert secret_keys == ["data-pipeline:settings"]
    settings = parse(plain["data-pipeline:settings"], "", secret=True)
    assert settings.holds_secrets
    assert "v1:abc:def" not in repr(settings)


def test_text_in_the_place_of_settings_is_refused_and_not_shown_if_it_is_secret() -> None:
    with pytest.raises(ConfigError, match="data-pipeline:settings = 'hunter2' is not a mapping"):
        deploy(load, config={"data-pipeline:settings": "hunter2"})
    with pytest.raises(ConfigError, match=r"data-pipeline:settings = \[secret\] is not a mapping"):
        deploy(load, config={"data-pipeline:settings": {"secure": "v1:a:b"}})
