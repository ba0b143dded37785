"""Each test has an engine, a state and a cloud of its own; those that begin with a deployed stack get a copy of one."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.engine.engine import ROOT, Engine
from tests.engine.programs import ADDRESS

IDENTITY = (
    b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    b"<Arn>arn:aws:iam::111122223333:user/test</Arn><UserId>A</UserId><Account>111122223333</Account>"
    b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
)


class Sts(BaseHTTPRequestHandler):
    """Tells the deploy command who it is."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(IDENTITY)))
        self.end_headers()
        self.wfile.write(IDENTITY)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def sts() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sts)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session", autouse=True)
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run the programs of this process's tests by forks, but those that have an environment of their own."""
    address = tmp_path_factory.mktemp("programs") / "socket"
    env = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'lambdas' / 'layers'}"}
    command = [sys.executable, "-u", "-m", "tests.engine.programs", str(address)]
    with subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True) as server:
        os.environ[ADDRESS] = str(address)
        try:
            while not address.exists():
                assert server.poll() is None, "it has said why"
                time.sleep(0.05)
            yield
        finally:
            del os.environ[ADDRESS]
            server.kill()


@pytest.fixture
def engine(tmp_path: Path, sts: int) -> Engine:
    return Engine(tmp_path / "engine", sts)


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory, sts: int) -> Callable[[str], Path]:
    """A folder with project, state and cloud after the first deployment of a stack; once a process."""
    done: dict[str, Path] = {}

    def deploy(stack: str) -> Path:
        if stack not in done:
            first = Engine(tmp_path_factory.mktemp(stack) / "engine", sts)
            first.new_stack(stack)
            up = first.up(stack)
            assert up.code == 0, up.text
            done[stack] = first.root
        return done[stack]

    return deploy


@pytest.fixture
def with_stack(engine: Engine, deployed: Callable[[str], Path]) -> Callable[[str], Engine]:
    """Give an engine that has deployed a stack."""

    def give(stack: str) -> Engine:
        source = deployed(stack)
        for part in ("state", "cloud"):
            shutil.copytree(source / part, engine.root / part, dirs_exist_ok=True)
        # It has the salt of the stack's secrets.
        shutil.copy(source / "project" / f"Pulumi.{stack}.yaml", engine.project)
        return engine

    return give


@pytest.fixture
def dev(with_stack: Callable[[str], Engine]) -> Engine:
    return with_stack("dev")


@pytest.fixture
def prod(with_stack: Callable[[str], Engine]) -> Engine:
    return with_stack("prod")
