"""Stages files and compares what it staged with what the oracle says, record by record."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pipeline_core.content import hint_of
from pipeline_core.contract import Contract
from pipeline_core.manifest import Manifest, ManifestFile
from pipeline_core.report import Report, reconcile

from tests.carriers import Carrier
from tests.robustness.oracle import Outcome, Record, judge

WHOLE = ("unreadable", "not_text", "unknown_format", "parquet_bomb", "gzip_bomb", "bzip2_bomb", "zstd_bomb", "zip_bomb")
"""Reasons of whole files, which have a sentence behind them."""


class Bench:
    """Stages files, byte for byte as they are given, and says where the job and the oracle differ."""

    def __init__(self, carrier: Carrier, folder: Path, document: dict[str, Any]) -> None:
        self.carrier, self.folder = carrier, folder
        self.contract = Contract.from_document(document)
        self.runs = 0

    def stage(self, files: Mapping[str, bytes]) -> Report:
        """Run the job on a batch of files, in this order."""
        self.runs += 1
        root = self.folder / str(self.runs)
        listed = []
        for name, content in files.items():
            path = root / "raw" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            listed.append(
                ManifestFile(
                    key=name, version="v", uri=path.as_uri(), size=len(content), format=hint_of(name), landed_at="t"
                )
            )
        manifest = Manifest(
            batch_id=f"zoo-{self.runs}",
            dataset=self.contract.dataset,
            contract="",
            staging=f"{(root / 'staging').as_uri()}/",
            table=f"{(root / 'table').as_uri()}/",
            files=tuple(listed),
        )
        report = self.carrier(manifest, self.contract, "run")
        reconcile(report, [(file.key, file.version) for file in listed])
        return report

    def differences(self, files: Mapping[str, bytes]) -> list[str]:
        """Stage the files; a sentence for each file, record or number that is not what the oracle says."""
        expected = judge(files, self.contract)
        report = self.stage(files)
        found = []
        for file in report.files:
            outcome = expected[file.key]
            counts = (file.rows_read, file.rows_curated, file.rows_quarantined, file.rows_duplicate)
            # What was found out about a file that cannot be read stands behind its reason.
            kind = (file.problem or "").partition(": ")[0]
            stated = kind if kind in WHOLE else file.problem
            problem = set((stated or "").split(", ")) - {""}
            if counts != outcome.counts or problem != outcome.problems:
                found.append(
                    f"{file.key}: job {counts} {problem}, oracle {outcome.counts} {outcome.problems}; "
                    f"the file: {files[file.key][:300]!r}"
                )
        found += self._rows(report, expected)
        reasons = Counter(reason for o in expected.values() for record in o.quarantined for reason in record.reasons)
        if report.reasons != reasons:
            found.append(
                f"reasons: {Counter(report.reasons) - reasons} too many, {reasons - Counter(report.reasons)} lack"
            )
        return found

    def _rows(self, report: Report, expected: dict[str, Outcome]) -> list[str]:
        found = []
        curated, quarantined = self.curated(report), self.quarantined(report)
        for name, outcome in expected.items():
            theirs = Counter(self._expected_row(record) for record in outcome.curated)
            mine = curated.get(name, Counter())
            found += [f"{name}: curated, should not be: {row}" for row in (mine - theirs).elements()]
            found += [f"{name}: not curated, should be: {row}" for row in (theirs - mine).elements()]
            judged = {record.line: record for record in outcome.quarantined}
            staged = quarantined.get(name, {})
            for line in sorted(judged.keys() | staged.keys()):
                record, (raw, reasons) = judged.get(line), staged.get(line, (None, set()))
                wanted = record.reasons if record else set()
                if reasons != wanted:
                    found.append(f"{name}:{line}: job {reasons or 'did not quarantine'}, oracle {wanted}: {raw!r:.300}")
                elif record and record.raw is not None and record.raw != raw:
                    found.append(f"{name}:{line}: kept as {raw!r:.300}, came as {record.raw!r:.300}")
        return found

    def _expected_row(self, record: Record) -> str:
        partition = {name: str(record.values[name]) for name in self.contract.partition_by}
        return repr({name: plain(value) for name, value in (record.values | partition).items()})

    def curated(self, report: Report) -> dict[str, Counter[str]]:
        """The curated rows by file, as text."""
        found: dict[str, Counter[str]] = {}
        for file in report.curated:
            table = pq.read_table(unquote(urlparse(file.uri).path), partitioning=None)
            for place, field in enumerate(table.schema):
                if pa.types.is_timestamp(field.type):
                    assert field.type == pa.timestamp("us", tz="UTC"), f"{field.name} is {field.type}"
                    # As numbers: Python has no year 0 or 10000.
                    table = table.set_column(place, field.name, pc.cast(table[field.name], pa.int64()))
            assert table.num_rows == file.rows, file
            for row in table.to_pylist():
                name = row.pop("_source_file").removesuffix("?versionId=v")
                assert row.pop("_batch_id") == report.batch_id
                values = row | file.partition
                ordered = {column.name: plain(values[column.name]) for column in self.contract.columns}
                found.setdefault(name, Counter())[repr(ordered)] += 1
        return found

    def quarantined(self, report: Report) -> dict[str, dict[int, tuple[str, set[str]]]]:
        """The quarantined records by file and line: the record as it was kept, and its reasons."""
        found: dict[str, dict[int, tuple[str, set[str]]]] = {}
        for file in report.quarantined:
            for row in pq.read_table(urlparse(file.uri).path).to_pylist():
                name = row["source_file"].removesuffix("?versionId=v")
                lines = found.setdefault(name, {})
                assert row["line"] not in lines, f"{name}:{row['line']} is there twice"
                assert len(set(row["reasons"])) == len(row["reasons"]), row
                lines[row["line"]] = row["raw_record"], set(row["reasons"])
        return found


def plain(value: Any) -> Any:
    """A typed value in a form that is equal only if type and value are: `-0.0` is not `0`, nor `1` true."""
    if isinstance(value, Decimal):
        # a decimal has no negative zero
        return f"decimal {abs(value) if value == 0 else value}"
    return f"date {value}" if isinstance(value, dt.date) else value


MakeBench = Callable[..., Bench]


def agree(bench: Bench, files: Mapping[str, bytes]) -> None:
    """Fail with every difference between the job and the oracle on a batch of files."""
    found = bench.differences(files)
    assert not found, f"{len(found)} differences\n" + "\n".join(found[:40])
