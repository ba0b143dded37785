"""The page as it is served: one page, for this machine, asked for anew and not too often."""

import threading
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from botocore.exceptions import ClientError

from ops.page.facts import Facts
from ops.page.serve import KEPT_SECONDS, Pages, Server
from tests.page_facts import facts as made_up


class Answer:
    def __init__(self, port: int, path: str, method: str = "GET", **headers: str) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request(method, path, headers=headers)
        found = connection.getresponse()
        self.status, self.headers, self.text = found.status, found.headers, found.read().decode()
        connection.close()


class Source:
    """Where a server has its facts from: how often it asked, and what went wrong."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None

    def make(self) -> Facts:
        self.asked += 1
        if self.error:
            raise self.error
        return made_up()


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def port(source: Source) -> Iterator[int]:
    server = Server(0, Pages(source.make))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_a_served_page_is_refreshed_until_the_reader_says_no(port: int) -> None:
    first, still = Answer(port, "/"), Answer(port, "/?still")
    assert (first.status, first.headers["Refresh"]) == (200, "10")
    assert 'href="/?still"' in first.text
    assert (still.status, still.headers["Refresh"]) == (200, None)
    assert 'href="/"' in still.text
    assert first.headers["Content-Type"] == "text/html; charset=utf-8"
    head = Answer(port, "/", "HEAD")
    assert (head.status, head.text, head.headers["Content-Length"]) == (200, "", str(len(first.text.encode())))


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/favicon.ico", "127.0.0.1", 404),
        ("/../../etc/passwd", "127.0.0.1", 404),
        ("/", "localhost", 200),
        ("/", "evil.example", 421),
        ("/", "127.0.0.1.evil.example", 421),
    ],
)
def test_there_is_one_page_and_no_page_of_others_reads_it(port: int, path: str, host: str, status: int) -> None:
    found = Answer(port, path, Host=f"{host}:{port}")
    assert found.status == status
    assert ("<html" in found.text) is (status == 200)


def test_nothing_can_be_sent_to_it(port: int, source: Source) -> None:
    assert Answer(port, "/", "POST").status == 501
    assert source.asked == 0


def test_however_many_look_the_deployment_is_asked_no_more_often(
    port: int, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = [1_000.0]
    monkeypatch.setattr("ops.page.serve.time.monotonic", lambda: at[0])
    for seconds, asked in ((0, 1), (KEPT_SECONDS, 1), (0.1, 2), (1, 2)):
        at[0] += seconds
        assert Answer(port, "/").status == 200
        assert source.asked == asked


def test_what_passes_is_said_and_asked_again(port: int, source: Source) -> None:
    source.error = ClientError({"Error": {"Code": "ExpiredToken", "Message": "log in\x1b[2J"}}, "Query")
    failed = Answer(port, "/")
    assert (failed.status, failed.headers["Refresh"]) == (503, "10")
    assert "log in\\x1b[2J" in failed.text
    assert failed.headers["Content-Type"] == "text/plain; charset=utf-8"
    source.error = None
    assert Answer(port, "/").status == 200
