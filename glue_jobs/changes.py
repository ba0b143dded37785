"""Decides the fate of every record of a table that changes: the last of a key stays, or each file is the whole table.

The same as the record engine does by itself (docs/semantics.md, section 12), by joins and windows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline_core.contract import SNAPSHOT, SOURCE, Contract
from pipeline_core.live_files import LiveFiles
from pipeline_core.manifest import ROWS, Manifest
from pipeline_core.report import ReplacedFile
from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from record_engine import (
    FilesByKey,
    PublishedFile,
    files_that_count,
    listed,
    names_of,
    order_columns,
    sources,
    tombstone_schema,
)

from glue_jobs.deduplicate import CURATED, DELETED, DUPLICATE, QUARANTINED, SUPERSEDED, UNCHANGED, UPDATED
from glue_jobs.live import read_files
from glue_jobs.reading import Batch
from glue_jobs.replay import Changes, rewrite
from glue_jobs.staging import with_file


@dataclass(frozen=True, kw_only=True)
class Task:
    """A batch that changes a table. `location` is where this run writes, `now` its time."""

    spark: SparkSession
    batch: Batch
    manifest: Manifest
    contract: Contract
    live: LiveFiles
    location: str
    now: datetime

    @property
    def valid(self) -> Column:
        """Whether a record is valid."""
        return F.size("_reasons") == 0

    @property
    def key(self) -> list[str]:
        """The columns of the key."""
        return list(self.contract.key)

    def values(self) -> Column:
        """All columns of the contract, to be compared with others at once; nulls are equal to each other."""
        return F.struct(*[F.col(f"`{column.name}`") for column in self.contract.columns])

    def first_of_key(self, competes: Column, order: Sequence[Column]) -> DataFrame:
        """The records with `_first`: whether one of those that compete is the first of its key."""
        alone = F.when(~competes, F.concat_ws(":", "_file", "_line"))
        window = Window.partitionBy(*self.key, alone).orderBy(*order)
        named = with_file(self.batch.records, self.manifest, self.contract)
        return named.withColumn("_first", competes & (F.row_number().over(window) == 1)).persist(
            StorageLevel.MEMORY_AND_DISK
        )

    def in_table(self, records: DataFrame, rows: DataFrame | None, **found: Column) -> DataFrame:
        """Say of the first records' keys that the table has, how often it does, and what was found out about its rows.

        Args:
            records: with `_first`.
            rows: of the table; None if there are none.
            found: conditions on `_mine`, a record, and `_theirs`, a row with its key (both have `order`, `values` and
                the source); the column of that name says whether any row satisfies it.
        """
        there = {*self.contract.stored_columns, *self.contract.own_columns}
        order = F.struct(*[name for name in order_columns(self.contract) if name in there])
        compared = F.struct(order.alias("order"), self.values().alias("values"), SOURCE)
        mine = records.where("_first").select(*self.key, compared.alias("_mine"))
        if rows is None:
            none = [F.lit(0).alias("_there"), *(F.lit(False).alias(name) for name in found)]
            return mine.select(*self.key, *none).where(F.lit(False))
        # What is compared with rows of the same file only is not moved about for all others.
        own = F.col(SOURCE).isin(sources(self.manifest)) | F.lit(self.contract.write_mode == SNAPSHOT)
        read = F.struct(order.alias("order"), F.when(own, self.values()).alias("values"), SOURCE)
        theirs = rows.select(*self.key, read.alias("_theirs"))
        flags = [F.max(condition).alias(name) for name, condition in found.items()]
        return theirs.join(mine, self.key).groupBy(*self.key).agg(F.count("*").cast("int").alias("_there"), *flags)

    def replaced(
        self, rows: DataFrame | None, files: Sequence[PublishedFile], goes: DataFrame, *, listed: bool
    ) -> tuple[ReplacedFile, ...]:
        """Write the files again of which rows go: those whose keys are listed, or those whose keys are not."""
        if rows is None:
            return ()
        marked = rows.join(goes.select(*self.key, F.lit(True).alias("_listed")), self.key, "left")
        is_listed = F.coalesce("_listed", F.lit(False))
        return rewrite(
            marked.withColumn("_goes", is_listed if listed else ~is_listed),
            files,
            self.contract,
            f"{self.location}kept/",
        )


def removed_by(decided: DataFrame, fates: Sequence[str]) -> dict[int, int]:
    """How many rows of the table the records of some fates take out, by the position of their file."""
    found = decided.where(F.col("_fate").isin(*fates)).groupBy("_file").agg(F.sum("_there").alias("rows")).collect()
    return {row["_file"]: row["rows"] for row in found if row["rows"]}


def keep_latest(task: Task) -> tuple[DataFrame, Changes]:
    """Decide where the last row of a key stays; the records have `_fate`."""
    contract = task.contract
    order = [F.col(f"`{name}`").desc_nulls_last() for name in order_columns(contract)]
    records = task.first_of_key(task.valid, [*order, F.col("_line").desc()])
    folders = records.where("_first").select("_folder").distinct().collect()
    files = listed(FilesByKey(task.live, contract).of(row["_folder"] for row in folders), task.manifest)
    rows = read_files(task.spark, files, contract) if files else None
    mine, theirs = F.col("_mine"), F.col("_theirs")
    there = task.in_table(
        records,
        rows,
        _newer=theirs["order"] > mine["order"],
        _same=F.coalesce((theirs[SOURCE] == mine[SOURCE]) & (theirs["values"] == mine["values"]), F.lit(False)),
    )
    tombstones = _tombstones(task)
    known = records.join(there, task.key, "left").join(_dead(task, records, tombstones), task.key, "left")

    def flag(name: str) -> Column:
        return F.coalesce(name, F.lit(False))

    is_delete = F.lit(False)
    if contract.operation:
        operation = F.col(f"`{contract.operation}`").cast("string")
        is_delete = F.coalesce(operation.isin(*contract.delete_codes), F.lit(False))
    fate = (
        F.when(~task.valid, QUARANTINED)
        .when(~F.col("_first") | flag("_newer") | flag("_dead"), SUPERSEDED)
        .when(is_delete, DELETED)
        .when(flag("_same"), UNCHANGED)
        .when(F.coalesce("_there", F.lit(0)) > 0, UPDATED)
        .otherwise(CURATED)
    )
    decided = (
        known.withColumn("_fate", fate).withColumn("_repeated", flag("_repeated")).persist(StorageLevel.MEMORY_AND_DISK)
    )
    gone = decided.where(F.col("_fate").isin(DELETED, UPDATED) & (F.col("_there") > 0))
    changes = Changes(
        files=task.replaced(rows, files, gone, listed=True),
        removed=removed_by(decided, (DELETED, UPDATED)),
        tombstones=_write_tombstones(task, tombstones, decided),
    )
    return decided.select(*task.batch.records.columns, "_fate"), changes


def _tombstones(task: Task) -> DataFrame:
    schema = from_arrow_schema(tombstone_schema(task.contract))
    if not task.live.tombstones:
        return task.spark.createDataFrame([], schema)
    found = task.spark.read.parquet(task.manifest.table + task.live.tombstones)
    rows = found.select(
        *[_named(found, field.name, task.contract).cast(field.dataType).alias(field.name) for field in schema]
    )
    forgotten = task.now - timedelta(days=task.contract.tombstone_days)
    return rows.where(F.col("_deleted_at") >= F.lit(forgotten.isoformat()).cast("timestamp"))


def _named(found: DataFrame, name: str, contract: Contract) -> Column:
    """A column of the deleted keys, which may have been renamed since they were written."""
    names = [name] if name.startswith("_") else names_of(name, contract)
    return F.col(f"`{next(one for one in names if one in found.columns)}`")


def _dead(task: Task, records: DataFrame, tombstones: DataFrame) -> DataFrame:
    """Which of the first records' keys are deleted: by a later row (`_dead`), or by this very one (`_repeated`)."""
    order = F.struct(*order_columns(task.contract), "_line")
    mine = records.where("_first").select(*task.key, order.alias("_mine"))
    return (
        tombstones.select(*task.key, order.alias("_theirs"))
        .join(mine, task.key)
        .select(
            *task.key,
            (F.col("_theirs") > F.col("_mine")).alias("_dead"),
            (F.col("_theirs") == F.col("_mine")).alias("_repeated"),
        )
    )


def _write_tombstones(task: Task, tombstones: DataFrame, decided: DataFrame) -> str:
    """Write the whole set of deleted keys, if it changes; returns its address."""
    spark = task.spark
    repeats = F.col("_repeated") & (F.col("_fate") == DELETED)
    won = decided.where(F.col("_fate").isin(CURATED, UPDATED, UNCHANGED, DELETED) & ~repeats)
    names = [name for name in tombstones.columns if name != "_deleted_at"]
    new = won.where(F.col("_fate") == DELETED).select(
        *names, F.lit(task.now.isoformat()).cast("timestamp").alias("_deleted_at")
    )
    ended = tombstones.join(won.select(*task.key), task.key, "left_semi")
    if new.isEmpty() and ended.isEmpty():
        return ""
    left = tombstones.join(won.select(*task.key), task.key, "left_anti").select(*tombstones.columns)
    location = f"{task.location}tombstones/"
    left.unionByName(new).coalesce(1).write.parquet(location)
    [file] = spark.read.schema(left.schema).parquet(location).inputFiles()
    return location + file.rsplit("/", 1)[1]


def take_snapshot(task: Task) -> tuple[DataFrame, Changes]:
    """Decide where each file is the whole table; the records have `_fate`."""
    counting = files_that_count(task.manifest, task.live, lambda position: position in task.batch.problems)
    counts = task.valid & F.col("_file").isin(*counting) if counting else F.lit(False)
    records = task.first_of_key(counts, [F.col("_file"), F.col("_line")])
    files = listed(task.live.files, task.manifest) if counting else []
    rows = read_files(task.spark, files, task.contract) if files else None
    there = task.in_table(records, rows, _same=F.col("_theirs")["values"] == F.col("_mine")["values"])
    known = records.join(there, task.key, "left").withColumn("_there", F.coalesce("_there", F.lit(0)))
    # A key that the table has more than once, as an adopted one may, is written anew.
    stays = (F.col("_there") == 1) & F.coalesce("_same", F.lit(False))
    fate = (
        F.when(~task.valid, QUARANTINED)
        .when(~counts, SUPERSEDED)
        .when(~F.col("_first"), DUPLICATE)
        .when(stays, UNCHANGED)
        .when(F.col("_there") > 0, UPDATED)
        .otherwise(CURATED)
    )
    decided = known.withColumn("_fate", fate).persist(StorageLevel.MEMORY_AND_DISK)
    chosen = decided.select(*task.batch.records.columns, "_fate")
    landed_at = task.live.landed_at
    if not counting or task.manifest.purpose == ROWS:
        replaced = task.replaced(rows, files, decided.where(F.col("_fate") == UPDATED), listed=True)
        return chosen, Changes(files=replaced, removed=removed_by(decided, (UPDATED,)), landed_at=landed_at)
    [position] = counting
    replaced = task.replaced(rows, files, decided.where(F.col("_fate") == UNCHANGED), listed=False)
    taken = sum(file.rows_before - file.rows_kept for file in replaced)
    landed_at = task.manifest.files[position].landed_at
    return chosen, Changes(files=replaced, removed={position: taken}, landed_at=landed_at)
