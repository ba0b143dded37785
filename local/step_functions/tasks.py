"""Step Functions with Glue jobs, and with the state machine's role asked for every call.

MiniStack calls the target services without any permission check and has no optimized Glue integration. Here every
task is first authorised as AWS would, `glue:startJobRun` exists with and without `.sync`, an aborted or timed-out
task stops its job run, and the state machine's own `TimeoutSeconds` is honoured.
"""

from __future__ import annotations

import contextvars
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region, now_iso
from ministack.services import glue, stepfunctions

from local.iam import roles
from local.patches import monkeypatch

Json = dict[str, Any]

_START_JOB_RUN: Final = "arn:aws:states:::glue:startJobRun"
_TERMINAL: Final = frozenset({"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR"})
_TIMES: Final = frozenset({"StartedOn", "LastModifiedOn", "CompletedOn"})
_POLL_SECONDS: Final = 0.3
_OPTIMIZED: Final = {
    "dynamodb:getItem": ("dynamodb:GetItem", "TableName", "dynamodb:{region}:{account}:table/{name}"),
    "dynamodb:putItem": ("dynamodb:PutItem", "TableName", "dynamodb:{region}:{account}:table/{name}"),
    "dynamodb:updateItem": ("dynamodb:UpdateItem", "TableName", "dynamodb:{region}:{account}:table/{name}"),
    "dynamodb:deleteItem": ("dynamodb:DeleteItem", "TableName", "dynamodb:{region}:{account}:table/{name}"),
    "sns:publish": ("sns:Publish", "TopicArn", "{name}"),
    "sqs:sendMessage": ("sqs:SendMessage", "QueueUrl", "sqs:{region}:{account}:{name}"),
    "glue:startJobRun": ("glue:StartJobRun", "JobName", "glue:{region}:{account}:job/{name}"),
}
"""Optimized integrations: the IAM action, the argument that names the resource, its ARN after `arn:aws:`."""


@dataclass
class Task:
    """The task of an execution that is being invoked; `given_up` is set when nobody waits for it any more."""

    execution: Json
    access_key: str
    given_up: threading.Event = field(default_factory=threading.Event)

    def over(self) -> bool:
        """Whether the execution was aborted or the task ran into its timeout."""
        return self.given_up.is_set() or self.execution.get("status") != "RUNNING"


_task: contextvars.ContextVar[Task | None] = contextvars.ContextVar("pipeline_task", default=None)


def install() -> None:
    """Install the adapter.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    dispatch: dict[str, Callable[[str, Json], Any]] = monkeypatch.value(stepfunctions, "_SERVICE_DISPATCH", dict)
    monkeypatch.value(stepfunctions, "_state_machines", object)
    monkeypatch.value(stepfunctions, "_AWS_SDK_SERVICE_MAP", dict)
    monkeypatch.value(stepfunctions, "_AWS_SDK_ERROR_PREFIX", dict)
    monkeypatch.function(stepfunctions, "_add_event", "execution, event_type, details")
    monkeypatch.function(stepfunctions, "_emit_execution_status_event", "execution")
    monkeypatch.function(stepfunctions, "_resolve_lambda_function_ref", "value, optimized")
    monkeypatch.function(glue, "_start_job_run", "data")
    dispatch[_START_JOB_RUN] = _invoke_start_job_run
    _install_task_scope()
    _install_authorisation()
    _install_timeout()
    _install_succeed_output()


def _install_task_scope() -> None:
    def execute_task(state_def: Json, raw_input: Any, execution: Json, ctx: Json) -> Any:
        machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) or {}
        try:
            session = roles.session_of(machine.get("roleArn", ""), execution["name"], "states.amazonaws.com")
        except roles.AccessDeniedError as error:
            raise stepfunctions._ExecutionError("States.Permissions", str(error)) from error
        token = _task.set(Task(execution, session.access_key))
        try:
            return original(state_def, raw_input, execution, ctx)
        finally:
            _task.reset(token)

    original = monkeypatch.replace(stepfunctions, "_execute_task", "state_def, raw_input, execution, ctx", execute_task)


def _install_authorisation() -> None:
    def invoke(resource: str, input_data: Any) -> Any:
        task = _task.get()
        if task is not None:
            try:
                authorise(task.access_key, resource, input_data)
            except roles.AccessDeniedError as error:
                raise stepfunctions._ExecutionError(_denied_name(resource), str(error)) from error
        return original(resource, input_data)

    def invoke_with_timeout(resource: str, input_data: Any, timeout: float) -> Any:
        outer = _task.get()
        if outer is None:
            return original_with_timeout(resource, input_data, timeout)
        task = Task(outer.execution, outer.access_key)
        token = _task.set(task)
        try:
            return original_with_timeout(resource, input_data, timeout)
        except stepfunctions._ExecutionError:
            task.given_up.set()
            raise
        finally:
            _task.reset(token)

    original = monkeypatch.replace(stepfunctions, "_invoke_resource", "resource, input_data", invoke)
    original_with_timeout = monkeypatch.replace(
        stepfunctions, "_invoke_resource_with_timeout", "resource, input_data, timeout", invoke_with_timeout
    )


def _install_succeed_output() -> None:
    # MiniStack gives a Succeed state's JSONata `Output` no effect.
    def apply_output_path(state_def: Json, data: Any, ctx: Json | None = None) -> Any:
        language = stepfunctions._state_query_language(state_def, ctx)
        if state_def.get("Type") == "Succeed" and language == "JSONata":
            return stepfunctions._apply_jsonata_output(state_def, data, ctx, default=data)
        return original(state_def, data, ctx)

    monkeypatch.function(stepfunctions, "_state_query_language", "state_def, ctx")
    monkeypatch.function(
        stepfunctions, "_apply_jsonata_output", "state_def, raw_input, ctx, result, error_output, default"
    )
    original = monkeypatch.replace(stepfunctions, "_apply_output_path", "state_def, data, ctx", apply_output_path)


def _install_timeout() -> None:
    def run_execution(exec_arn: str) -> None:
        execution = stepfunctions._executions.get(exec_arn)
        machine = stepfunctions._state_machines.get((execution or {}).get("stateMachineArn"))
        limit = json.loads(machine["definition"]).get("TimeoutSeconds") if machine else None
        if execution is None or not isinstance(limit, int):
            original(exec_arn)
            return
        context = contextvars.copy_context()
        timer = threading.Timer(limit, lambda: context.run(_time_out, execution))
        timer.daemon = True
        timer.start()
        try:
            original(exec_arn)
        finally:
            timer.cancel()

    original = monkeypatch.replace(stepfunctions, "_run_execution", "exec_arn", run_execution)
    keep_end = monkeypatch.function(stepfunctions, "_fail_execution", "execution, error, cause")

    def fail_execution(execution: Json, error: str, cause: str) -> None:
        # A task that ends after an abort or a timeout must not turn that end into another one.
        if execution["status"] == "RUNNING":
            keep_end(execution, error, cause)

    monkeypatch.replace(stepfunctions, "_fail_execution", "execution, error, cause", fail_execution)


def _time_out(execution: Json) -> None:
    if execution["status"] != "RUNNING":
        return
    execution["status"] = "TIMED_OUT"
    execution["stopDate"] = now_iso()
    stepfunctions._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
    stepfunctions._emit_execution_status_event(execution)


def authorise(access_key: str, resource: str, arguments: Any) -> None:
    """Ask whether the state machine's role may do what a task's resource says.

    Raises:
        AccessDeniedError: if it may not.
    """
    arguments = arguments if isinstance(arguments, dict) else {}
    if "states:::lambda:invoke" in resource or resource.startswith("arn:aws:lambda:"):
        reference = arguments.get("FunctionName", "") if "states:::" in resource else resource
        roles.authorize(access_key, "lambda:InvokeFunction", _function_arn(reference))
        return
    if "states:::aws-sdk:" in resource:
        action, found = _sdk_request(resource, arguments)
        roles.authorize(access_key, action, found)
        return
    name = resource.removeprefix("arn:aws:states:::").removesuffix(".sync").removesuffix(".waitForTaskToken")
    if name in _OPTIMIZED:
        action, argument, pattern = _OPTIMIZED[name]
        value = str(arguments.get(argument, ""))
        named = value if name == "sns:publish" else value.rsplit("/", 1)[-1].rsplit(":", 1)[-1]
        arn = pattern.format(region=get_region(), account=get_account_id(), name=named)
        roles.authorize(access_key, action, arn if arn.startswith("arn:") else f"arn:aws:{arn}")
    elif name == "events:putEvents":
        for entry in arguments.get("Entries", []):
            bus = str(entry.get("EventBusName", "default")).rsplit("/", 1)[-1]
            bus_arn = f"arn:aws:events:{get_region()}:{get_account_id()}:event-bus/{bus}"
            roles.authorize(access_key, "events:PutEvents", bus_arn)


def _function_arn(reference: str) -> str:
    if reference.startswith("arn:"):
        return reference
    return f"arn:aws:lambda:{get_region()}:{get_account_id()}:function:{reference}"


def _sdk_request(resource: str, arguments: Json) -> tuple[str, str]:
    service, action = resource.partition("aws-sdk:")[2].split(":")[:2]
    known = stepfunctions._AWS_SDK_SERVICE_MAP.get(service.lower(), {})
    key = known.get("service_key", service.lower())
    prefix = {"sfn": "states", "eventbridge": "events", "cloudwatchlogs": "logs"}.get(service.lower(), key)
    operation = action[0].upper() + action[1:]
    headers = {"x-amz-target": f"{known.get('target_prefix', '')}.{operation}"}
    body = json.dumps(arguments, default=str).encode()
    arn = iam_actions.extract_resource_arn(key, "POST", "/", headers, body, {}, get_region(), get_account_id())
    return f"{prefix}:{operation}", arn


def _denied_name(resource: str) -> str:
    # AWS names a refusal after the service: Lambda.AWSLambdaException, Glue.AccessDeniedException, ...
    if "lambda" in resource:
        return "Lambda.AWSLambdaException"
    integration = resource.removeprefix("arn:aws:states:::")
    service = integration.removeprefix("aws-sdk:").partition(":")[0]
    if service == "dynamodb" and not integration.startswith("aws-sdk:"):
        return "DynamoDB.AccessDeniedException"
    prefix = stepfunctions._AWS_SDK_ERROR_PREFIX.get(service.lower(), service.capitalize())
    return f"{prefix}.AccessDeniedException"


def _call_glue(call: Callable[[Json], tuple[int, Any, bytes]], request: Json) -> Json:
    status, _, body = call(request)
    answer: Json = json.loads(body) if body else {}
    if status >= 400:
        code = str(answer.get("__type", "AWSGlueException")).rsplit("#", 1)[-1]
        raise stepfunctions._ExecutionError(f"Glue.{code}", answer.get("message", ""))
    return answer


def _invoke_start_job_run(resource: str, arguments: Json) -> Json:
    """`glue:startJobRun`: returns at once; `.sync` when the run has ended well."""
    run_id = _call_glue(glue._start_job_run, arguments)["JobRunId"]
    job_name = arguments["JobName"]
    if not resource.endswith(".sync"):
        return {"JobRunId": run_id, "JobName": job_name}
    task = _task.get()
    while True:
        if task is not None and task.over():
            _as_role(task, "glue:BatchStopJobRun", job_name)
            glue._batch_stop_job_run({"JobName": job_name, "JobRunIds": [run_id]})
            raise stepfunctions._ExecutionError("States.TaskFailed", f"Job run {run_id} was stopped")
        run = _call_glue(glue._get_job_run, {"JobName": job_name, "RunId": run_id})["JobRun"]
        if run["JobRunState"] in _TERMINAL:
            break
        time.sleep(_POLL_SECONDS)
    if task is not None:
        _as_role(task, "glue:GetJobRun", job_name)
    # Step Functions shows times in milliseconds.
    shown = {name: round(value * 1000) if name in _TIMES else value for name, value in run.items() if value is not None}
    if run["JobRunState"] != "SUCCEEDED":
        raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(shown))
    return shown


def _as_role(task: Task, action: str, job_name: str) -> None:
    arn = f"arn:aws:glue:{get_region()}:{get_account_id()}:job/{job_name}"
    try:
        roles.authorize(task.access_key, action, arn)
    except roles.AccessDeniedError as error:
        raise stepfunctions._ExecutionError("Glue.AccessDeniedException", str(error)) from error
