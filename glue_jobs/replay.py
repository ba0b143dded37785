"""Reads files of earlier batches again: their quarantined rows only, or in the place of their published rows."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline_core.contract import Contract
from pipeline_core.live_files import LiveFiles
from pipeline_core.manifest import Manifest
from pipeline_core.report import ReplacedFile
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from record_engine import PublishedFile, files_beside, in_folder, listed, sources

from glue_jobs.frames import order_of, small_frame
from glue_jobs.live import read_files
from glue_jobs.reading import Batch
from glue_jobs.table import exists, read_table, without_scheme


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What a batch comes to, beside its staged rows: see `Report`. `replaced_rows` are by source file, `removed` by
    position."""

    files: tuple[ReplacedFile, ...] = ()
    replaced_rows: dict[str, int] = field(default_factory=dict)
    removed: dict[int, int] = field(default_factory=dict)
    tombstones: str = ""
    landed_at: str = ""


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


def stage_kept(spark: SparkSession, manifest: Manifest, contract: Contract, live: LiveFiles, location: str) -> Changes:
    """Write what stays of the published files that hold rows of this batch's files.

    Each is written to `location` as one file, which takes the published one's place: rows of other files stay as
    they are.
    """
    files = _files_to_look_at(spark, manifest, contract, live)
    if not files:
        return Changes()
    own = F.col("_source_file").isin(sources(manifest))
    rows = _rows_of(spark, files, manifest, contract).withColumn("_goes", F.coalesce(own, F.lit(False)))
    goes = {row["_source_file"]: row["count"] for row in rows.where("_goes").groupBy("_source_file").count().collect()}
    return Changes(replaced_rows=goes, files=rewrite(rows, files, contract, location))


def _files_to_look_at(
    spark: SparkSession, manifest: Manifest, contract: Contract, live: LiveFiles
) -> list[PublishedFile]:
    if contract.is_iceberg:
        return listed(files_beside(live, manifest), manifest)
    return [in_folder(address, contract) for address in manifest.replaces if exists(spark, address)]


def _rows_of(spark: SparkSession, files: Sequence[PublishedFile], manifest: Manifest, contract: Contract) -> DataFrame:
    """The rows of published files; `_object` says which of them each is of."""
    if contract.is_iceberg:
        return read_files(spark, files, contract)
    addresses = small_frame(
        spark,
        ({"_object": place, "_path": without_scheme(file.address)} for place, file in enumerate(files)),
        "_object: int, _path: string",
    )
    path = F.regexp_replace("_address", "^[a-z0-9]+:/+", "")
    rows = read_table(spark, [file.address for file in files], manifest, contract)
    # An outer join: a file whose path is not recognised must be seen, not lost.
    return rows.select("*", path.alias("_path")).join(F.broadcast(addresses), "_path", "left")


def rewrite(
    rows: DataFrame, files: Sequence[PublishedFile], contract: Contract, location: str
) -> tuple[ReplacedFile, ...]:
    """Write what stays of the published files of which rows go; each file that goes on to be is one file.

    Args:
        rows: of the files, with `_object`, the place of each one's file, and `_goes`.
        files: those that the rows are of.
        contract: what the table is.
        location: where to write.
    """
    before: Counter[int] = Counter()
    kept: Counter[int] = Counter()
    for row in rows.groupBy("_object", "_goes").count().collect():
        if row["_object"] is None:
            raise RuntimeError(f"published files were read that the manifest does not name: {row['count']} rows")
        before[row["_object"]] += row["count"]
        kept[row["_object"]] += 0 if row["_goes"] else row["count"]
    touched = sorted(place for place in before if kept[place] < before[place])
    stays = rows.where(F.col("_object").isin(touched) & ~F.col("_goes"))
    staged = _write_kept(stays, location, contract) if any(kept[place] for place in touched) else {}
    found = tuple(
        ReplacedFile(
            key=files[place].key,
            partition=files[place].partition,
            uri=staged.get(place, ("", 0))[0],
            rows_before=before[place],
            rows_kept=staged.get(place, ("", 0))[1],
        )
        for place in touched
    )
    wrong = [file.key for place, file in zip(touched, found, strict=True) if file.rows_kept != kept[place]]
    if wrong:
        raise RuntimeError(f"what stays of published files was not written whole: {wrong[:5]}")
    return found


def _write_kept(rows: DataFrame, location: str, contract: Contract) -> dict[int, tuple[str, int]]:
    """Write rows, one file for each `_object`; return address and rows of every file that was written."""
    spark = rows.sparkSession
    chosen = rows.select(*contract.stored_columns, *contract.own_columns, "_object").repartition("_object")
    if contract.is_iceberg and contract.sorted_by:
        chosen = chosen.sortWithinPartitions("_object", *order_of(contract))
    chosen.write.partitionBy("_object").parquet(location)
    written: dict[int, tuple[str, int]] = {}
    frame = spark.read.schema("_batch_id string, _object int").parquet(location)
    for row in frame.groupBy("_object", F.col("_metadata.file_path").alias("path")).count().collect():
        if row["_object"] in written:
            raise RuntimeError(f"object {row['_object']} of {location} was written in more than one file")
        name = row["path"].rsplit("/", 1)[1]
        written[row["_object"]] = (f"{location}_object={row['_object']}/{name}", row["count"])
    return written
