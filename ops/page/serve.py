"""Serves the page to this machine: made anew when it is asked for, but not more often than it is refreshed."""

import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pipeline_core.plain_text import printable

from ops.page.facts import Facts
from ops.page.render import render

HERE = "127.0.0.1"
REFRESH_SECONDS = 10
"""How often a browser asks again. Each time costs a few reads of the ledger and of S3 for every dataset."""
KEPT_SECONDS = 5.0
"""How old an answer may be: however many look, the deployment is asked no more often."""


class Pages:
    """The facts of a few seconds ago, or new ones; one request at a time makes them."""

    def __init__(self, make: Callable[[], Facts]) -> None:
        self._make, self._lock = make, threading.Lock()
        self._kept: tuple[float, Facts] | None = None

    def page(self, *, is_still: bool) -> str:
        """Return the page for a browser that asks again, or for one that does not."""
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] > KEPT_SECONDS:
                facts = self._make()
                self._kept = (time.monotonic(), facts)
            facts = self._kept[1]
        return render(facts, REFRESH_SECONDS, is_still=is_still)


class Server(ThreadingHTTPServer):
    """Listens on 127.0.0.1, and answers those who ask for that very address."""

    daemon_threads = True
    # A port of a server that has just ended may be used again; one that is in use may not.
    allow_reuse_address = True

    def __init__(self, port: int, pages: Pages) -> None:
        super().__init__((HERE, port), Handler)
        self.pages = pages

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{HERE}:{self.server_port}/"

    @property
    def hosts(self) -> tuple[str, ...]:
        """What a browser calls this server. Another name is that of somebody else's page, which is to read nothing."""
        return tuple(f"{name}:{self.server_port}" for name in (HERE, "localhost"))


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD of the page."""

    server: Server
    server_version, sys_version = "data-pipeline", ""

    def do_GET(self) -> None:
        """Answer the page."""
        if self.headers.get("Host") not in self.server.hosts:
            self._answer(HTTPStatus.MISDIRECTED_REQUEST, f"Ask for {self.server.address}\n")
            return
        is_still = self.path == "/?still"
        if self.path != "/" and not is_still:
            self._answer(HTTPStatus.NOT_FOUND, f"There is one page: {self.server.address}\n")
            return
        try:
            text = self.server.pages.page(is_still=is_still)
        except (ClientError, BotoCoreError) as error:
            # It may pass: the browser asks again.
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{printable(error)}\n", refreshes=not is_still)
            return
        self._answer(HTTPStatus.OK, text, "text/html", refreshes=not is_still)

    def do_HEAD(self) -> None:
        """Answer the page's headers."""
        self.do_GET()

    def _answer(self, status: HTTPStatus, text: str, kind: str = "text/plain", *, refreshes: bool = False) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Frame-Options", "DENY")
        if refreshes:
            self.send_header("Refresh", str(REFRESH_SECONDS))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a terminal that shows something else would be filled with requests."""
