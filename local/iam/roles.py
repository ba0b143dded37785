"""Act as an IAM role inside the emulator: credentials for processes it starts, checks for what it does itself."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam, sts

from local.patches import monkeypatch


class AccessDeniedError(Exception):
    """A role lacks a permission; the message is worded as AWS words it."""


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials of a role."""

    access_key: str
    secret_key: str
    token: str

    def environment(self) -> dict[str, str]:
        """The variables that the AWS SDKs read them from."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_SESSION_TOKEN": self.token,
        }

    def client(self, service: str, endpoint: str) -> Any:
        """A client with the role's permissions for one service of the emulator at `endpoint`."""
        return boto3.session.Session().client(  # type: ignore[call-overload]  # a service that is not a literal
            service,
            endpoint_url=endpoint,
            region_name=get_region(),
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            aws_session_token=self.token,
            config=Config(max_pool_connections=16, retries={"max_attempts": 2, "mode": "standard"}),
        )


def check_names() -> None:
    """Check what this module uses of MiniStack.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    monkeypatch.function(sts, "register_session", "access_key, session")
    monkeypatch.function(
        iam_evaluator,
        "enforce",
        "access_key_id, iam_action, service, region, resource_arn, service_context",
    )
    monkeypatch.value(iam, "_roles", object)


def session_of(role_arn: str, session_name: str, service: str) -> Credentials:
    """Open a session of a role, as the AWS service `service` (`glue.amazonaws.com`) does before it works.

    Raises:
        AccessDeniedError: if the role does not exist or does not trust the service.
    """
    name = role_arn.rsplit("/", 1)[-1]
    account = get_account_id()
    role = iam._roles.get_scoped(account, None, name)
    if role is None:
        raise AccessDeniedError(f"The role {role_arn} does not exist.")
    if not _trusts(role.get("AssumeRolePolicyDocument"), service):
        raise AccessDeniedError(f"{service} is not authorized to perform: sts:AssumeRole on resource: {role_arn}")
    digest = hashlib.sha256(f"{role_arn}/{session_name}".encode()).hexdigest()
    credentials = Credentials(f"ASIA{digest[:16].upper()}", digest[16:56], f"token-{digest}")
    sts.register_session(
        credentials.access_key,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session_name[:64]}",
            "UserId": f"{name}:{session_name[:64]}",
            "SecretAccessKey": credentials.secret_key,
            "SessionToken": credentials.token,
        },
    )
    return credentials


def authorize(access_key: str, action: str, resource: str, context: dict[str, Any] | None = None) -> None:
    """Check that a principal may do something; the decision is recorded like that of any request.

    Raises:
        AccessDeniedError: if it may not.
    """
    service = action.partition(":")[0]
    denied = iam_evaluator.enforce(
        access_key, action, service, get_region(), resource_arn=resource, service_context=context or {}
    )
    if denied is None:
        return
    who = getattr(denied, "principal_arn", "") or access_key
    raise AccessDeniedError(f"User: {who} is not authorized to perform: {action} on resource: {resource}")


def _trusts(document: str | dict[str, Any] | None, service: str) -> bool:
    for statement in _statements(document):
        principals = statement.get("Principal")
        named = principals.get("Service", []) if isinstance(principals, dict) else []
        if statement.get("Effect") == "Allow" and service in ([named] if isinstance(named, str) else named):
            return True
    return False


def _statements(document: str | dict[str, Any] | None) -> list[dict[str, Any]]:
    # A policy document comes as text or parsed, with one statement or a list.
    parsed = json.loads(document) if isinstance(document, str) else document or {}
    found = parsed.get("Statement", [])
    return [found] if isinstance(found, dict) else list(found)
