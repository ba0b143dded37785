"""The command `data-pipeline`: it runs the commands of `ops`, where it can those of the project that it is called in.

A clone has contracts, settings and code of its own, so its own commands read them: like a build tool's wrapper, the
installed command hands over to the clone. Anywhere else the installed commands run.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


def project_of(folder: Path) -> Path | None:
    """Find the project that a folder is in: the nearest one, or the folder itself, with a Pulumi.yaml beside `ops/`."""
    for candidate in (folder, *folder.parents):
        if (candidate / "Pulumi.yaml").is_file() and (candidate / "ops" / "__main__.py").is_file():
            return candidate
    return None


def main() -> None:
    """Run a command of the project that the working directory is in, or else an installed one."""
    project = project_of(Path.cwd().resolve())
    if project is not None and project != HERE:
        searched = os.pathsep.join(filter(None, (str(project), os.environ.get("PYTHONPATH"))))
        os.execve(sys.executable, [sys.executable, "-m", "ops", *sys.argv[1:]], {**os.environ, "PYTHONPATH": searched})
    # Not before it is known whose commands these are.
    from ops.__main__ import run

    run()
