"""Serves the page of the deployment beside the emulator: the operator's command does, in a process of its own."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape

from local.emulator import ACCESS_KEY, Emulator, port_is_free

ABOVE: Final = 1_000
"""The page's port is that of the emulator and so many more; a second emulator's page is beside its own."""
HIGHEST: Final = 65_535
LOG: Final = "page.log"

_REPOSITORY: Final = Path(__file__).resolve().parent.parent
_GRACE_SECONDS: Final = 5


@contextlib.contextmanager
def served_page(emulator: Emulator, console: Console) -> Iterator[str]:
    """Serve the page of the outputs in the emulator's working directory; yields its address, empty if it has none.

    The process ends with this one, however this one ends: it reads from its standard input until that is closed.
    """
    above = int(emulator.endpoint.rpartition(":")[2]) + ABOVE
    port = above if above <= HIGHEST and port_is_free(above) else 0
    with (emulator.workdir / LOG).open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ops", "page", "--serve", "--port", str(port), "--with-stdin"],
            cwd=_REPOSITORY,
            env=_environment(emulator),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # Ctrl-C is for the one who started it.
            start_new_session=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        # Its only line, or none if it ended.
        found = re.search(r"http://\S+/", process.stdout.readline())
        if found is None:
            console.print(
                f"[yellow]![/] the page is not served: see {escape(str(emulator.workdir / LOG))}", soft_wrap=True
            )
        yield found[0] if found else ""
    finally:
        process.stdin.close()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _environment(emulator: Emulator) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DATA_PIPELINE_"))}
    path = os.pathsep.join(map(str, (_REPOSITORY, _REPOSITORY / "lambdas" / "layers")))
    return kept | {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        "AWS_DEFAULT_REGION": emulator.region,
        "AWS_REGION": emulator.region,
        "AWS_ENDPOINT_URL": emulator.endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "DATA_PIPELINE_OUTPUTS": str(emulator.workdir / "outputs.json"),
        "PYTHONPATH": path,
    }
