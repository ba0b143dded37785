"""Policy documents, wherever they stand: as statements whose parts are always lists."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.model import Resource, must, shown

HOLDERS = ("policy", "assumeRolePolicy")
Statement = Mapping[str, Any]


def listed(value: Any) -> list[Any]:
    """Make a list of what may stand alone."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def statements(resource: Resource, *keys: str) -> Iterator[Statement]:
    """Yield the statements of a resource's policy documents."""
    for key in keys or HOLDERS:
        document = resource.json(key)
        if document is not None:
            yield from listed(document.get("Statement"))


def allows(resource: Resource, *keys: str) -> Iterator[Statement]:
    """Yield those that allow something."""
    return (statement for statement in statements(resource, *keys) if statement.get("Effect") == "Allow")


def services(statement: Statement) -> list[str]:
    """List the service principals."""
    principal = statement.get("Principal")
    return listed(principal.get("Service")) if isinstance(principal, Mapping) else []


def is_public(statement: Statement) -> bool:
    """Whether it speaks of everyone, whatever its conditions."""
    principal = statement.get("Principal")
    return principal == "*" or (isinstance(principal, Mapping) and "*" in listed(principal.get("AWS")))


def must_not_be_public(policy: Resource) -> list[str]:
    """Say what a policy allows to everyone, if anything."""
    found = [statement.get("Action") for statement in allows(policy, "policy") if is_public(statement)]
    return must(not found, f"everyone is allowed {shown(found)}")


def bound(statement: Statement, *keys: str) -> bool:
    """Whether a positive condition compares one of those keys with something that is not everything."""
    wanted = {key.lower() for key in keys}
    return any(
        operator.startswith(("StringEquals", "StringLike", "ArnLike", "ArnEquals"))
        # An operator with IfExists holds for whoever sends no such key.
        and not operator.endswith("IfExists")
        and key.lower() in wanted
        and listed(value)
        and not any(str(one).strip("*:") in ("", "arn", "arn:aws") for one in listed(value))
        for operator, tests in statement.get("Condition", {}).items()
        for key, value in tests.items()
    )


def refuses_plain_text(resource: Resource, actions: set[str], arns: set[str]) -> bool:
    """Whether everyone is denied `actions` on all of `arns` without TLS."""
    return any(
        statement.get("Effect") == "Deny"
        and is_public(statement)
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        and actions <= set(listed(statement.get("Action")))
        and arns <= set(listed(statement.get("Resource")))
        for statement in statements(resource, "policy")
    )
