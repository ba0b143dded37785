"""Where events go: to the artifacts bucket, and from there to whoever else is to have them."""

import json
from dataclasses import dataclass
from functools import cache
from typing import cast

import boto3
from openlineage.client.event_v2 import RunEvent
from openlineage.client.serde import Serde
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider
from pipeline_core.documents import write_once

RETRIES = {"total": 2, "read": 2, "connect": 2, "backoff_factor": 0.5}
"""Three tries of five seconds each fit into the function's time; Lambda calls it twice more."""


def keep(bucket: str, key: str, event: RunEvent) -> dict[str, object]:
    """Write an event to S3, one object and one line, unless it is there; returns what is there then."""
    text = write_once(bucket, key, lambda: Serde.to_json(event))
    found: dict[str, object] = json.loads(text)
    return found


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """An endpoint of OpenLineage's API, as Marquez, DataHub and others have one.

    `api_key_parameter` is the name of the parameter in Systems Manager that has the key; empty: there is none.
    """

    url: str
    endpoint: str
    api_key_parameter: str

    def post(self, event: dict[str, object]) -> None:
        """Post an event, and try again what may pass.

        Raises:
            requests.RequestException: it was not taken.
        """
        config = HttpConfig.from_dict({"url": f"{self.url.rstrip('/')}/", "endpoint": self.endpoint, "retry": RETRIES})
        config.auth = self._auth()
        # What S3 has is what is posted: the transport writes whatever it gets as JSON, though its type says events.
        HttpTransport(config).emit(cast("RunEvent", event))

    def _auth(self) -> TokenProvider:
        if not self.api_key_parameter:
            return TokenProvider({})
        return ApiKeyTokenProvider({"api_key": _secret(self.api_key_parameter)})


@cache
def _secret(parameter: str) -> str:
    """Read a secret, once for as long as this environment lives: a changed one is read by the next."""
    answer = boto3.client("ssm").get_parameter(Name=parameter, WithDecryption=True)
    return str(answer["Parameter"]["Value"])
