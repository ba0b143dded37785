"""What a change of contracts does to data: files are read by the base's contract and by this tree's."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from config.violations import printable
from ops.contracts.trial import Outcome, TrialError, attempt, contract_of
from ops.preview.contracts import documents
from ops.preview.options import PreviewError
from ops.preview.snapshot import Snapshot

SAMPLES = Path("contracts") / "samples"
SHOWN_ROWS = 5
LISTED_ROWS = 100
SHOWN_CHARACTERS = 200
COUNTS = ("rows_read", "rows_curated", "rows_quarantined", "rows_duplicate", "rows_superseded", "rows_deleted")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a file, and where."""

    line: int
    record: str


@dataclass(frozen=True, kw_only=True)
class Moved:
    """Rows whose fate changes in the same way; without reasons, a row is not quarantined."""

    was: tuple[str, ...]
    now: tuple[str, ...]
    rows: tuple[Row, ...]

    def __str__(self) -> str:
        """Say what changes."""
        count = f"{len(self.rows):,} row{'' if len(self.rows) == 1 else 's'}"
        was, now = (", ".join(map(printable, reasons)) for reasons in (self.was, self.now))
        if not was:
            return f"{count} now quarantined: {now}"
        return (
            f"{count} quarantined no more: {was}"
            if not now
            else f"{count} quarantined for another reason: {was} -> {now}"
        )


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What becomes of a file by both contracts; None where there is no contract, or it cannot be used here."""

    dataset: str
    file: str
    before: Outcome | None = None
    after: Outcome | None = None
    moved: tuple[Moved, ...] = ()
    note: str = ""

    def lines(self) -> Iterator[str]:
        """Write it for people: what changes of the file, then the rows by reason, the first of them with their text."""
        yield f"{self.dataset}: {printable(self.file)}: {self._summary()}"
        for moved in self.moved:
            yield f"  {moved}"
            for row in moved.rows[:SHOWN_ROWS]:
                yield f"    line {row.line}: {printable(row.record[:SHOWN_CHARACTERS])}"
            if len(moved.rows) > SHOWN_ROWS:
                yield f"    and {len(moved.rows) - SHOWN_ROWS:,} more"

    def to_document(self) -> dict[str, Any]:
        """Write it for another program; of the rows that change in the same way, `LISTED_ROWS` at most."""
        return {
            "dataset": self.dataset,
            "file": self.file,
            "note": self.note or None,
            "before": _outcome(self.before),
            "after": _outcome(self.after),
            "changes": [
                {
                    "was": list(moved.was),
                    "now": list(moved.now),
                    "rows": len(moved.rows),
                    "listed": [asdict(row) for row in moved.rows[:LISTED_ROWS]],
                }
                for moved in self.moved
            ],
        }

    def _summary(self) -> str:
        if self.note:
            return printable(self.note)
        fates = [_fate(outcome) for outcome in (self.before, self.after)]
        said = [fates[1] if fates[0] == fates[1] else " -> ".join(fates)]
        counts = [_counts(outcome) for outcome in (self.before, self.after)]
        for name in COUNTS:
            pair = [f"{count[name]:,}" for count in counts if count]
            if {*pair} - {"0"}:
                said.append(f"{name.removeprefix('rows_')} {' -> '.join(dict.fromkeys(pair))}")
        if self.before == self.after:
            said.append("no row's fate changes")
        return ", ".join(said)


def tried(base: Snapshot, head: Snapshot, files: Sequence[Path], root: Path) -> Iterator[Tried]:
    """Try files by both contracts: those given, or the samples of every contract that is not the same.

    Raises:
        PreviewError: a given file is not there, or not called after a dataset.
    """
    before, after = documents(base), documents(head)
    known = sorted(before.keys() | after.keys())
    for file in files:
        if not file.is_file():
            raise PreviewError(f"{file}: there is no such file")
        name = _dataset(file, known)
        yield _try(name, file, str(file), before.get(name), after.get(name))
    for name in () if files else known:
        if before.get(name) == after.get(name):
            continue
        folder = root / SAMPLES / name
        found = sorted(file for file in folder.glob("*") if file.is_file())
        if not found:
            yield Tried(dataset=name, file=f"{SAMPLES / name}/", note="no sample is there, so nothing is tried")
        for file in found:
            yield _try(name, file, str(file.relative_to(root)), before.get(name), after.get(name))


def _dataset(file: Path, known: Sequence[str]) -> str:
    for name in (file.name.partition(".")[0], file.absolute().parent.name):
        if name in known:
            return name
    raise PreviewError(
        f"{file} is not called after a dataset, nor is its folder; allowed for --file is a file of {', '.join(known)}"
    )


def _try(
    dataset: str, file: Path, shown: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> Tried:
    try:
        outcomes = [document and attempt(contract_of(dict(document)), file) for document in (before, after)]
    except (TrialError, ValueError, KeyError, TypeError) as error:
        # A contract of the base may be one that this tree's engine does not read.
        return Tried(dataset=dataset, file=shown, note=f"cannot be tried by both: {type(error).__name__}: {error}")
    old, new = (outcome or None for outcome in outcomes)
    return Tried(dataset=dataset, file=shown, before=old, after=new, moved=tuple(_moved(old, new)))


def _moved(before: Outcome | None, after: Outcome | None) -> Iterator[Moved]:
    """Put together the rows whose reasons change; what is said of a whole file is not said again of each row."""
    if after is None or after.problem is not None or (before is not None and before.problem is not None):
        return
    left, right = _reasons(before), _reasons(after)
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Row]] = {}
    for place in sorted(left.keys() | right.keys()):
        was, now = left.get(place, ()), right.get(place, ())
        if was != now:
            found.setdefault((was, now), []).append(Row(line=place[0], record=place[1]))
    for (was, now), rows in sorted(found.items()):
        yield Moved(was=was, now=now, rows=tuple(rows))


def _reasons(outcome: Outcome | None) -> dict[tuple[int, str, int], tuple[str, ...]]:
    """By line, text and how often it came before, why a row is quarantined: a line may hold several records."""
    found: dict[tuple[int, str, int], tuple[str, ...]] = {}
    seen: Counter[tuple[int, str]] = Counter()
    for row in outcome.refused if outcome else ():
        place = (row.line, row.record or "")
        found[*place, seen[place]] = row.reasons
        seen[place] += 1
    return found


def _fate(outcome: Outcome | None) -> str:
    if outcome is None:
        return "without a contract"
    if outcome.problem is not None:
        return f"rejected ({printable(outcome.problem)})"
    if outcome.violations:
        return f"quarantined as a whole ({printable('; '.join(outcome.violations))})"
    return "published"


def _counts(outcome: Outcome | None) -> dict[str, int]:
    return {} if outcome is None else {name: getattr(outcome, name) for name in COUNTS}


def _outcome(outcome: Outcome | None) -> dict[str, Any] | None:
    if outcome is None:
        return None
    return {
        "published": outcome.problem is None and not outcome.violations,
        "problem": outcome.problem,
        "violations": list(outcome.violations),
        **_counts(outcome),
        "reasons": dict(outcome.reasons),
    }
