"""Writes the manifest of a batch: where its files can be read, and what of earlier batches concerns them."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from pipeline_core import clients, known_good, layout, publish
from pipeline_core.batches import Batch, Batches
from pipeline_core.documents import LARGE_COPY, WITHOUT_TAGS, is_gone, read
from pipeline_core.files import Candidate, FileItem
from pipeline_core.ledger import PARALLEL
from pipeline_core.manifest import REPLACE, ROWS, Manifest, ManifestFile
from pipeline_core.quarantine import version_argument
from pipeline_core.report import Report

SAFE_KEY = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]*/)*[A-Za-z0-9][A-Za-z0-9._-]*")
"""Keys that Spark takes literally: no glob, no hidden name, no `a=b` folder, nothing that a path resolves."""


def group_of(file: FileItem) -> tuple[str, str, int]:
    """What a pending file waits for, and how often it was tried: files of one batch have it in common.

    A batch ends for all its files: beside one that is tried for the last time, a new file would be given up with it.
    """
    return file.purpose, file.part, file.attempts


def is_suspect(files: list[Candidate]) -> bool:
    """Whether a batch is one file whose last batch failed, so that the file may be what kills Spark."""
    return len(files) == 1 and bool(files[0].part or files[0].attempts)


@dataclass(frozen=True, kw_only=True)
class Manifests:
    """Writes the manifests of batches."""

    curated_bucket: str
    quarantine_bucket: str
    artifacts_bucket: str
    batches: Batches

    def manifest(self, batch: Batch, files: list[Candidate], contract_key: str) -> str:
        """The manifest of a batch's files; files whose version was deleted are left out."""
        with ThreadPoolExecutor(PARALLEL) as pool:
            addresses = list(pool.map(lambda item: self._readable(batch, *item), enumerate(files)))
        purpose = files[0].purpose
        earlier = self._reports(batch.dataset, files, purpose)
        return Manifest(
            batch_id=batch.batch_id,
            dataset=batch.dataset,
            contract=layout.uri(self.artifacts_bucket, contract_key),
            staging=layout.uri(self.curated_bucket, layout.staging_prefix(batch.dataset, batch.batch_id)),
            table=layout.uri(self.curated_bucket, layout.table_prefix(batch.dataset)),
            files=tuple(
                ManifestFile(
                    key=file.key,
                    version=file.version,
                    uri=address,
                    size=file.size,
                    format=file.format,
                    landed_at=file.landed_at,
                    quarantined=self._quarantined(file, earlier) if purpose == ROWS else (),
                )
                for file, address in zip(files, addresses, strict=True)
                if address is not None
            ),
            purpose=purpose,
            replaces=self._replaces(earlier) if purpose == REPLACE else (),
            known_good=self._known_good(batch) if is_suspect(files) else "",
        ).to_json()

    def _known_good(self, batch: Batch) -> str:
        key = f"{layout.staging_prefix(batch.dataset, batch.batch_id)}input/{known_good.NAME}"
        clients.s3().put_object(Bucket=self.curated_bucket, Key=key, Body=known_good.CONTENT)
        return layout.uri(self.curated_bucket, key)

    def _readable(self, batch: Batch, position: int, file: Candidate) -> str | None:
        """Where Spark can read this very version: the object itself, or a copy beside the staged files.

        Spark reads the latest version only, and takes some characters of a key for more than they are.
        """
        literal = SAFE_KEY.fullmatch(file.key)
        if literal and self._latest(file) == file.version:
            return layout.uri(file.bucket, file.key)
        prefix = layout.staging_prefix(batch.dataset, batch.batch_id)
        key = f"{prefix}input/{position:05d}"
        source: Any = {"Bucket": file.bucket, "Key": file.key, **version_argument(file.version)}
        try:
            clients.s3().copy(source, self.curated_bucket, key, ExtraArgs=WITHOUT_TAGS, Config=LARGE_COPY)
        except ClientError as error:
            if is_gone(error):
                return None
            raise
        return layout.uri(self.curated_bucket, key)

    @staticmethod
    def _latest(file: Candidate) -> str | None:
        try:
            head = clients.s3().head_object(Bucket=file.bucket, Key=file.key)
        except ClientError as error:
            if is_gone(error):  # the latest is a delete marker; the version may be there
                return None
            raise
        return str(head.get("VersionId", file.version))

    def _reports(self, dataset: str, files: list[Candidate], purpose: str) -> dict[str, Report]:
        """Reports of the earlier batches that a replay has to look at."""
        if purpose == ROWS:
            wanted = {file.quarantined_in for file in files}
        elif purpose == REPLACE:
            wanted = {batch_id for file in files for batch_id in file.published_in}
        else:
            wanted = set()
        return {batch_id: self._report(dataset, batch_id) for batch_id in sorted(wanted)}

    def _report(self, dataset: str, batch_id: str) -> Report:
        batch = self.batches.get(dataset, batch_id)
        name = batch.report if batch else ""
        text = read(self.artifacts_bucket, layout.batch_key(dataset, batch_id, name)) if name else None
        if text is None:
            raise RuntimeError(f"the report of batch {batch_id} is missing: its rows cannot be replayed")
        return Report.from_json(text)

    def _quarantined(self, file: Candidate, earlier: dict[str, Report]) -> tuple[str, ...]:
        keys = publish.quarantined_keys(earlier[file.quarantined_in], file.key, file.version)
        return tuple(layout.uri(self.quarantine_bucket, key) for key in keys)

    def _replaces(self, earlier: dict[str, Report]) -> tuple[str, ...]:
        keys = sorted(key for report in earlier.values() for _, key in publish.table_files(report))
        return tuple(layout.uri(self.curated_bucket, key) for key in keys)
