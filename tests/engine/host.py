"""Stands in for Pulumi's language host for Python where that is not installed: it comes with the CLI's releases only.

The engine starts it as `pulumi-language-python`. It installs and runs a program as Pulumi's own does with
`toolchain: pip`: in the virtual environment that Pulumi.yaml names, with the requirements.txt beside it.
"""

import asyncio
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any, NoReturn

REFUSED = 32
"""Exit code of a program that has said itself what is wrong (Pulumi's own host uses the same)."""


def run_program(asked: dict[str, Any]) -> int:
    """Run a program in this process, as the engine asked, and give its exit code."""
    import pulumi
    from pulumi.runtime import Settings, configure, run_in_stack, set_all_config

    _spare_work()
    set_all_config(asked["config"], asked["secrets"])
    configure(Settings(**asked["settings"]))
    # In the place of the folder of this file.
    sys.path[0] = os.getcwd()
    sys.argv = [asked["program"]]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # A call that waits for the engine takes a thread.
    loop.set_default_executor(ThreadPoolExecutor(64))

    def program() -> None:
        runpy.run_path(asked["program"], run_name="__main__")

    try:
        loop.run_until_complete(run_in_stack(program))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return REFUSED
    except Exception:  # noqa: BLE001  whatever the program raises is told to the engine, as by the real host
        pulumi.log.error(f"Program failed with an unhandled exception:\n{traceback.format_exc()}")
        return REFUSED
    return 0


def program_of(asked: dict[str, Any]) -> NoReturn:
    """Run a program, and end this process with its exit code."""
    # An engine that ends interrupts the processes that it started; there is nobody left to tell anything.
    signal.signal(signal.SIGINT, lambda *_: os._exit(REFUSED))
    try:
        ended = run_program(asked)
    except Exception:  # noqa: BLE001  an engine that ended because of it hears nothing more, and has said why itself
        ended = REFUSED
    sys.stdout.flush()
    # Threads of the SDK would keep the process.
    os._exit(ended)


def _spare_work() -> None:
    """Leave out what the SDK does beside the program: a third of the time that one of some hundred resources takes.

    It tells the engine, call by call, what nobody sees without `--debug`. And it waits for one output after the other,
    looking at all that are left each time; here it waits until they are all there, or one has failed.
    """
    import pulumi
    from pulumi.runtime import stack

    class Waiting:
        """asyncio, but for how it waits."""

        def __getattr__(self, name: str) -> Any:
            return getattr(asyncio, name)

        async def wait(self, tasks: Any, **_: Any) -> Any:
            return await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)

    pulumi.log.debug = lambda *_, **__: None
    vars(stack)["asyncio"] = Waiting()


def main() -> None:
    """Serve the engine that started this process."""
    import grpc  # type: ignore[import-untyped]  # has no stubs
    from google.protobuf import empty_pb2  # type: ignore[import-untyped]  # has no stubs
    from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, language_pb2, language_pb2_grpc, plugin_pb2

    from tests.engine.plugin import serve

    engine = next(argument for argument in sys.argv[1:] if not argument.startswith("-"))
    log = engine_pb2_grpc.EngineStub(grpc.insecure_channel(engine))

    class Host(language_pb2_grpc.LanguageRuntimeServicer):
        def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802  gRPC's names, here and below
            return language_pb2.LanguageHandshakeResponse()

        def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
            return plugin_pb2.PluginInfo(version="3.0.0")

        def GetRequiredPackages(self, request: Any, context: Any) -> Any:  # noqa: N802
            return language_pb2.GetRequiredPackagesResponse()

        def GetRequiredPlugins(self, request: Any, context: Any) -> Any:  # noqa: N802
            return language_pb2.GetRequiredPluginsResponse()

        def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
            folder = Path(request.info.root_directory)
            python = interpreter(request.info)
            subprocess.run([sys.executable, "-m", "venv", str(python.parent.parent)], check=True)
            if (folder / "requirements.txt").exists():
                install = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "-r", "requirements.txt"]
                done = subprocess.run(install, cwd=folder, capture_output=True, check=False)
                yield language_pb2.InstallDependenciesResponse(stdout=done.stdout, stderr=done.stderr)
                if done.returncode:
                    context.abort(grpc.StatusCode.INTERNAL, "pip install failed")

        def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
            return empty_pb2.Empty()

        def Run(self, request: Any, context: Any) -> Any:  # noqa: N802
            asked = {
                "config": dict(request.config),
                "secrets": list(request.configSecretKeys),
                "program": str(Path(request.info.program_directory, "__main__.py")),
                "settings": {
                    "project": request.project,
                    "stack": request.stack,
                    "monitor": request.monitor_address,
                    "engine": engine,
                    "parallel": request.parallel,
                    "dry_run": request.dryRun,
                    "organization": request.organization,
                    "root_directory": request.info.root_directory,
                },
            }
            output, code_of = started(interpreter(request.info), asked, request.pwd)

            def tell() -> None:
                for line in output:
                    log.Log(engine_pb2.LogRequest(severity=engine_pb2.INFO, message=line.rstrip("\n") or " "))

            teller = threading.Thread(target=tell)
            teller.start()
            teller.join()
            code = code_of()
            if code in (0, REFUSED):
                return language_pb2.RunResponse(bail=code == REFUSED)
            return language_pb2.RunResponse(error=f"the program ended with exit code {code}")

        def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
            process = subprocess.Popen(
                [str(interpreter(request.info)), "-u", request.info.program_directory, *request.args],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=request.pwd,
                env={**os.environ, **dict(one.split("=", 1) for one in request.env)},
            )
            context.add_callback(process.terminate)
            said: SimpleQueue[Any] = SimpleQueue()

            def tell(name: str, output: Any) -> None:
                for line in output:
                    said.put(language_pb2.RunPluginResponse(**{name: line}))
                said.put(None)

            for name, output in (("stdout", process.stdout), ("stderr", process.stderr)):
                threading.Thread(target=tell, args=(name, output), daemon=True).start()
            for _ in range(2):
                yield from iter(said.get, None)
            yield language_pb2.RunPluginResponse(exitcode=process.wait())

    serve(lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Host(), server))


def started(python: Path, asked: dict[str, Any], cwd: str) -> tuple[IO[str], Callable[[], int]]:
    """Start a program; what it says, and what waits for its exit code."""
    from tests.engine.programs import ADDRESS, run_elsewhere

    if (address := os.environ.get(ADDRESS)) and python.parent.parent.resolve() == Path(sys.prefix).resolve():
        output, connection = run_elsewhere(address, asked, cwd)
        return output, lambda: int(connection.recv(10) or REFUSED)
    process = subprocess.Popen(
        [str(python), "-u", __file__, "--run"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=cwd,
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(asked))
    process.stdin.close()
    return process.stdout, process.wait


def interpreter(info: Any) -> Path:
    """The interpreter of the virtual environment that Pulumi.yaml names."""
    from google.protobuf import json_format

    folder = json_format.MessageToDict(info.options)["virtualenv"]
    return Path(info.root_directory, folder, "bin", "python")


if __name__ == "__main__":
    if sys.argv[1:] == ["--run"]:
        program_of(json.load(sys.stdin))
    main()
