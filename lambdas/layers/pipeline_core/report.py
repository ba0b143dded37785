"""The report of a batch: what the job did with every row, and the audit of it. Standard library only."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property

from pipeline_core.contract import Contract, QualityRule
from pipeline_core.fields import Fields

FATES = ("curated", "quarantined", "duplicate", "updated", "unchanged", "superseded", "deleted")
"""What becomes of a row that was read: exactly one of these."""

STAGE, SPARK = "stage", "spark"
"""What staged a batch: the function, or the Glue job."""


class ReconciliationError(Exception):
    """Rows are unaccounted for. Never published, never retried: a person has to look."""


@dataclass(frozen=True, kw_only=True)
class RowCounts:
    """What became of rows: of those of a file, of a batch, or of all batches that read a file.

    Each row read has one fate: `rows_curated` are new in the table, `rows_updated` take the place of an older row of
    their key, `rows_unchanged` are in the table as they are, `rows_superseded` are older than what is known of their
    key, `rows_deleted` say that their key is no longer, `rows_duplicate` repeat a key, and `rows_quarantined` the
    contract refuses. `rows_replaced` are published rows of the files, and `rows_removed` those of other files, that a
    batch takes out of the table: updated ones, deleted ones, and those that a snapshot lacks.
    """

    rows_read: int = 0
    rows_curated: int = 0
    rows_quarantined: int = 0
    rows_duplicate: int = 0
    rows_replaced: int = 0
    rows_updated: int = 0
    rows_unchanged: int = 0
    rows_superseded: int = 0
    rows_deleted: int = 0
    rows_removed: int = 0

    @property
    def rows_written(self) -> int:
        """Rows in staged files of the table."""
        return self.rows_curated + self.rows_updated

    def to_outcome(self) -> dict[str, int]:
        """Write the counts as the ledger has them, as a file's `outcome`: without most that are zero."""
        every = {name: getattr(self, name) for name in ROW_COUNTS}
        return {name: rows for name, rows in every.items() if rows or name in ALWAYS_COUNTED}


ROW_COUNTS = tuple(count.name for count in fields(RowCounts))
"""The names of the counts."""

ALWAYS_COUNTED = ("rows_read", "rows_curated", "rows_quarantined", "rows_duplicate")
"""Counts that every document has; it has the others where a row had that fate, or it is of a later release."""


@dataclass(frozen=True, kw_only=True)
class FileReport(RowCounts):
    """Row accounting of one file; `problem` says why the file as a whole was quarantined, if it was."""

    key: str
    version: str
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class StagedFile:
    """A Parquet file that the job wrote to staging, with its partition values (text) and its rows."""

    uri: str
    partition: dict[str, str]
    rows: int


@dataclass(frozen=True, kw_only=True)
class ReplacedFile:
    """A published file of which a REPLACE batch takes rows away; what stays was written to `uri` (empty: nothing)."""

    key: str
    partition: dict[str, str]
    uri: str
    rows_before: int
    rows_kept: int


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the job of a batch read, curated, quarantined and dropped as duplicates.

    A file of quarantined rows has rows of one source file; its `partition` is `{"_file": position}`. `engine` is
    STAGE or SPARK. Of an Iceberg table, `snapshot` is the one that the engine saw, `tombstones` the address of the
    staged file of deleted keys, which takes the place of the table's, and `landed_at` when the file landed that the
    table is now, in the mode `snapshot`; they are empty where there is none.
    """

    batch_id: str
    dataset: str
    contract_version: str
    files: tuple[FileReport, ...]
    curated: tuple[StagedFile, ...]
    quarantined: tuple[StagedFile, ...]
    replaced: tuple[ReplacedFile, ...] = ()
    reasons: dict[str, int] = field(default_factory=dict)
    nulls: dict[str, int] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    engine: str = SPARK
    snapshot: str = ""
    tombstones: str = ""
    landed_at: str = ""

    @cached_property
    def counts(self) -> RowCounts:
        """What became of the rows of all files."""
        return RowCounts(**{name: sum(getattr(file, name) for file in self.files) for name in ROW_COUNTS})

    def partitions(self) -> list[dict[str, str]]:
        """Partitions that the batch adds rows to, without repetition, sorted."""
        unique = {tuple(file.partition.items()) for file in self.curated}
        return [dict(values) for values in sorted(unique)]

    def to_json(self) -> str:
        """Write the report as JSON."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Report":
        """Read a report from its JSON.

        Raises:
            DocumentError: it lacks a field, has one that this release does not know, or one of another type.
        """
        document = Fields.from_json(text, "the report")
        return document.parse_only(
            cls,
            files=tuple(file.parse_only(FileReport) for file in document.items("files")),
            curated=tuple(file.parse_only(StagedFile) for file in document.items("curated")),
            quarantined=tuple(file.parse_only(StagedFile) for file in document.items("quarantined")),
            replaced=tuple(file.parse_only(ReplacedFile) for file in document.items("replaced", ())),
        )


def reconcile(report: Report, expected: Iterable[tuple[str, str]]) -> None:
    """Check that every file was read and every row read has exactly one fate.

    Args:
        report: the job's report.
        expected: (key, version) of every file of the manifest.

    Raises:
        ReconciliationError: names the files or the numbers that do not add up.
    """
    reported = [(file.key, file.version) for file in report.files]
    if sorted(reported) != sorted(expected):
        raise ReconciliationError(f"batch {report.batch_id}: the report has {len(reported)} files, the manifest others")
    for file in report.files:
        fates = {fate: getattr(file, f"rows_{fate}") for fate in FATES}
        if file.rows_read != sum(fates.values()):
            counted = " + ".join(f"{rows} {fate}" for fate, rows in fates.items())
            raise ReconciliationError(
                f"batch {report.batch_id}, file {file.key}: {file.rows_read} rows read, but "
                f"{counted} = {sum(fates.values())}"
            )
    taken = sum(file.rows_before - file.rows_kept for file in report.replaced)
    gone = report.counts.rows_replaced + report.counts.rows_removed
    if taken != gone:
        raise ReconciliationError(
            f"batch {report.batch_id}: {gone} rows are to be replaced, but {taken} are missing in "
            "the files that take the place of the published ones"
        )
    for name, staged, rows in (
        ("curated", report.curated, report.counts.rows_written),
        ("quarantined", report.quarantined, report.counts.rows_quarantined),
    ):
        written = sum(file.rows for file in staged)
        if written != rows:
            raise ReconciliationError(
                f"batch {report.batch_id}: {rows} rows were {name}, but {written} are in the staged files"
            )


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a quality rule says of a batch: the value that it measures, rounded to be read, and whether it holds."""

    rule: QualityRule
    measured: float
    holds: bool


def judgements(report: Report, contract: Contract) -> list[Judgement]:
    """Judge the batch by every quality rule of the contract, in the contract's order."""
    measured = [(rule, _measure(rule, report)) for rule in contract.quality]
    return [Judgement(rule=rule, measured=_round(value), holds=_holds(rule, value)) for rule, value in measured]


def violations(report: Report, contract: Contract) -> list[str]:
    """Return a sentence for every quality rule of the contract that the batch breaks."""
    return [
        f"{broken.rule.name}: {broken.rule.metric}{f' of {broken.rule.column}' if broken.rule.column else ''} is "
        f"{broken.measured} {broken.rule.unit}, but {broken.rule.operator} {broken.rule.value}"
        for broken in judgements(report, contract)
        if not broken.holds
    ]


def _round(value: float) -> float:
    return int(value) if value == int(value) else round(value, 3)


def _measure(rule: QualityRule, report: Report) -> float:
    if rule.metric == "rowCount":
        return report.counts.rows_read
    if rule.metric == "duplicateValues":
        count, base = report.counts.rows_duplicate, report.counts.rows_read - report.counts.rows_quarantined
    elif rule.metric == "nullValues":
        assert rule.column is not None, "a contract's nullValues rule has a column"
        count, base = report.nulls.get(rule.column, 0), report.counts.rows_written
    elif rule.column is not None:
        count = sum(rows for reason, rows in report.reasons.items() if reason.partition(":")[2] == rule.column)
        base = report.counts.rows_read
    else:
        count, base = report.counts.rows_quarantined, report.counts.rows_read
    if rule.unit == "percent":
        return 100 * count / base if base else 0.0
    return count


def _holds(rule: QualityRule, measured: float) -> bool:
    value = rule.value
    match rule.operator:
        case "mustBe":
            return bool(measured == value)
        case "mustNotBe":
            return bool(measured != value)
        case "mustBeGreaterThan":
            return bool(measured > value)
        case "mustBeGreaterOrEqualTo":
            return bool(measured >= value)
        case "mustBeLessThan":
            return bool(measured < value)
        case "mustBeLessOrEqualTo":
            return bool(measured <= value)
        case "mustBeBetween":
            return bool(value[0] <= measured <= value[1])
        case "mustNotBeBetween":
            return not value[0] <= measured <= value[1]
        case unknown:
            raise ValueError(f"rule {rule.name!r}: unknown operator {unknown!r}")
