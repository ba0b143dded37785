"""Decides the fate of every record: curated, quarantined or duplicate. See docs/semantics.md."""

from pipeline_core.contract import Contract
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

CURATED, QUARANTINED, DUPLICATE = "curated", "quarantined", "duplicate"


def decide(checked: DataFrame, published_keys: DataFrame | None, contract: Contract) -> DataFrame:
    """Add `_fate`: of the valid records with one key the first is curated, unless the table has the key.

    Args:
        checked: records with `_file`, `_line`, `_reasons` and typed columns.
        published_keys: distinct primary keys of the published rows; None where nothing is published.
        contract: says what the key is; without one, every valid record is curated.
    """
    keys = list(contract.key)
    valid = F.size("_reasons") == 0
    if not keys:
        return checked.withColumn("_fate", F.when(valid, CURATED).otherwise(QUARANTINED))
    # Invalid records compete with nobody: each is alone in its window.
    alone = F.when(~valid, F.concat_ws(":", "_file", "_line"))
    order = Window.partitionBy(*keys, alone).orderBy("_file", "_line")
    ranked = checked.withColumn("_rank", F.row_number().over(order))
    if published_keys is None:
        ranked = ranked.withColumn("_published", F.lit(False))
    else:
        marked = published_keys.select(*keys).distinct().withColumn("_published", F.lit(True))
        ranked = ranked.join(marked, keys, "left")
    duplicate = (F.col("_rank") > 1) | F.coalesce(F.col("_published"), F.lit(False))
    fate = F.when(~valid, QUARANTINED).when(duplicate, DUPLICATE).otherwise(CURATED)
    return ranked.withColumn("_fate", fate).select(*checked.columns, "_fate")
