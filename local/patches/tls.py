"""Count requests to the emulator as made over TLS.

The emulator listens on this machine's loopback without TLS; policies that refuse plain HTTP (`aws:SecureTransport`)
would refuse everything.
"""

from __future__ import annotations

import contextvars

from ministack import app
from ministack.core import iam_evaluator

from local.patches import monkeypatch


def install() -> None:
    """Install the adapter.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    monkeypatch.value(iam_evaluator, "_request_origin", contextvars.ContextVar)
    # What the emulator's own threads do never went over a network.
    iam_evaluator._request_origin = contextvars.ContextVar("origin", default=("127.0.0.1", True))

    def pin_request_origin(source_ip: str, secure_transport: bool) -> None:
        original(source_ip, True)

    original = monkeypatch.replace(app, "pin_request_origin", "source_ip, secure_transport", pin_request_origin)
