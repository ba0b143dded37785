"""Runs programs in forks of a process that has imported what all of them import, which takes longer than most of them.

    python -m tests.engine.programs <address of a socket>

Whoever connects sends two files, one that says what to run (JSON: `asked`, `cwd`, `env`) and one for what the program
says, and is told its exit code. A program is killed when whoever asked for it is gone.
"""

import importlib
import json
import os
import select
import signal
import socket
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

from tests.engine.host import program_of

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "STAND_IN_PROGRAMS"
"""The environment variable that has the address, where programs are to be run so."""


def run_elsewhere(address: str, asked: dict[str, Any], cwd: str) -> tuple[TextIO, socket.socket]:
    """Have a program run; what it says, and the socket that its exit code comes from."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    questions, question = os.pipe()
    said, saying = os.pipe()
    socket.send_fds(connection, [b"."], [questions, saying])
    os.close(questions)
    os.close(saying)
    with os.fdopen(question, "w") as file:
        json.dump({"asked": asked, "cwd": cwd, "env": dict(os.environ)}, file)
    return os.fdopen(said), connection


def main(address: str) -> None:
    """Wait for those who ask."""
    _import_what_all_need()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        while True:
            connection, _ = server.accept()
            if not os.fork():
                server.close()
                _serve(connection)
            connection.close()


def _import_what_all_need() -> None:
    """Import all that the program does, and forget what is the project's: the project that asks has its own."""
    for name in ("components.data_pipeline", "components.provider", "components.user_files"):
        importlib.import_module(name)
    for name in [name for name, module in sys.modules.items() if name != "__main__" and _is_of_project(module)]:
        del sys.modules[name]


def _is_of_project(module: ModuleType) -> bool:
    places = [Path(place) for place in (getattr(module, "__file__", None), *getattr(module, "__path__", [])) if place]
    return any(place.is_relative_to(ROOT) and not place.is_relative_to(sys.prefix) for place in places)


def _serve(connection: socket.socket) -> None:
    """Run what is asked for in a process of its own, and end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, files, _, _ = socket.recv_fds(connection, 1, 2)
    program = os.fork()
    if not program:
        connection.close()
        for number, file in enumerate((files[0], files[1], files[1])):
            os.dup2(file, number)
        task = json.load(sys.stdin)
        os.environ.clear()
        os.environ.update(task["env"])
        os.chdir(task["cwd"])
        program_of(task["asked"])
    for file in files:
        os.close(file)
    ended = os.pidfd_open(program)
    ready, _, _ = select.select([connection.fileno(), ended], [], [])
    if ended not in ready:
        # Nothing is ever said here, so that whoever asked is gone.
        os.kill(program, signal.SIGKILL)
    _, status = os.waitpid(program, 0)
    if ended in ready:
        connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
