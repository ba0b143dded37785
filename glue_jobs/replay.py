"""Reads files of earlier batches again: their quarantined rows only, or in the place of their published rows."""

from dataclasses import dataclass, field

from pipeline_core.contract import Contract
from pipeline_core.manifest import Manifest
from pipeline_core.report import ReplacedFile
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from glue_jobs.frames import small_frame
from glue_jobs.reading import Batch
from glue_jobs.table import exists, read_table, sources


@dataclass(frozen=True)
class Replaced:
    """Published rows that the batch takes out of the table: by source file, and by published file."""

    rows: dict[str, int] = field(default_factory=dict)
    files: tuple[ReplacedFile, ...] = ()


def only_quarantined(spark: SparkSession, batch: Batch, manifest: Manifest) -> Batch:
    """Leave the records of a batch that are in quarantine now, found by their line.

    The number of rows read is that of the quarantine: a record that is not found again fails the audit.
    """
    lines = _quarantined_lines(spark, manifest)
    rows = {row["_file"]: row["count"] for row in lines.groupBy("_file").count().collect()}
    return Batch(batch.records.join(lines, ["_file", "_line"], "left_semi"), rows, batch.problems)


def _quarantined_lines(spark: SparkSession, manifest: Manifest) -> DataFrame:
    names = ({"_file": position, "source_file": name} for position, name in enumerate(sources(manifest)))
    positions = small_frame(spark, names, "_file: int, source_file: string")
    paths = [address for file in manifest.files for address in file.quarantined]
    rows = spark.read.schema("source_file string, line bigint").parquet(*paths)
    return (
        rows.join(F.broadcast(positions), "source_file")
        .select("_file", F.col("line").alias("_line"))
        .distinct()
        .cache()
    )


def stage_kept(spark: SparkSession, manifest: Manifest, contract: Contract, location: str) -> Replaced:
    """Write what stays of the published files that hold rows of this batch's files.

    Each is written to `location` as one file, which takes the published one's place: rows of other files stay as
    they are.
    """
    published = [address for address in manifest.replaces if exists(spark, address)]
    if not published:
        return Replaced()
    addresses = small_frame(
        spark,
        ({"_object": place, "_path": _without_scheme(address)} for place, address in enumerate(published)),
        "_object: int, _path: string",
    )
    path = F.regexp_replace("_address", "^[a-z0-9]+:/+", "")
    rows = read_table(spark, published, manifest, contract)
    # An outer join: a file whose path is not recognised must be seen, not lost.
    marked = (
        rows.select("*", path.alias("_path"))
        .join(F.broadcast(addresses), "_path", "left")
        .withColumn("_goes", F.col("_source_file").isin(sources(manifest)))
    )
    counts = marked.groupBy("_object", "_path", "_goes", "_source_file").count().collect()
    unknown = sorted({row["_path"] for row in counts if row["_object"] is None})
    if unknown:
        raise RuntimeError(f"published files were read that the manifest does not name: {unknown[:5]}")
    goes: dict[str, int] = {}
    before: dict[int, int] = {}
    kept: dict[int, int] = {}
    for row in counts:
        before[row["_object"]] = before.get(row["_object"], 0) + row["count"]
        if row["_goes"]:
            goes[row["_source_file"]] = goes.get(row["_source_file"], 0) + row["count"]
        else:
            kept[row["_object"]] = kept.get(row["_object"], 0) + row["count"]
    touched = sorted({row["_object"] for row in counts if row["_goes"]})
    stays = marked.where(F.col("_object").isin(touched) & ~F.col("_goes"))
    staged = _write_kept(stays, location, contract) if any(place in kept for place in touched) else {}
    files = tuple(
        ReplacedFile(
            key=_key(published[place]),
            partition=_partition(published[place], contract),
            uri=staged.get(place, ("", 0))[0],
            rows_before=before[place],
            rows_kept=staged.get(place, ("", 0))[1],
        )
        for place in touched
    )
    wrong = [file.key for place, file in zip(touched, files, strict=True) if file.rows_kept != kept.get(place, 0)]
    if wrong:
        raise RuntimeError(f"what stays of published files was not written whole: {wrong[:5]}")
    return Replaced(goes, files)


def _write_kept(rows: DataFrame, location: str, contract: Contract) -> dict[int, tuple[str, int]]:
    """Write rows, one file for each `_object`; return address and rows of every file that was written."""
    spark = rows.sparkSession
    data = [column.name for column in contract.columns if column.name not in contract.partition_by]
    chosen = rows.select(*data, "_source_file", "_batch_id", "_object").repartition("_object")
    chosen.write.partitionBy("_object").parquet(location)
    written: dict[int, tuple[str, int]] = {}
    frame = spark.read.schema("_batch_id string, _object int").parquet(location)
    for row in frame.groupBy("_object", F.col("_metadata.file_path").alias("path")).count().collect():
        if row["_object"] in written:
            raise RuntimeError(f"object {row['_object']} of {location} was written in more than one file")
        name = row["path"].rsplit("/", 1)[1]
        written[row["_object"]] = (f"{location}_object={row['_object']}/{name}", row["count"])
    return written


def _without_scheme(address: str) -> str:
    """The path of an address, without `s3://` or `file:///`."""
    return address.partition("://")[2].lstrip("/")


def _key(address: str) -> str:
    return address.partition("://")[2].partition("/")[2]


def _partition(address: str, contract: Contract) -> dict[str, str]:
    folders = dict(part.split("=", 1) for part in address.split("/") if "=" in part)
    return {name: folders[name] for name in contract.partition_by}
