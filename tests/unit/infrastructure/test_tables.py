"""The tables that the pipeline keeps of itself: where they are, how Athena finds their files, and who may read them."""

import datetime
import re
from typing import Any

from components.catalog.tables import LAST_MONTH
from contracts.compiler.tables import RESERVED_NAMES
from tests.unit.infrastructure.cloud import ROOT, Cloud
from tests.unit.infrastructure.test_program import DATASETS

PLACES = {
    "runs": ("artifacts", "runs/"),
    "quarantined_rows": ("quarantine", "rows/"),
    "quarantined_files": ("quarantine", "reasons/"),
}
# Words that Athena's SELECT does not take as a column's name without quotes (Athena guide, reserved keywords).
RESERVED = """ALTER AND AS BETWEEN BY CASE CAST CONSTRAINT CREATE CROSS CUBE CURRENT_CATALOG CURRENT_DATE CURRENT_PATH
CURRENT_SCHEMA CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DEALLOCATE DELETE DESCRIBE DISTINCT DROP ELSE END ESCAPE
EXCEPT EXECUTE EXISTS EXTRACT FALSE FIRST FOR FROM FULL GROUP GROUPING HAVING IN INNER INSERT INTERSECT INTO IS JOIN
JSON_ARRAY JSON_EXISTS JSON_OBJECT JSON_QUERY JSON_TABLE JSON_VALUE LAST LEFT LIKE LISTAGG LOCALTIME LOCALTIMESTAMP
NATURAL NORMALIZE NOT NULL ON OR ORDER OUTER PREPARE RECURSIVE RIGHT ROLLUP SELECT SKIP TABLE THEN TRIM TRUE UESCAPE
UNION UNNEST USING VALUES WHEN WHERE WITH""".lower().split()


def own_tables(cloud: Cloud) -> dict[str, dict[str, Any]]:
    return {table.inputs["name"]: table.inputs for table in cloud.of("glue.CatalogTable")}


def test_each_lies_in_a_folder_of_its_own_in_the_database_of_the_curated_tables(cloud: Cloud) -> None:
    (database,) = cloud.of("glue.CatalogDatabase")
    tables = own_tables(cloud)
    assert tables.keys() == PLACES.keys()
    for name, (zone, folder) in PLACES.items():
        bucket = cloud.one("s3.Bucket", f"data-pipeline-{zone}").outputs["bucket"]
        assert tables[name]["storageDescriptor"]["location"] == f"s3://{bucket}/{folder}"
        assert tables[name]["databaseName"] == database.outputs["name"]


def test_no_dataset_can_take_their_names(cloud: Cloud) -> None:
    assert set(RESERVED_NAMES) == {*own_tables(cloud), "index"}


def test_their_columns_need_no_quotes(cloud: Cloud) -> None:
    for name, table in own_tables(cloud).items():
        columns = [*table["storageDescriptor"]["columns"], *table.get("partitionKeys", [])]
        names = [column["name"] for column in columns]
        assert len(set(names)) == len(names), name
        assert [column for column in names if column in RESERVED or not re.fullmatch("[a-z_]+", column)] == []


def test_partitions_are_projected_for_every_dataset_and_up_to_this_month(cloud: Cloud) -> None:
    tables = own_tables(cloud)
    for name, keys in {"runs": ["dataset", "month"], "quarantined_rows": ["dataset"]}.items():
        parameters = tables[name]["parameters"]
        assert [key["name"] for key in tables[name]["partitionKeys"]] == keys
        assert {key["type"] for key in tables[name]["partitionKeys"]} == {"string"}
        assert parameters["projection.enabled"] == "true"
        assert parameters["projection.dataset.type"] == "enum"
        # Spaces would be part of a value.
        assert set(parameters["projection.dataset.values"].split(",")) == DATASETS
        # The default template is the Hive layout that the pipeline writes: s3://.../dataset=<d>/month=<m>
        assert "storage.location.template" not in parameters
    month = {key: value for key, value in tables["runs"]["parameters"].items() if ".month." in key}
    # Trino projects no date by MONTHS: an enumeration is what both engines read.
    assert month.keys() == {"projection.month.type", "projection.month.values"}
    assert month["projection.month.type"] == "enum"
    months = month["projection.month.values"].split(",")
    assert months[:2] == ["2024-01", "2024-02"]
    assert months[11:13] == ["2024-12", "2025-01"]
    assert len(months) == len(set(months)) == 12 * (int(months[-1][:4]) - 2023)
    assert not [key for key in tables["quarantined_files"]["parameters"] if key.startswith("projection")]


def test_months_are_projected_for_years_to_come() -> None:
    years_left = int(LAST_MONTH[:4]) - datetime.datetime.now(datetime.UTC).year
    assert years_left >= 2, "runs of a month that is not projected are in no query: move LAST_MONTH"


def test_every_partition_key_is_projected(cloud: Cloud) -> None:
    for table in own_tables(cloud).values():
        wanted = {f"projection.{key['name']}.type" for key in table.get("partitionKeys", [])}
        assert wanted == {key for key in table["parameters"] if re.fullmatch(r"projection\.\w+\.type", key)}


def test_json_is_read_by_the_library_that_athena_calls_deterministic(cloud: Cloud) -> None:
    libraries = {n: t["storageDescriptor"]["serDeInfo"]["serializationLibrary"] for n, t in own_tables(cloud).items()}
    assert libraries["runs"] == libraries["quarantined_files"] == "org.apache.hive.hcatalog.data.JsonSerDe"
    assert "ParquetHiveSerDe" in libraries["quarantined_rows"]


def test_the_query_function_may_list_and_read_every_folder(cloud: Cloud) -> None:
    policy = cloud.one("iam.RolePolicy", "data-pipeline-query-role-policy").json("policy")
    readable = [arn for s in policy["Statement"] if "s3:GetObject" in s["Action"] for arn in s["Resource"]]
    for table in own_tables(cloud).values():
        bucket, folder = table["storageDescriptor"]["location"].removeprefix("s3://").split("/", 1)
        assert f"arn:aws:s3:::{bucket}/{folder}*" in readable


def test_every_table_has_a_named_query(dev: Cloud) -> None:
    queries = "\n".join(file.read_text() for file in (ROOT / "queries").glob("*.sql"))
    assert [name for name in own_tables(dev) if not re.search(rf"^FROM {name}$", queries, re.M)] == []
