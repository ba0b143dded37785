"""Claims pending files into a batch and starts its workflow.

The order is: batch item, candidates, claims, contract and manifest, execution. Each step can be repeated, and
each reads what an earlier attempt left; so a crash between any two is finished by a later tick.
"""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig
from pipeline_core import layout
from pipeline_core.batches import OPEN, RELEASED, Batch, Batches
from pipeline_core.ledger import PARALLEL, Ledger
from pipeline_core.manifest import Manifest, ManifestFile
from pipeline_core.storage import WITHOUT_TAGS, read, s3_client, write_once

SAFE_KEY = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]*/)*[A-Za-z0-9][A-Za-z0-9._-]*")
"""Keys that Spark takes literally: no glob, no hidden name, no `a=b` folder, nothing that a path resolves."""

COPY = TransferConfig(multipart_threshold=1024**3, multipart_chunksize=512 * 1024**2)
BYTES_A_WORKER = 512 * 1024**2
"""Input bytes for which one more G.1X worker is asked for."""

GZIP_RATIO = 6
"""A gzipped text is counted as this many times its size."""


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """Opens, resumes and starts batches."""

    raw_bucket: str
    curated_bucket: str
    artifacts_bucket: str
    ledger_table: str
    state_machine_arn: str
    max_concurrent_batches: int
    max_files_per_batch: int
    max_workers: int

    def tick(self, dataset: str) -> list[str]:
        """Finish what an earlier tick left, then batch what is pending. Returns the ids of batches started."""
        ledger = Ledger(self.ledger_table)
        batches = Batches(ledger)
        started = [batch.batch_id for batch in self._left(dataset, batches) if self._advance(batch, ledger, batches)]
        while ledger.pending(dataset, 1):
            batch = batches.open(dataset, batches.state(dataset), self.max_concurrent_batches)
            # The index may still show files that are claimed; a batch that got none ends the tick.
            if batch is None or not self._advance(batch, ledger, batches):
                break
            started.append(batch.batch_id)
        return started

    def _left(self, dataset: str, batches: Batches) -> Iterator[Batch]:
        """Batches that a trigger opened and did not start in its lease."""
        for batch_id in sorted(batches.state(dataset).running):
            batch = batches.get(dataset, batch_id)
            if batch is not None and batch.status == OPEN and batches.take_over(batch):
                yield batch

    def _advance(self, batch: Batch, ledger: Ledger, batches: Batches) -> bool:
        files = self._claimed(batch, ledger)
        if not files:
            batches.close(batch, RELEASED, {"reason": "no pending file was left to claim"})
            return False
        contract_key = layout.batch_key(batch.dataset, batch.batch_id, "contract")
        write_once(self.artifacts_bucket, contract_key, lambda: self._contract(batch.dataset))
        manifest_key = layout.batch_key(batch.dataset, batch.batch_id, "manifest")
        text = write_once(self.artifacts_bucket, manifest_key, lambda: self._manifest(batch, files, contract_key))
        workers = workers_for(Manifest.from_json(text), self.max_workers)
        request = {
            "batch_id": batch.batch_id,
            "dataset": batch.dataset,
            "manifest": layout.uri(self.artifacts_bucket, manifest_key),
            "workers": workers,
        }
        execution = self._start(batch, request)
        size = sum(file["size"] for file in files)
        batches.started(batch, {"execution": execution, "files": len(files), "bytes": size, "workers": workers})
        return True

    def _claimed(self, batch: Batch, ledger: Ledger) -> list[dict[str, Any]]:
        key = layout.batch_key(batch.dataset, batch.batch_id, "candidates")

        def candidates() -> str:
            names = ("bucket", "key", "version", "format", "landed_at", "dataset")
            pending = ledger.pending(batch.dataset, self.max_files_per_batch)
            return json.dumps([{**{name: item[name] for name in names}, "size": int(item["size"])} for item in pending])

        found: list[dict[str, Any]] = json.loads(write_once(self.artifacts_bucket, key, candidates))
        mine = ledger.claim(found, batch.batch_id)
        return [file for file, claimed in zip(found, mine, strict=True) if claimed]

    def _contract(self, dataset: str) -> str:
        text = read(self.artifacts_bucket, layout.contract_key(dataset))
        if text is None:
            raise RuntimeError(f"{dataset}: its contract was removed while files are pending; deploy it again")
        return text.decode()

    def _manifest(self, batch: Batch, files: list[dict[str, Any]], contract_key: str) -> str:
        with ThreadPoolExecutor(PARALLEL) as pool:
            addresses = list(pool.map(lambda item: self._readable(batch, *item), enumerate(files)))
        return Manifest(
            batch_id=batch.batch_id,
            dataset=batch.dataset,
            contract=layout.uri(self.artifacts_bucket, contract_key),
            staging=layout.uri(self.curated_bucket, layout.staging_prefix(batch.dataset, batch.batch_id)),
            table=layout.uri(self.curated_bucket, layout.table_prefix(batch.dataset)),
            files=tuple(
                ManifestFile(
                    key=file["key"],
                    version=file["version"],
                    uri=address,
                    size=file["size"],
                    format=file["format"],
                    landed_at=file["landed_at"],
                )
                for file, address in zip(files, addresses, strict=True)
            ),
        ).to_json()

    def _readable(self, batch: Batch, position: int, file: dict[str, Any]) -> str:
        """Where Spark can read this very version: the object itself, or a copy beside the staged files.

        Spark reads the latest version only, and takes some characters of a key for more than they are.
        """
        latest = s3_client().head_object(Bucket=file["bucket"], Key=file["key"])
        if SAFE_KEY.fullmatch(file["key"]) and latest.get("VersionId", file["version"]) == file["version"]:
            return layout.uri(file["bucket"], file["key"])
        ending = next(end for end in sorted(layout.FORMATS, key=len, reverse=True) if file["key"].lower().endswith(end))
        prefix = layout.staging_prefix(batch.dataset, batch.batch_id)
        key = f"{prefix}input/{position:05d}{ending}"
        source: Any = {"Bucket": file["bucket"], "Key": file["key"], "VersionId": file["version"]}
        s3_client().copy(source, self.curated_bucket, key, ExtraArgs=WITHOUT_TAGS, Config=COPY)
        return layout.uri(self.curated_bucket, key)

    def _start(self, batch: Batch, request: dict[str, Any]) -> str:
        client = boto3.client("stepfunctions")
        try:
            # The same name and input again, while it runs, is answered as if it had been started now.
            return client.start_execution(
                stateMachineArn=self.state_machine_arn, name=batch.batch_id, input=json.dumps(request)
            )["executionArn"]
        except client.exceptions.ExecutionAlreadyExists:
            return execution_arn(self.state_machine_arn, batch.batch_id)


def execution_arn(state_machine_arn: str, name: str) -> str:
    """ARN of an execution of a standard workflow."""
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def workers_for(manifest: Manifest, most: int) -> int:
    """Glue workers for the bytes of a batch: at least 2 (Glue's minimum), at most `most`."""
    size = sum(file.size * (GZIP_RATIO if file.key.lower().endswith(".gz") else 1) for file in manifest.files)
    return max(2, min(most, 1 + ceil(size / BYTES_A_WORKER)))
