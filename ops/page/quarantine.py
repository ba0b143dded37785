"""What is in quarantine, read from S3: files with their reasons, and some of the rows of a batch."""

import importlib.util
import io
from typing import Any

from pipeline_core import clients
from pipeline_core.documents import read
from pipeline_core.fields import Fields
from pipeline_core.layout import REASONS, quarantined_rows_key

from ops.page.facts import Example, RefusedFile, Run
from ops.page.lineage import document

FILES = 30
"""So many files in quarantine are shown, the latest of them."""
LOOKED_AT = 10_000
"""Their names are hashes: the latest are found among so many, ten requests."""

OBJECTS = 3
ROWS = 50
"""So many files of quarantined rows, and rows of each, are looked at for examples."""

HAS_PARQUET = importlib.util.find_spec("pyarrow") is not None
"""Quarantined rows are Parquet files. The installed command brings no reader of them; a clone has one."""


def refused_files(bucket: str) -> tuple[tuple[RefusedFile, ...], bool]:
    """The files that were put in quarantine last, the latest first, and whether there are more."""
    found: list[tuple[Any, str]] = []
    is_cut = False
    for page in clients.s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=REASONS):
        found += [(item["LastModified"], item["Key"]) for item in page.get("Contents", [])]
        if len(found) >= LOOKED_AT:
            is_cut = bool(page.get("IsTruncated"))
            break
    found.sort(reverse=True)
    files = []
    for _, key in found[:FILES]:
        text = read(bucket, key)
        # A replay that came in between has taken it out.
        if text is not None:
            item = Fields.from_json(text, f"s3://{bucket}/{key}")
            names = ("dataset", "key", "version", "reason", "quarantined_at")
            files.append(RefusedFile(**{name: item.text(name, "") for name in names}, size=item.integer("size", 0)))
    return tuple(files), is_cut or len(found) > FILES


def examples(run: Run, bucket: str) -> tuple[Example, ...]:
    """Some of the rows that a batch has refused; none where nothing is installed that reads Parquet."""
    if not HAS_PARQUET or not run.rows.get("quarantined"):
        return ()
    prefix = quarantined_rows_key(run.dataset, run.batch_id, 0).removesuffix("00000.parquet")
    answer = clients.s3().list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=OBJECTS)
    found: list[Example] = []
    for item in answer.get("Contents", []):
        content = document(bucket, item["Key"])
        if content is not None:
            found += _rows(content)
    return tuple(found)


def _rows(content: bytes) -> list[Example]:
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(io.BytesIO(content))
    columns = ["source_file", "line", "raw_record", "reasons"]
    for batch in file.iter_batches(batch_size=ROWS, columns=columns):
        return [
            Example(
                source=str(row["source_file"]),
                line=int(row["line"] or 0),
                record=str(row["raw_record"] if row["raw_record"] is not None else ""),
                reasons=tuple(row["reasons"] or ()),
            )
            for row in batch.to_pylist()
        ]
    return []
