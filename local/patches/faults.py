"""Make requests fail, wait, or kill who makes them, as rules say: installed only in an emulator started with faults.

A rule picks requests (service, operation, principal, text) and says which of those that it matches is hit, how many
from there on, whether before or after it is carried out, and what happens:

    error   the request is answered with an AWS error (`code`)
    kill    the process that made the request gets SIGKILL, as an execution environment that is lost
    delay   the request takes `seconds` longer
    hold    the request waits until the rule is deleted

Requests come over HTTP, or from a state machine's task (`principal` is its role then, and `kill` hits nobody).
Tests write and read the rules at `CONTROL`; each counts what it saw and how often it fired.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import json
import os
import re
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ministack import app
from ministack.core import iam_evaluator, router
from ministack.core.responses import get_account_id
from ministack.services import eventbridge, lambda_svc, stepfunctions

from local.patches import monkeypatch

CONTROL: Final = "/_faults/"
_LOOK_SECONDS: Final = 0.02
_SLOW_DOWN: Final = frozenset({"SlowDown", "ServiceUnavailable", "InternalError"})

Response = tuple[int, dict[str, str], Any]


@dataclass
class Rule:
    """Which requests are hit, and how. `nth` counts from 1; `times` 0 means all from there on."""

    id: str
    effect: str
    service: str = ""
    operation: str = ""
    principal: str = ""
    text: str = ""
    nth: int = 1
    times: int = 1
    when: str = "before"
    code: str = "InternalError"
    seconds: float = 0.0
    seen: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        if self.effect not in ("error", "kill", "delay", "hold") or self.when not in ("before", "after"):
            raise ValueError(f"rule {self.id!r}: effect {self.effect!r}, when {self.when!r}")


@dataclass(frozen=True)
class Call:
    """One request: what is asked, by whom, and the port that it comes from, if it comes over HTTP."""

    service: str
    operation: str
    principal: str
    text: str
    port: int = 0

    @functools.cached_property
    def process(self) -> int | None:
        """The process that asks, where it is another one than this; looking for it takes longer than most requests."""
        return _process(self.port) if self.port else None


class Faults:
    """The rules in force. Requests are matched one at a time, so that `nth` means one of them."""

    def __init__(self) -> None:
        self.rules: dict[str, Rule] = {}
        self._lock = threading.Lock()

    def hits(self, call: Call, when: str, counted: set[str]) -> list[Rule]:
        """The rules that fire for a request now; each rule counts a request once (`counted`)."""
        found = []
        with self._lock:
            for rule in self.rules.values():
                if rule.when != when or rule.id in counted or not _matches(rule, call):
                    continue
                counted.add(rule.id)
                rule.seen += 1
                if rule.seen >= rule.nth and (rule.times == 0 or rule.fired < rule.times):
                    rule.fired += 1
                    found.append(rule)
        return found

    def control(self, method: str, body: bytes) -> bytes:
        """PUT adds rules (a list), DELETE takes all away, GET and every other answer tells them with their counts."""
        with self._lock:
            told = json.dumps([asdict(rule) for rule in self.rules.values()]).encode()
            if method == "DELETE":
                self.rules = {}
            if method == "PUT":
                self.rules.update({rule["id"]: Rule(**rule) for rule in json.loads(body)})
        return told


faults: Final = Faults()
_peer: contextvars.ContextVar[int] = contextvars.ContextVar("pipeline_peer", default=0)


def install() -> None:
    """Install the adapter, after all others.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    monkeypatch.function(router, "detect_service", "method, path, headers, query_params")
    monkeypatch.function(router, "extract_access_key_id", "headers, query_params")
    _install_app()
    _install_dispatch()
    _install_tasks()
    _install_exit()
    _install_retries()


def _install_app() -> None:
    async def controlled(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await original(scope, receive, send)
            return
        _peer.set((scope.get("client") or ("", 0))[1])
        if not scope["path"].startswith(CONTROL):
            await original(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        answer = faults.control(scope["method"], body)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": answer})

    original = monkeypatch.replace(app, "app", "scope, receive, send", controlled)


def _install_dispatch() -> None:
    async def dispatch(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: Any, request_id: str
    ) -> Response:
        async def carry_out() -> Response:
            answer: Response = await original(method, path, headers, body, query_params, request_id)
            return answer

        if not faults.rules:
            return await carry_out()
        return await _served(_call(method, path, headers, body, query_params), carry_out)

    parameters = "method, path, headers, body, query_params, request_id"
    original = monkeypatch.replace(app, "_dispatch_service_request", parameters, dispatch)


async def _served(call: Call, carry_out: Callable[[], Awaitable[Response]]) -> Response:
    counted: set[str] = set()
    for rule in faults.hits(call, "before", counted):
        if rule.effect == "error":
            return _error(call, rule.code)
        await _suffered(rule, call)
        if rule.effect == "kill":
            # Nobody is there to hear it, and nothing was done.
            return _error(call, "InternalError")
    answer = await carry_out()
    for rule in faults.hits(call, "after", counted):
        if rule.effect == "error":
            return _error(call, rule.code)
        await _suffered(rule, call)
    return answer


async def _suffered(rule: Rule, call: Call) -> None:
    if rule.effect == "kill" and call.process is not None:
        os.kill(call.process, signal.SIGKILL)
    elif rule.effect == "delay":
        await asyncio.sleep(rule.seconds)
    while rule.effect == "hold" and faults.rules.get(rule.id) is rule:
        await asyncio.sleep(_LOOK_SECONDS)


def _install_tasks() -> None:
    def invoke(resource: str, input_data: Any) -> Any:
        service, _, operation = resource.partition(":::")[2].removeprefix("aws-sdk:").partition(":")
        operation = operation[:1].upper() + operation[1:].removesuffix(".sync")
        call = Call(service, operation, "states", json.dumps(input_data, default=str))
        counted: set[str] = set()
        _endure(faults.hits(call, "before", counted), service)
        result = original(resource, input_data)
        _endure(faults.hits(call, "after", counted), service)
        return result

    original = monkeypatch.replace(stepfunctions, "_invoke_resource", "resource, input_data", invoke)


def _endure(rules: list[Rule], service: str) -> None:
    for rule in rules:
        if rule.effect == "error":
            name = {"dynamodb": "DynamoDB", "lambda": "Lambda"}.get(service, service.capitalize())
            raise stepfunctions._ExecutionError(f"{name}.{rule.code}", f"injected by the rule {rule.id}")
        time.sleep(rule.seconds)
        while rule.effect == "hold" and faults.rules.get(rule.id) is rule:
            time.sleep(_LOOK_SECONDS)


def _install_exit() -> None:
    # MiniStack gives a function whose process was killed another error than AWS does.
    def execute(func: Any, event: Any, request_id: str) -> Any:
        result = original(func, event, request_id)
        body = result.get("body")
        if result.get("error") and isinstance(body, dict) and body.get("errorMessage") == "Worker process died":
            message = f"RequestId: {request_id} Error: Runtime exited with error: signal: killed"
            result["body"] = {"errorType": "Runtime.ExitError", "errorMessage": message}
        return result

    original = monkeypatch.replace(lambda_svc, "_execute_function_warm", "func, event, request_id", execute)


def _install_retries() -> None:
    # MiniStack's EventBridge calls a function once; AWS tries an asynchronous invocation three times.
    def dispatch(arn: str, payload: str) -> None:
        func, config, _ = lambda_svc._get_func_record_for_ref(arn)
        if func and config:
            record = lambda_svc._execution_record_for_config(func, config)
            lambda_svc.invoke_async_with_retry(record, json.loads(payload))

    monkeypatch.function(lambda_svc, "invoke_async_with_retry", "func, event")
    monkeypatch.replace(eventbridge, "_dispatch_to_lambda", "arn, payload", dispatch)


def _matches(rule: Rule, call: Call) -> bool:
    return (
        rule.service in ("", call.service)
        and rule.operation in ("", call.operation)
        and rule.principal in call.principal
        and rule.text in call.text
        and (rule.effect != "kill" or call.process is not None)
    )


def _call(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Call:
    service = router.detect_service(method, path, headers, query)
    key = router.extract_access_key_id(headers, query)
    found = iam_evaluator.resolve_credential(key or "", get_account_id())
    principal = str(getattr(found, "principal_arn", "") or "anonymous")
    text = f"{path} {headers.get('x-amz-copy-source', '')} {body[:100_000].decode('utf-8', 'replace')}"
    operation = headers.get("x-amz-target", "").rpartition(".")[2] or _operation(service, method, path, headers, query)
    return Call(service, operation, principal, text, _peer.get())


def _operation(service: str, method: str, path: str, headers: dict[str, str], query: Any) -> str:
    if service != "s3":
        return str((query.get("Action") or [""])[0]) or f"{method} {path}"
    if method == "PUT":
        return "CopyObject" if "x-amz-copy-source" in headers else "PutObject"
    is_object = "/" in path.strip("/")
    return {
        "GET": "GetObject" if is_object else "ListObjects",
        "HEAD": "HeadObject" if is_object else "HeadBucket",
        "POST": "DeleteObjects" if "delete" in query else "POST",
        "DELETE": "DeleteObject",
    }.get(method, method)


def _error(call: Call, code: str) -> Response:
    message = "injected"
    if call.service == "s3":
        text = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
        return 503 if code in _SLOW_DOWN else 400, {"Content-Type": "application/xml"}, text.encode()
    told: dict[str, Any] = {"__type": code, "message": message, "Message": message}
    if code == "TransactionCanceledException":
        # As DynamoDB says that another transaction was at one of the items.
        told["CancellationReasons"] = [{"Code": "TransactionConflict", "Message": message}, {"Code": "None"}]
    body = json.dumps(told).encode()
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-errortype": code}
    return 500 if code in ("InternalError", "InternalServerError") else 400, headers, body


def _process(port: int) -> int | None:
    """The process of this emulator's session, other than itself, that holds the client's end of a connection."""
    inode = next(_inodes(port), None)
    if inode is None:
        return None
    session, wanted = os.getsid(0), f"socket:[{inode}]"
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            if os.getsid(int(folder.name)) != session:
                continue
            if any(os.readlink(descriptor) == wanted for descriptor in (folder / "fd").iterdir()):
                return int(folder.name)
        except OSError:
            continue  # it ended, or one of its descriptors was closed, while we looked
    return None


def _inodes(port: int) -> Iterator[str]:
    here, there = f":{port:04X}", f":{int(os.environ['GATEWAY_PORT']):04X}"
    for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]:
        fields = re.split(r"\s+", line.strip())
        if fields[1].endswith(here) and fields[2].endswith(there):
            yield fields[9]
