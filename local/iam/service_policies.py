"""The permissions of AWS's own services between themselves, which MiniStack does not ask for.

EventBridge needs the queue's, topic's or function's policy to let it in, and the policy of the key that encrypts the
queue or topic; so do the alarms of CloudWatch and the budgets that tell a topic. The poller of an event source mapping
needs the function's role to let it read the queue.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import budgets, cloudwatch, eventbridge, lambda_svc

from local.iam import decisions, keys, roles
from local.patches import monkeypatch

_EVENTS: Final = "events.amazonaws.com"
_DELIVERY: Final = {"sqs": "sqs:SendMessage", "sns": "sns:Publish", "lambda": "lambda:InvokeFunction"}
_ACTIONS: Final = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
_POLLING: Final = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_log = logging.getLogger("pipeline.service_policies")


def install() -> None:
    """Install the adapter.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    monkeypatch.function(iam_evaluator, "_resource_policy", "service, resource_arn")
    monkeypatch.function(iam_evaluator, "evaluate_resource_policy", "doc, ctx, service, named_only, direct_only")

    def invoke_target(target: dict[str, Any], event: Any, rule: dict[str, Any], view: Any = None) -> Any:
        arn = str(target.get("Arn", ""))
        action = _DELIVERY.get(arn.split(":")[2] if arn.count(":") > 2 else "")
        if action is None or service_may(_EVENTS, action, arn, str(rule.get("Arn", ""))):
            return original_invoke(target, event, rule, view)
        _log.error("EventBridge may not %s to %s: its policy or its key's policy refuses", action, arn)
        return None

    def run_batch(esm: Any, func_rec: Any, event: Any, batch: Any, queue_url: str, queue_name: str) -> Any:
        function = func_rec["config"]
        try:
            session = roles.session_of(function["Role"], function["FunctionName"], "lambda.amazonaws.com")
            for action in _POLLING:
                roles.authorize(session.access_key, action, esm["EventSourceArn"])
        except roles.AccessDeniedError as error:
            # As on AWS, the messages stay in the queue and the mapping says what its problem is.
            esm["LastProcessingResult"] = f"PROBLEM: Function call failed: {error}"
            return None
        return original_batch(esm, func_rec, event, batch, queue_url, queue_name)

    original_invoke = monkeypatch.replace(eventbridge, "_invoke_target", "target, event, rule, view", invoke_target)
    original_batch = monkeypatch.replace(
        lambda_svc, "_run_sqs_batch", "esm, func_rec, event, batch, queue_url, queue_name", run_batch
    )
    _install_alarms()
    _install_budgets()


def _install_alarms() -> None:
    def dispatch(alarm: dict[str, Any], old_state: str, new_state: str, reason: str) -> None:
        field = _ACTIONS.get(new_state, "")
        topics = [arn for arn in alarm.get(field) or [] if alarm.get("ActionsEnabled", True)]
        let_in = [arn for arn in topics if _may_publish("cloudwatch.amazonaws.com", arn, alarm["AlarmArn"])]
        original({**alarm, field: let_in}, old_state, new_state, reason)

    monkeypatch.function(cloudwatch, "_is_sns_action_arn", "action")
    original = monkeypatch.replace(
        cloudwatch, "_dispatch_alarm_actions", "alarm, old_state, new_state, reason", dispatch
    )


def _install_budgets() -> None:
    # MiniStack counts no money and tells nobody; whether a budget could, is asked and recorded when it is made.
    def create(data: dict[str, Any]) -> Any:
        answer = original(data)
        source = budgets._budget_arn((data.get("Budget") or {}).get("BudgetName", ""))
        for notice in data.get("NotificationsWithSubscribers") or []:
            for subscriber in notice["Subscribers"] if answer[0] < 400 else []:
                if subscriber["SubscriptionType"] == "SNS":
                    _may_publish("budgets.amazonaws.com", subscriber["Address"], source)
        return answer

    monkeypatch.function(budgets, "_budget_arn", "budget_name")
    handlers = monkeypatch.value(budgets, "_DISPATCH", dict)
    original = handlers["CreateBudget"]
    handlers["CreateBudget"] = create


def _may_publish(service: str, topic: str, source: str) -> bool:
    if not cloudwatch._is_sns_action_arn(topic) or service_may(service, "sns:Publish", topic, source):
        return True
    _log.error("%s may not publish to %s: its policy or its key's policy refuses", source, topic)
    return False


def service_may(service: str, action: str, resource: str, source: str) -> bool:
    """Whether the policies of a resource and of its key let a service in; the decisions are recorded.

    `source` is the ARN of what makes the service act, such as an EventBridge rule.
    """
    asked = [(action, resource), *keys.needed(action, resource)]
    return all(_policy_lets_in(service, needed, arn, source) for needed, arn in asked)


def _policy_lets_in(service: str, action: str, resource: str, source: str) -> bool:
    found = iam_evaluator._resource_policy(action.partition(":")[0], resource)
    context = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account=get_account_id(),
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context={"aws:sourcearn": source, "aws:sourceaccount": get_account_id()},
    )
    policy = found[0] if found else None
    answer = iam_evaluator.evaluate_resource_policy(policy, context, service=service)
    allowed = bool(answer.decision == "Allow")
    reason = "allowed" if allowed else "the resource's policy does not let the service in"
    decisions.record(service, action, resource, allowed=allowed, reason=reason)
    return allowed
