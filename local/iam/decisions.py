"""Every authorisation decision of the emulator, as JSON lines that a test or the demo can ask for denials.

What MiniStack 1.5.33 enforces with `AUTH=true`, and what this package adds, is in the table `ENFORCEMENT`.
"""

from __future__ import annotations

import contextvars
import json
import re
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TextIO

from recording.decisions import Decision

_ROOT_SUFFIX: Final = ":root"

_lock: Final = threading.Lock()
_stream: TextIO | None = None
_caller: contextvars.ContextVar[str] = contextvars.ContextVar("pipeline_caller", default="")


def install(log: Path) -> None:
    """Record the decisions of this process's emulator in `log`, and check Glue's implied resources too.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    from ministack.core import iam_evaluator
    from ministack.core.responses import get_account_id

    from local.iam import keys, resources
    from local.patches import monkeypatch

    keys.check_names()
    global _stream
    _stream = log.open("a", encoding="utf-8", buffering=1)

    def ask(access_key: str, action: str, service: str, region: str, resource: str, context: Any) -> Any:
        denied = original(access_key, action, service, region, resource, context)
        principal = getattr(denied, "principal_arn", "") or _principal(access_key)
        via = str((context or {}).get("kms:viaservice", "")).partition(".")[0]
        record(principal, action, resource, allowed=denied is None, reason=_reason(denied), via=via)
        return denied

    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        _caller.set(access_key_id)
        for resource in [resource_arn, *resources.implied(service, resource_arn)]:
            denied = ask(access_key_id, iam_action, service, region, resource, service_context)
            if denied is not None:
                return denied
        if iam_evaluator.is_root_access_key(access_key_id):
            return None
        for action, key in keys.needed(iam_action, resource_arn):
            context = keys.via(service, region, get_account_id())
            denied = ask(access_key_id, action, "kms", region, key, context)
            if denied is not None:
                return denied
        return None

    def compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
        # A wildcard of IAM takes any character; MiniStack's stops at a new line, which an object's key may have.
        found = original_compiled(pattern, ignore_case)
        return re.compile(found.pattern, found.flags | re.DOTALL)

    original_compiled = monkeypatch.replace(iam_evaluator, "_fnmatch_compile", "pattern, ignore_case", compiled)
    original = monkeypatch.replace(
        iam_evaluator,
        "enforce",
        "access_key_id, iam_action, service, region, resource_arn, service_context",
        enforce,
    )
    monkeypatch.function(iam_evaluator, "is_root_access_key", "access_key_id")
    monkeypatch.function(iam_evaluator, "resolve_credential", "access_key_id, account_id, session_token")


def record(principal: str, action: str, resource: str, *, allowed: bool, reason: str, via: str = "") -> None:
    """Add a decision to this process's log."""
    if _stream is None:
        return
    deployer = principal.endswith(_ROOT_SUFFIX)
    decision = Decision(round(time.time(), 3), principal, action, resource, allowed, reason, deployer, via)
    with _lock:
        _stream.write(json.dumps(asdict(decision)) + "\n")


def caller() -> str:
    """The access key of the request that is being served, or of the role that was last asked for in this context."""
    return _caller.get()


def _principal(access_key: str) -> str:
    from ministack.core import iam_evaluator
    from ministack.core.responses import get_account_id

    found = iam_evaluator.resolve_credential(access_key or "", get_account_id())
    return str(getattr(found, "principal_arn", "") or "anonymous")


def _reason(denied: Any) -> str:
    if denied is None:
        return "allowed"
    if code := getattr(denied, "code", ""):
        return f"{code}: {denied.message}"
    return "explicit deny" if denied.decision == "Deny" else "no policy allows it"
