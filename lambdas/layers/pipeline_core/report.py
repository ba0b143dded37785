"""The report of a batch: what the job did with every row, and the audit of it. Standard library only."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields

from pipeline_core.contract import Contract, QualityRule
from pipeline_core.fields import Fields

FATES = ("curated", "quarantined", "duplicate", "updated", "unchanged", "superseded", "deleted")
"""What becomes of a row that was read: exactly one of these."""

STAGE, SPARK = "stage", "spark"
"""What staged a batch: the function, or the Glue job."""


class ReconciliationError(Exception):
    """Rows are unaccounted for. Never published, never retried: a person has to look."""


@dataclass(frozen=True, kw_only=True)
class FileReport:
    """Row accounting of one file; `problem` says why the file as a whole was quarantined, if it was.

    Each row read has one fate: `rows_curated` are new in the table, `rows_updated` take the place of an older row of
    their key, `rows_unchanged` are in the table as they are, `rows_superseded` are older than what is known of their
    key, `rows_deleted` say that their key is no longer, `rows_duplicate` repeat a key, and `rows_quarantined` the
    contract refuses. `rows_replaced` are published rows of the file, and `rows_removed` those of other files, that the
    batch takes out of the table: updated ones, deleted ones, and those that a snapshot lacks.
    """

    key: str
    version: str
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
    problem: str | None = None

    @property
    def rows_written(self) -> int:
        """Rows of the file that are in staged files."""
        return self.rows_curated + self.rows_updated

    @classmethod
    def from_fields(cls, document: Fields) -> "FileReport":
        """Parse the accounting of a file."""
        document.allow_only(field.name for field in fields(cls))
        counts = [item.name for item in fields(cls) if item.name.startswith("rows_")]
        return cls(
            key=document.text("key"),
            version=document.text("version"),
            **{name: document.integer(name, 0) for name in counts},
            problem=document.text("problem") if "problem" in document else None,
        )


@dataclass(frozen=True, kw_only=True)
class StagedFile:
    """A Parquet file that the job wrote to staging, with its partition values (text) and its rows."""

    uri: str
    partition: dict[str, str]
    rows: int

    @classmethod
    def from_fields(cls, document: Fields) -> "StagedFile":
        """Parse a staged file."""
        document.allow_only(field.name for field in fields(cls))
        return cls(uri=document.text("uri"), partition=document.words("partition"), rows=document.integer("rows"))


@dataclass(frozen=True, kw_only=True)
class ReplacedFile:
    """A published file of which a REPLACE batch takes rows away; what stays was written to `uri` (empty: nothing)."""

    key: str
    partition: dict[str, str]
    uri: str
    rows_before: int
    rows_kept: int

    @classmethod
    def from_fields(cls, document: Fields) -> "ReplacedFile":
        """Parse a replaced file."""
        document.allow_only(field.name for field in fields(cls))
        return cls(
            key=document.text("key"),
            partition=document.words("partition"),
            uri=document.text("uri"),
            rows_before=document.integer("rows_before"),
            rows_kept=document.integer("rows_kept"),
        )


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

    @property
    def rows_read(self) -> int:
        """Rows read from all files."""
        return sum(file.rows_read for file in self.files)

    @property
    def rows_curated(self) -> int:
        """Rows that will be in the table."""
        return sum(file.rows_curated for file in self.files)

    @property
    def rows_quarantined(self) -> int:
        """Rows that the contract refuses."""
        return sum(file.rows_quarantined for file in self.files)

    @property
    def rows_duplicate(self) -> int:
        """Valid rows whose key is already in the table or earlier in the batch."""
        return sum(file.rows_duplicate for file in self.files)

    @property
    def rows_replaced(self) -> int:
        """Published rows of the batch's files that it takes out of the table."""
        return sum(file.rows_replaced for file in self.files)

    @property
    def rows_updated(self) -> int:
        """Rows that take the place of an older row of their key."""
        return sum(file.rows_updated for file in self.files)

    @property
    def rows_unchanged(self) -> int:
        """Rows that are in the table as they are."""
        return sum(file.rows_unchanged for file in self.files)

    @property
    def rows_superseded(self) -> int:
        """Rows that are older than what is known of their key."""
        return sum(file.rows_superseded for file in self.files)

    @property
    def rows_deleted(self) -> int:
        """Rows that say that their key is no longer."""
        return sum(file.rows_deleted for file in self.files)

    @property
    def rows_removed(self) -> int:
        """Published rows of other files that the batch takes out of the table."""
        return sum(file.rows_removed for file in self.files)

    @property
    def rows_written(self) -> int:
        """Rows in the staged files of the table."""
        return sum(file.rows_written for file in self.files)

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
        document.allow_only(field.name for field in fields(cls))
        return cls(
            batch_id=document.text("batch_id"),
            dataset=document.text("dataset"),
            contract_version=document.text("contract_version"),
            files=tuple(map(FileReport.from_fields, document.items("files"))),
            curated=tuple(map(StagedFile.from_fields, document.items("curated"))),
            quarantined=tuple(map(StagedFile.from_fields, document.items("quarantined"))),
            replaced=tuple(map(ReplacedFile.from_fields, document.items("replaced", ()))),
            reasons=document.counts("reasons"),
            nulls=document.counts("nulls"),
            columns=document.words("columns", {}),
            engine=document.text("engine", SPARK),
            snapshot=document.text("snapshot", ""),
            tombstones=document.text("tombstones", ""),
            landed_at=document.text("landed_at", ""),
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
    gone = report.rows_replaced + report.rows_removed
    if taken != gone:
        raise ReconciliationError(
            f"batch {report.batch_id}: {gone} rows are to be replaced, but {taken} are missing in "
            "the files that take the place of the published ones"
        )
    for name, staged, rows in (
        ("curated", report.curated, report.rows_written),
        ("quarantined", report.quarantined, report.rows_quarantined),
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
        return report.rows_read
    if rule.metric == "duplicateValues":
        count, base = report.rows_duplicate, report.rows_read - report.rows_quarantined
    elif rule.metric == "nullValues":
        assert rule.column is not None, "a contract's nullValues rule has a column"
        count, base = report.nulls.get(rule.column, 0), report.rows_written
    elif rule.column is not None:
        count = sum(rows for reason, rows in report.reasons.items() if reason.partition(":")[2] == rule.column)
        base = report.rows_read
    else:
        count, base = report.rows_quarantined, report.rows_read
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
