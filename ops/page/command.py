"""The command `page`: writes the page of a deployment to a file, or serves it to this machine."""

import re
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from ops.announce import Place, announce
from ops.options import Json, Outputs, Stack, console, notes, tell
from ops.page.gather import Deployed, Gatherer
from ops.page.render import render
from ops.page.serve import REFRESH_SECONDS, Pages, Server
from ops.target import TargetError, choose, read


def page(
    to: Annotated[Path | None, typer.Option(help="The file; data-pipeline-<stack>.html unless given.")] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Serve it on 127.0.0.1, made anew, until Ctrl-C.")] = False,
    port: Annotated[int, typer.Option(help="Of --serve; 0 is any free one.")] = 0,
    no_rows: Annotated[bool, typer.Option("--no-rows", help="Without examples of the rows in quarantine.")] = False,
    as_json: Json = False,
    with_stdin: Annotated[bool, typer.Option("--with-stdin", hidden=True)] = False,
    stack: Stack = None,
    outputs: Outputs = None,
) -> None:
    """Write one HTML file that shows datasets, contracts, freshness, runs, quarantine, lineage, cost and alarms.

    The file asks nobody for anything, and can be sent or archived; it has some of the rows in quarantine, as they came,
    but with --no-rows. The ledger, S3 and CloudWatch are read for it; no query is asked.

    Example: data-pipeline page --to page.html --stack prod
    """
    if serve and (to is not None or as_json):
        raise typer.BadParameter("--serve writes no file: give it without --to and --json")
    found, source = read(outputs, stack)
    deployed = choose(Deployed, found, source)
    place = announce(found, source, notes)
    gatherer = Gatherer(deployed, has_rows=not no_rows)
    if serve:
        _serve(gatherer, place, port, with_stdin=with_stdin)
        return
    text = render(gatherer.facts(*place)).encode()
    file = to or Path(f"data-pipeline-{re.sub(r'[^A-Za-z0-9._-]', '_', deployed.stack)}.html")
    try:
        # Who looks at it meanwhile sees the page before, and not half of this one.
        half = file.with_name(f"{file.name}.part")
        half.write_bytes(text)
        half.replace(file)
    except OSError as error:
        raise TargetError(f"{file}: {error.strerror}; give another file with --to") from error
    tell({"file": str(file), "bytes": len(text)}, f"{file}: {len(text):,} bytes.", as_json=as_json)


def _serve(gatherer: Gatherer, place: Place, port: int, *, with_stdin: bool) -> None:
    try:
        server = Server(port, Pages(lambda: gatherer.facts(*place)))
    except OSError as error:
        raise TargetError(f"port {port} of 127.0.0.1: {error.strerror}; give another one with --port") from error
    # Whoever started this reads the address from the line; it is flushed for them.
    console.print(f"The page is at {server.address}, refreshed every {REFRESH_SECONDS} seconds.", soft_wrap=True)
    sys.stdout.flush()
    if with_stdin:
        threading.Thread(target=_end_with_stdin, args=(server,), daemon=True).start()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        notes.print("stopped")
    finally:
        server.server_close()


def _end_with_stdin(server: Server) -> None:
    """End when standard input does: with whoever started this, whatever became of them."""
    while sys.stdin.buffer.read(1024):
        pass
    server.shutdown()
