"""How a plugin of the Pulumi engine serves it: on a free port, whose number is the first line that it prints."""

import os
import signal
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc  # type: ignore[import-untyped]  # has no stubs

LARGEST_MESSAGE = 400 * 1024**2
"""Bytes; the engine's own bound."""


def serve(add: Callable[[Any], None]) -> None:
    """Serve until the engine ends the process; `add` puts the plugin's service on the server."""
    options = [("grpc.max_receive_message_length", LARGEST_MESSAGE)]
    server = grpc.server(futures.ThreadPoolExecutor(16), options=options)
    add(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    print(port, flush=True)
    server.wait_for_termination()
