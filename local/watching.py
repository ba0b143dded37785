"""What `make local` looks at while it runs: files of the project that were changed, and files that are to be landed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

Mark = tuple[int, int]
"""Size, and time of the last change in nanoseconds."""

WATCHED: Final = ("contracts", "queries", "lambdas", "state_machines", "glue_jobs", "Pulumi.local.yaml")
"""What a deployment reads anew each time. The program's own modules are imported once: they need a restart."""
LANDED: Final = "landed.json"


def marks(paths: Iterable[Path]) -> dict[str, Mark]:
    """The marks of all files at or under the paths, without hidden ones and compiled code."""
    found = {}
    for path in paths:
        for file in [path] if path.is_file() else path.rglob("*"):
            hidden = any(part.startswith(".") or part == "__pycache__" for part in file.relative_to(path).parts)
            if not hidden and file.is_file():
                about = file.stat()
                found[str(file)] = (about.st_size, about.st_mtime_ns)
    return found


@dataclass
class Changes:
    """Tells when watched files have changed, once nobody writes to them any more."""

    root: Path
    _taken: dict[str, Mark] = field(init=False)
    _seen: dict[str, Mark] = field(init=False)

    def __post_init__(self) -> None:
        self._taken = self._seen = self._look()

    def changed(self) -> list[str]:
        """The files that are new, changed or gone since the last answer; none while they still change."""
        before, self._seen = self._seen, self._look()
        if self._seen == self._taken or self._seen != before:
            return []
        differ = {path for path, mark in self._seen.items() ^ self._taken.items()}
        self._taken = self._seen
        return sorted(str(Path(path).relative_to(self.root)) for path in differ)

    def _look(self) -> dict[str, Mark]:
        return marks(self.root / name for name in WATCHED if (self.root / name).exists())


@dataclass
class LandingFolder:
    """A folder whose files are landed: `<dataset>/...`, each version of a file once, also over restarts."""

    folder: Path
    memory: Path
    _landed: dict[str, Mark] = field(init=False)
    _seen: dict[str, Mark] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        known = json.loads(self.memory.read_text(encoding="utf-8")) if self.memory.exists() else {}
        self._landed = {path: (size, changed) for path, (size, changed) in known.items()}

    def complete(self) -> Iterator[Path]:
        """Files that are new or changed, once nobody writes to them any more, relative to the folder."""
        before, self._seen = self._seen, marks([self.folder])
        for path, mark in self._seen.items():
            if before.get(path) == mark != self._landed.get(path):
                yield Path(path).relative_to(self.folder)

    def landed(self, path: Path) -> None:
        """Remember that a file needs nothing any more in the state that was seen."""
        whole = str(self.folder / path)
        self._landed[whole] = self._seen[whole]
        self.memory.write_text(json.dumps(self._landed), encoding="utf-8")
