"""What would become of a file, found out here: the record engine runs on it, with no AWS, emulator or Spark."""

import json
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, unquote

from pipeline_core.content import hint_of
from pipeline_core.contract import Contract
from pipeline_core.manifest import Manifest, ManifestFile
from pipeline_core.report import violations

ENGINE = Path(__file__).parents[2] / "lambdas" / "layers"


class TrialError(Exception):
    """Files that cannot be tried; says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class RefusedRow:
    """A record that goes to quarantine."""

    line: int
    reasons: tuple[str, ...]
    record: str | None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a batch of one file would come to."""

    problem: str | None = None
    rows_read: int = 0
    rows_curated: int = 0
    rows_duplicate: int = 0
    rows_superseded: int = 0
    rows_deleted: int = 0
    refused: tuple[RefusedRow, ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()
    violations: tuple[str, ...] = ()

    @property
    def rows_quarantined(self) -> int:
        """How many records go to quarantine."""
        return len(self.refused)

    @property
    def is_whole(self) -> bool:
        """Whether the file is published, with none of its rows refused."""
        return self.problem is None and not self.refused and not self.violations


def engine() -> Any:
    """The record engine, which is packed with the functions and not installed with the command.

    Raises:
        TrialError: pyarrow is missing, or the command runs outside of a clone.
    """
    if str(ENGINE) not in sys.path:
        sys.path.append(str(ENGINE))
    try:
        import record_engine
    except ImportError as error:
        message = f"the record engine cannot be loaded ({error}): run `make setup` in a clone of the project"
        raise TrialError(message) from error
    return record_engine


def attempt(contract: Contract, file: Path) -> Outcome:
    """Stage a file by its contract, as if it had landed and the table were empty.

    Raises:
        TrialError: there is no such file, or it cannot be read here.
    """
    if not file.is_file():
        raise TrialError(f"{file}: there is no such file")
    size = file.stat().st_size
    if not 0 < size <= contract.max_file_bytes:
        return Outcome(problem=f"{size} bytes; the contract allows 1 to {contract.max_file_bytes}")
    with tempfile.TemporaryDirectory() as folder:
        return _stage(contract, file, Path(folder))


def _stage(contract: Contract, file: Path, folder: Path) -> Outcome:
    base = f"file://{quote(str(folder))}/"
    landed = ManifestFile(
        key=f"{contract.dataset}/{file.name}",
        version="trial",
        uri=f"file://{quote(str(file.resolve()))}",
        size=file.stat().st_size,
        format=hint_of(file.name),
        landed_at=datetime.now(UTC).isoformat(),
    )
    manifest = Manifest(
        batch_id="trial",
        dataset=contract.dataset,
        contract="",
        staging=f"{base}staging/",
        table=f"{base}table/",
        files=(landed,),
    )
    report = engine().stage(manifest, contract, Folder(), "1", datetime.now(UTC))
    [counted] = report.files
    return Outcome(
        problem=counted.problem,
        rows_read=counted.rows_read,
        rows_curated=counted.rows_curated,
        rows_duplicate=counted.rows_duplicate,
        rows_superseded=counted.rows_superseded,
        rows_deleted=counted.rows_deleted,
        refused=tuple(_refused(report.quarantined)),
        reasons=tuple(Counter(report.reasons).most_common()),
        violations=tuple(violations(report, contract)),
    )


def _refused(files: Any) -> list[RefusedRow]:
    import pyarrow.parquet as pq

    wanted = ["line", "reasons", "raw_record"]
    rows = (row for file in files for row in pq.ParquetFile(_path(file.uri)).read(wanted).to_pylist())
    found = (RefusedRow(line=row["line"], reasons=tuple(row["reasons"]), record=row["raw_record"]) for row in rows)
    return sorted(found, key=lambda row: row.line)


class Folder:
    """A folder as the engine's storage; addresses are `file://` ones."""

    def open_file(self, file: ManifestFile) -> BinaryIO:
        """Open a file of the manifest."""
        return self.open_read(file.uri)

    def open_read(self, uri: str) -> BinaryIO:
        """Open what is there."""
        return _path(uri).open("rb")

    def open_write(self, uri: str) -> BinaryIO:
        """Open a new file."""
        _path(uri).parent.mkdir(parents=True, exist_ok=True)
        return _path(uri).open("xb")

    def list(self, uri: str) -> list[str]:
        """Everything below an address."""
        path = _path(uri)
        found = path.rglob("*") if path.is_dir() else [path]
        return sorted(f"file://{quote(str(one))}" for one in found if one.is_file())


def _path(uri: str) -> Path:
    return Path(unquote(uri.removeprefix("file://")))


def contract_of(document: dict[str, Any]) -> Contract:
    """The contract as the functions read it: through its JSON."""
    return Contract.from_json(json.dumps(document))
