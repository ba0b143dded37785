"""Count requests to the emulator as made over TLS.

The emulator listens on this machine's loopback without TLS; policies that refuse plain HTTP (`aws:SecureTransport`)
would refuse everything.
"""

from __future__ import annotations

import contextvars

from ministack import app
from ministack.core import iam_evaluator

from local.patches import seam


def install() -> None:
    """Install the adapter.

    Raises:
        SeamMovedError: if MiniStack is another one than this was written for.
    """
    seam.value(iam_evaluator, "_request_origin", contextvars.ContextVar)
    # What the emulator's own threads do never went over a network.
    iam_evaluator._request_origin = contextvars.ContextVar("origin", default=("127.0.0.1", True))

    def pin_request_origin(source_ip: str, secure_transport: bool) -> None:
        original(source_ip, True)

    original = seam.replace(app, "pin_request_origin", "source_ip, secure_transport", pin_request_origin)
