"""Where things are in S3, and how they are named. The only place that knows. Standard library only."""

import hashlib
from collections.abc import Mapping
from urllib.parse import quote, unquote

MAX_EXPANSION = 200
"""How many times its size the content of a packed file has at most. Text gzips to a 20th, zeros to a 1,000th."""


NO_PLACES: Mapping[str, str] = {}

CONTRACTS, BATCHES, RUNS, LINEAGE = "contracts/", "batches/", "runs/", "lineage/"
"""Prefixes in the artifacts bucket: compiled contracts, documents of batches, records of the table `runs`, and events
of OpenLineage."""

STAGING, TABLES = "staging/", "tables/"
"""Prefixes in the curated bucket: what batches have staged, and the published tables."""

ROWS, FILES, REASONS = "rows/", "files/", "reasons/"
"""Prefixes in the quarantine bucket: quarantined rows; quarantined files, and why each is one."""


def dataset_of(key: str, places: Mapping[str, str] = NO_PLACES) -> str | None:
    """Return the dataset that a raw key belongs to; None for a key in no folder.

    Args:
        key: of the object.
        places: datasets by the prefixes of their files. The longest decides; without one, the first folder does.
    """
    under = [prefix for prefix in places if key.startswith(prefix) and key != prefix]
    if under:
        return places[max(under, key=len)]
    dataset, slash, rest = key.partition("/")
    return dataset if slash and rest and dataset else None


def ignored_because(key: str, size: int) -> str | None:
    """Return why an object is no file that anybody delivered, as `code: what`; None if it may be one.

    Such are the markers and unfinished files that tools leave beside their files: Spark and Hive read over names that
    begin with `_` or `.`, Hadoop writes checksums as `.crc`, and makes a folder of an empty object.
    """
    if key.endswith("/") and size == 0:
        return "folder: an empty object that stands for a folder"
    segments = key.split("/")
    hidden = next((name for name in segments if name[:1] in ("_", ".") and name not in (".", "..")), None)
    if hidden is not None:
        return f"hidden: {hidden!r} begins with {hidden[0]!r}"
    if segments[-1].endswith("_$folder$"):
        return "folder: Hadoop's marker of a folder"
    if segments[-1].lower().endswith(".crc"):
        return "checksum: the name ends in .crc"
    return None


def uri(bucket: str, key: str) -> str:
    """Write `s3://bucket/key`."""
    return f"s3://{bucket}/{key}"


def split_uri(location: str) -> tuple[str, str]:
    """Split `s3://bucket/key` into bucket and key.

    Raises:
        ValueError: it is not an S3 address.
    """
    scheme, _, rest = location.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise ValueError(f"not an S3 address: {location!r}; expected s3://bucket/key")
    return bucket, key


def contract_key(dataset: str) -> str:
    """Key of a dataset's compiled contract in the artifacts bucket."""
    return f"{CONTRACTS}{dataset}.json"


CONTRACT_INDEX_KEY = f"{CONTRACTS}index.json"


def batch_key(dataset: str, batch_id: str, name: str) -> str:
    """Key of a batch's document (`candidates`, `contract`, `manifest`, `report-N`) in the artifacts bucket."""
    return f"{BATCHES}{dataset}/{batch_id}/{name}.json"


def staging_prefix(dataset: str, batch_id: str) -> str:
    """Prefix in the curated bucket to which the job of one batch writes."""
    return f"{STAGING}{dataset}/{batch_id}/"


def table_prefix(dataset: str) -> str:
    """Prefix of the published table in the curated bucket."""
    return f"{TABLES}{dataset}/"


def partition_path(values: dict[str, str]) -> str:
    """Hive-style path of a partition, `year=2013/month=1/`; empty for an unpartitioned table."""
    return "".join(f"{name}={quote(value, safe='')}/" for name, value in values.items())


def partition_values(path: str) -> dict[str, str]:
    """The values of a partition by its Hive-style path; what `partition_path` writes."""
    found = (part.partition("=") for part in path.split("/") if "=" in part)
    return {name: unquote(value) for name, _, value in found}


def published_key(dataset: str, values: dict[str, str], batch_id: str, number: int) -> str:
    """Key of a published file: derived from the batch, so that a repeated publish writes the same objects."""
    return f"{table_prefix(dataset)}{partition_path(values)}{batch_id}-{number:05d}.parquet"


LIVE_FILES = "metadata/live-files.json"
"""Below an Iceberg table's folder: the list of its live files (`pipeline_core.live_files`)."""


def data_file_key(dataset: str, partition: str, batch_id: str, report: str, number: int) -> str:
    """Key of a data file of an Iceberg table, in a partition's folder; `report` is the name of the batch's report.

    A batch that was staged again writes others: a late repetition of the earlier publish cannot overwrite them.
    """
    return f"{table_prefix(dataset)}data/{partition}{batch_id}-{report}-{number:05d}.parquet"


def quarantined_rows_key(dataset: str, batch_id: str, number: int) -> str:
    """Key of a file of quarantined rows in the quarantine bucket. It has rows of one source file only."""
    return f"{ROWS}dataset={dataset}/{batch_id}-{number:05d}.parquet"


def quarantined_file_keys(bucket: str, key: str, version: str) -> tuple[str, str]:
    """Keys of a file that is in quarantine as a whole: its content, and the document with the reason.

    A hash, because a raw key may already have the 1,024 bytes that S3 allows.
    """
    name = hashlib.sha256(f"{bucket}/{key}/{version}".encode()).hexdigest()[:32]
    return f"{FILES}{name}", f"{REASONS}{name}.json"


def run_key(dataset: str, batch_id: str, created_at: str) -> str:
    """Key of a batch's record in the table of runs; `created_at` in ISO 8601."""
    return f"{RUNS}dataset={dataset}/month={created_at[:7]}/{batch_id}.json"


LINEAGE_FACET_KEY = f"{LINEAGE}schemas/1-0-0/DataPipelineBatchRunFacet.json"
"""Key of the JSON Schema of the pipeline's own facet; a facet of another shape is another version, at another key."""


def lineage_key(dataset: str, batch_id: str, created_at: str, moment: str) -> str:
    """Key of an event of OpenLineage about a batch; `moment` is `start` or `end`, `created_at` in ISO 8601."""
    return f"{LINEAGE}events/dataset={dataset}/date={created_at[:10]}/{batch_id}-{moment}.json"


def execution_arn(state_machine_arn: str, name: str) -> str:
    """ARN of the execution of that name; a batch's execution has its id for a name."""
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def source_of(key: str, version: str) -> str:
    """How the tables name the file that a row came from."""
    return f"{key}?versionId={version}"
