"""An endpoint on this machine that takes what is posted to it, and fails as often as it is told to."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Posted:
    """One request: its path, the key that it was sent with, and its JSON."""

    path: str
    authorization: str | None
    document: Any


class _Handler(http.server.BaseHTTPRequestHandler):
    posted: list[Posted]
    failures: list[int]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.posted.append(Posted(self.path, self.headers["Authorization"], json.loads(body)))
        self.send_response(self.failures.pop() if self.failures else 201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def receiving(*failures: int) -> Iterator[tuple[str, list[Posted]]]:
    """Answer requests, the first ones with `failures`: the address, and the list of what was posted."""
    posted: list[Posted] = []
    own = type("_Own", (_Handler,), {"posted": posted, "failures": list(failures)})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), own) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", posted
        finally:
            server.shutdown()
            thread.join()
