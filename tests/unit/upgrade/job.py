"""The Spark job's contract in a few lines: stages what the table does not have yet, and writes the report last.

A value that is `bad` puts its row into quarantine, as long as the producer has not `mended` it; a file whose first
word is BROKEN is refused as a whole.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from urllib.parse import unquote

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
from pipeline_core import layout
from pipeline_core.contract import Contract
from pipeline_core.manifest import REPLACE, ROWS, Manifest, ManifestFile
from pipeline_core.report import FileReport, ReplacedFile, Report, StagedFile

Row = dict[str, str]


def read(uri: str) -> bytes:
    """An object's content."""
    bucket, key = layout.split_uri(uri)
    return boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()


def parquet_rows(content: bytes) -> list[Row]:
    """The rows of a Parquet file."""
    rows: list[Row] = pq.read_table(io.BytesIO(content)).to_pylist()
    return rows


def write_parquet(uri: str, rows: list[Row]) -> None:
    """Write rows as an object."""
    bucket, key = layout.split_uri(uri)
    file = io.BytesIO()
    # As small as it can be: these files are kept.
    pq.write_table(pa.Table.from_pylist(rows), file, store_schema=False, write_statistics=False, compression="gzip")
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=file.getvalue())


def partition_of(key: str) -> Row:
    """The partition values in a published file's key."""
    pairs = (part.split("=") for part in key.split("/") if "=" in part)
    return {name: unquote(value) for name, value in pairs}


def table_files(bucket: str, dataset: str) -> Iterator[tuple[str, list[Row]]]:
    """Key and rows of every published file, the partition's values in them."""
    found = boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix=layout.table_prefix(dataset))
    for item in found.get("Contents", []):
        partition = partition_of(item["Key"])
        yield item["Key"], [row | partition for row in parquet_rows(read(layout.uri(bucket, item["Key"])))]


def run(manifest_uri: str, *, mended: bool = False) -> None:
    """Stage a batch."""
    manifest = Manifest.from_json(read(manifest_uri))
    _Run(manifest, Contract.from_json(read(manifest.contract)), mended).stage()


class _Run:
    def __init__(self, manifest: Manifest, contract: Contract, mended: bool) -> None:
        self.manifest, self.contract, self.mended = manifest, contract, mended
        self.folder = f"{manifest.staging}run/"
        self.sources = {layout.source_of(file.key, file.version): file for file in manifest.files}
        self.replaced: list[ReplacedFile] = []
        self.taken: dict[tuple[str, str], int] = defaultdict(int)

    def stage(self) -> None:
        bucket, prefix = layout.split_uri(self.manifest.staging)
        known = {self.key(row) for key, rows in self.published() for row in self.kept(key, rows)}
        curated: dict[str, list[Row]] = defaultdict(list)
        files, quarantined = [], []
        for position, file in enumerate(self.manifest.files):
            rows, problem = self.rows(file)
            bad = [row for row in rows if "bad" in row.values() and not self.mended]
            good = {self.key(row): row for row in rows if row not in bad}
            new = {key: row for key, row in good.items() if key not in known}
            known |= set(new)
            for row in new.values():
                partition = {name: row[name] for name in self.contract.partition_by}
                data = {name: value for name, value in row.items() if name not in partition}
                names = {"_source_file": layout.source_of(file.key, file.version), "_batch_id": self.manifest.batch_id}
                curated[layout.partition_path(partition)].append({**data, **names})
            if bad:
                uri = f"{self.folder}quarantined/_file={position}/0.parquet"
                write_parquet(uri, [{"source_file": file.key, "raw_record": ",".join(row.values())} for row in bad])
                quarantined.append(StagedFile(uri=uri, partition={"_file": str(position)}, rows=len(bad)))
            files.append(
                FileReport(
                    key=file.key,
                    version=file.version,
                    rows_read=len(rows),
                    rows_curated=len(new),
                    rows_quarantined=len(bad),
                    rows_duplicate=len(rows) - len(bad) - len(new),
                    rows_replaced=self.taken[file.key, file.version],
                    problem=problem,
                )
            )
        staged = []
        for path, rows in sorted(curated.items()):
            uri = f"{self.folder}curated/{path}0.parquet"
            write_parquet(uri, rows)
            staged.append(StagedFile(uri=uri, partition=partition_of(path), rows=len(rows)))
        report = Report(
            batch_id=self.manifest.batch_id,
            dataset=self.manifest.dataset,
            contract_version=self.contract.version,
            files=tuple(files),
            curated=tuple(staged),
            quarantined=tuple(quarantined),
            replaced=tuple(self.replaced),
            columns={column.name: column.type for column in self.contract.columns},
        )
        boto3.client("s3").put_object(Bucket=bucket, Key=f"{prefix}report.json", Body=report.to_json().encode())

    def key(self, row: Row) -> tuple[str, ...]:
        return tuple(row[name] for name in self.contract.primary_key)

    def published(self) -> Iterator[tuple[str, list[Row]]]:
        bucket, _ = layout.split_uri(self.manifest.table)
        return table_files(bucket, self.manifest.dataset)

    def rows(self, file: ManifestFile) -> tuple[list[Row], str | None]:
        if self.manifest.purpose == ROWS:
            records = [row["raw_record"] for uri in file.quarantined for row in parquet_rows(read(uri))]
            header = read(file.uri).decode().splitlines()[0]
            return list(csv.DictReader([header, *records])), None
        text = read(file.uri).decode()
        if text.startswith("BROKEN"):
            return [], "unreadable: no line of it can be read"
        rows = list(csv.DictReader(text.splitlines()))
        if any(None in row.values() for row in rows):
            # `notes.txt`, which the release that wrote the fixture did not read because of its name.
            return [], "malformed_row: a row has fewer values than the header"
        return rows, None

    def kept(self, key: str, rows: list[Row]) -> list[Row]:
        """The rows of a published file that stay; of a REPLACE batch, what it takes out is noted."""
        bucket, _ = layout.split_uri(self.manifest.table)
        if self.manifest.purpose != REPLACE or layout.uri(bucket, key) not in self.manifest.replaces:
            return rows
        stay = [row for row in rows if row["_source_file"] not in self.sources]
        for row in rows:
            if file := self.sources.get(row["_source_file"]):
                self.taken[file.key, file.version] += 1
        if len(stay) < len(rows):
            partition = partition_of(key)
            uri = f"{self.folder}replaced/{len(self.replaced)}.parquet" if stay else ""
            if stay:
                write_parquet(uri, [{name: row[name] for name in row if name not in partition} for row in stay])
            before, after = len(rows), len(stay)
            self.replaced.append(
                ReplacedFile(key=key, partition=partition, uri=uri, rows_before=before, rows_kept=after)
            )
        return stay
