"""What of a stack file is encrypted, and what stands in for it where nothing can decrypt it."""

from collections.abc import Mapping
from typing import Any

SECRET = "[secret]"
# As the program would accept them: it checks an endpoint by its protocol.
_ENDPOINTS = {
    "email": "secret@example.com",
    "email-json": "secret@example.com",
    "https": "https://example.com/secret",
    "sqs": "arn:aws:sqs:eu-central-1:111122223333:secret",
    "lambda": "arn:aws:lambda:eu-central-1:111122223333:function:secret",
}


def opened(config: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Put stand-ins in the place of `secure:` values, and say which keys hold one.

    Pulumi hands an object to the program decrypted, and the whole object is secret if one value in it is.
    """
    plain = {key: _plain(value) for key, value in config.items()}
    return plain, [key for key, value in config.items() if plain[key] != value]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.keys() == {"secure"}:
            return SECRET
        plain = {key: _plain(inner) for key, inner in value.items()}
        if plain.get("endpoint") == SECRET:
            plain["endpoint"] = _ENDPOINTS.get(str(plain.get("protocol")), SECRET)
        return plain
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
