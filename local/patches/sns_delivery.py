"""How SNS hands a message to a function: asynchronously, by the function's policy, and to the dead letters if refused.

MiniStack runs the function once and drops its error, whatever the function's policy and its asynchronous configuration
say. AWS asks the policy; then Lambda tries again and leaves what failed for good at the function's destination. What
Lambda does not take at all, SNS leaves in the dead-letter queue of the subscription (Amazon SNS developer guide,
"Message delivery retries" and "Dead-letter queues", 2026-11).
"""

from __future__ import annotations

import json
import logging
from typing import Any

from ministack.services import lambda_svc, sns

from local.iam import service_policies
from local.patches import monkeypatch

_SNS = "sns.amazonaws.com"
_log = logging.getLogger("pipeline.sns_delivery")


def install() -> None:
    """Install the adapter.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    monkeypatch.function(lambda_svc, "_get_func_record_for_ref", "function_ref")
    monkeypatch.function(lambda_svc, "_execution_record_for_config", "func, config")
    monkeypatch.function(lambda_svc, "invoke_async_with_retry", "func, event")
    monkeypatch.function(sns, "_find_subscription", "topic_arn, sub_arn")
    monkeypatch.function(
        sns,
        "_deliver_to_sqs",
        "endpoint, envelope, raw, raw_message, message_group_id, message_dedup_id, message_attributes, topic_arn",
    )
    monkeypatch.replace(
        sns,
        "_deliver_to_lambda",
        "endpoint, envelope, topic_arn, sub_arn, msg_id, raw_message, message_attributes",
        _deliver,
    )


def _deliver(
    endpoint: str,
    envelope: str,
    topic_arn: str,
    sub_arn: str,
    msg_id: str,
    raw_message: str,
    message_attributes: dict[str, Any],
) -> None:
    record = {
        "EventVersion": "1.0",
        "EventSubscriptionArn": sub_arn,
        "EventSource": "aws:sns",
        "Sns": json.loads(envelope),
    }
    function, config, _ = lambda_svc._get_func_record_for_ref(endpoint)
    if (
        function
        and config
        and service_policies.service_may(_SNS, "lambda:InvokeFunction", config["FunctionArn"], topic_arn)
    ):
        lambda_svc.invoke_async_with_retry(
            lambda_svc._execution_record_for_config(function, config), {"Records": [record]}
        )
        return
    _log.error("SNS may not invoke %s for %s: there is none, or its policy refuses", endpoint, topic_arn)
    subscription = sns._find_subscription(topic_arn, sub_arn) or {}
    redrive = json.loads(subscription.get("attributes", {}).get("RedrivePolicy") or "{}")
    queue = redrive.get("deadLetterTargetArn", "")
    if queue and service_policies.service_may(_SNS, "sqs:SendMessage", queue, topic_arn):
        sns._deliver_to_sqs(queue, envelope, False, raw_message, topic_arn=topic_arn)
