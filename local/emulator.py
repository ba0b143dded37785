"""Start and stop an AWS emulator of one's own, in a process group of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import boto3
from botocore.config import Config

from local import service_descriptions

ACCESS_KEY: Final = "test"
"""The access key of the account's root user; the secret is the same word."""
ACCOUNT: Final = "000000000000"
REGION: Final = "us-east-1"
CACHE: Final = Path(__file__).resolve().parent.parent / ".local" / "cache"
"""What is made once and used by every emulator of this checkout."""

SAVED: Final = "state/saved"
"""In the working directory while what the emulator has is whole on the disk: when it was stopped, and not killed."""
SAVE_SECONDS: Final = 60
"""How long an emulator that keeps its data may write them when it is stopped."""

_START_SECONDS: Final = 60
_START_WITH_TRINO_SECONDS: Final = 300
_STOP_SECONDS: Final = 5
_REPOSITORY: Final = Path(__file__).resolve().parent.parent
_KEPT_VARIABLES: Final = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "JAVA_HOME",
    "JAVA_HOME_TRINO",
    "COVERAGE_PROCESS_CONFIG",
    "COVERAGE_FILE",
)


class EmulatorError(RuntimeError):
    """The emulator did not start; the message ends with its log."""


class Emulator:
    """An emulator that lives as long as the `with` block; two of them do not disturb each other.

    `workdir` receives the log (`emulator.log`), the authorisation decisions (`iam_decisions.jsonl`) and the Glue
    runs (`glue/<run id>/`). `wait_scale` multiplies the waits and retry intervals of state machines. With `faults`,
    requests can be made to fail (see `local.patches.faults`). `runs_of_a_jvm` is how many Glue runs a JVM of Spark may
    serve, one after the other; 1 is what AWS does. `athena` is the engine of Athena: `quick`, `trino` (started with the
    emulator), or the address of a Trino. With `keep`, what it has when it is stopped is there when it starts again.
    """

    def __init__(
        self,
        workdir: Path,
        *,
        region: str = REGION,
        port: int | None = None,
        wait_scale: float = 1.0,
        faults: bool = False,
        runs_of_a_jvm: int = 50,
        athena: str = "quick",
        keep: bool = False,
    ) -> None:
        self.workdir = workdir.resolve()
        self.region = region
        self.port = port or free_port()
        self.wait_scale = wait_scale
        self.faults = faults
        self.runs_of_a_jvm = runs_of_a_jvm
        self.athena = athena
        self.keep = keep
        self.started_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """The URL of all services."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def decisions(self) -> Path:
        """The log of authorisation decisions (see `local.iam.decisions`)."""
        return self.workdir / "iam_decisions.jsonl"

    def start(self) -> None:
        """Start the emulator and wait until it answers.

        Raises:
            EmulatorError: if its port is taken, or if it ends or does not answer within a minute.
        """
        # Whoever starts an emulator makes sessions by the dozen, one a thread.
        service_descriptions.share()
        if not port_is_free(self.port):
            raise EmulatorError(f"port {self.port} is taken: choose another, or stop what listens there")
        self.workdir.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.workdir / "tmp", ignore_errors=True)
        (self.workdir / "tmp").mkdir(exist_ok=True)
        self.decisions.unlink(missing_ok=True)
        self.started_at = time.time()
        with (self.workdir / "emulator.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.server", str(self.workdir)],
                cwd=_REPOSITORY,
                env=self._environment(),
                # It ends when this pipe closes: with this process, however that ends.
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + (_START_SECONDS if self.athena == "quick" else _START_WITH_TRINO_SECONDS)
        while not self._healthy():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise EmulatorError(f"The emulator did not start:\n{self.log_tail()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop the emulator with its Lambda workers and Spark processes; harmless if it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        _signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(SAVE_SECONDS if self.keep else _STOP_SECONDS)
        # Workers that outlive the server are still in its process group.
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()

    def running(self) -> bool:
        """Whether the emulator's process is alive."""
        return self._process is not None and self._process.poll() is None

    def log_tail(self, lines: int = 40) -> str:
        """The last lines of the emulator's log."""
        log = self.workdir / "emulator.log"
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def session(self) -> boto3.Session:
        """A session of the account's root user."""
        return boto3.Session(aws_access_key_id=ACCESS_KEY, aws_secret_access_key=ACCESS_KEY, region_name=self.region)

    def client(self, service: str) -> Any:
        """A client of the account's root user for one service of this emulator."""
        return client(self.endpoint, service, self.region)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _environment(self) -> dict[str, str]:
        # Built from nothing: the caller's AWS_* settings must not decide what the emulator or a function does.
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        persisted = {"PERSIST_STATE": "1", "S3_PERSIST": "1"} if self.keep else {}
        return kept | {
            **persisted,
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "DOCKER_HOST": f"unix://{self.workdir}/no-docker.sock",
            "LAMBDA_EXECUTOR": "local",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": self.region,
            "PIPELINE_ATHENA": self.athena,
            "PIPELINE_FAULTS": str(self.faults).lower(),
            "PIPELINE_RUNS_OF_A_JVM": str(self.runs_of_a_jvm),
            "PIPELINE_CACHE": str(CACHE),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "S3_DATA_DIR": str(self.workdir / "s3"),
            "STATE_DIR": str(self.workdir / "state"),
            "SFN_WAIT_SCALE": str(self.wait_scale),
            "TMPDIR": str(self.workdir / "tmp"),
        }


def client(endpoint: str, service: str, region: str = REGION) -> Any:
    """A client of the root user for one service of the emulator at `endpoint`."""
    return boto3.Session().client(  # type: ignore[call-overload]  # a service that is not a literal
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=ACCESS_KEY,
        config=Config(max_pool_connections=32, retries={"max_attempts": 2, "mode": "standard"}),
    )


def port_is_free(port: int) -> bool:
    """Whether nothing on this machine listens at a port of the loopback interface."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def free_port() -> int:
    """Find a port of the loopback interface that nothing listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _signal_group(group: int, signum: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signum)
