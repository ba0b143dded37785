"""What OpenLineage's specification asks of an event, written down from it: not from the pipeline, nor the client.

Of the specification 2-0-2 (https://openlineage.io/spec/2-0-2/OpenLineage.json) and of the facets below, each
at the version that is named (read in November 2026): which fields there are, which must be there, and their types. A
facet that is not here is refused, so that nobody sends one that no test knows.
"""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema

OWN_SCHEMA = Path(__file__).parents[1] / "schemas" / "openlineage" / "1-0-0" / "DataPipelineBatchRunFacet.json"
OWN = "dataPipeline_batch"

TEXT, COUNT, FLAG = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "boolean"}
URI = {"type": "string", "pattern": r"^[a-z][a-z0-9+.-]*:[^\s]+$"}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}
RUN_ID = {"type": "string", "pattern": r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}


def rows_of(**fields: Any) -> dict[str, Any]:
    """An array of objects."""
    return {"type": "array", "items": record(**fields)}


def record(*, optional: dict[str, Any] | None = None, **required: Any) -> dict[str, Any]:
    """An object that has all of some fields, and may have others."""
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


TRANSFORMATIONS = rows_of(
    type={"enum": ["DIRECT", "INDIRECT"]}, optional={"subtype": TEXT, "description": TEXT, "masking": FLAG}
)
INPUT_FIELDS = rows_of(namespace=TEXT, name=TEXT, field=TEXT, optional={"transformations": TRANSFORMATIONS})
STATISTICS = {"rowCount": COUNT, "size": COUNT, "fileCount": COUNT}

FACETS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    # By its key: what it is a facet of, its version and name, the fields that must be there, and those that may.
    "errorMessage": (
        "run",
        "1-0-1/ErrorMessageRunFacet",
        {"message": TEXT, "programmingLanguage": TEXT},
        {"stackTrace": TEXT},
    ),
    "processing_engine": (
        "run",
        "1-1-1/ProcessingEngineRunFacet",
        {"version": TEXT},
        {"name": TEXT, "openlineageAdapterVersion": TEXT},
    ),
    "jobType": ("job", "2-0-4/JobTypeJobFacet", {"processingType": TEXT, "integration": TEXT}, {"jobType": TEXT}),
    "schema": (
        "dataset",
        "1-2-0/SchemaDatasetFacet",
        {},
        {"fields": rows_of(name=TEXT, optional={"type": TEXT, "description": TEXT, "ordinal_position": COUNT})},
    ),
    "columnLineage": (
        "dataset",
        "1-2-0/ColumnLineageDatasetFacet",
        {"fields": {"type": "object", "additionalProperties": record(inputFields=INPUT_FIELDS)}},
        {"dataset": INPUT_FIELDS},
    ),
    "symlinks": (
        "dataset",
        "1-0-1/SymlinksDatasetFacet",
        {},
        {"identifiers": rows_of(namespace=TEXT, name=TEXT, type=TEXT)},
    ),
    "storage": (
        "dataset",
        "1-0-1/StorageDatasetFacet",
        {"storageLayer": {"enum": ["iceberg", "delta"]}},
        {"fileFormat": {"enum": ["parquet", "orc", "avro", "json", "csv", "text", "xml"]}},
    ),
    "catalog": (
        "dataset",
        "1-1-0/CatalogDatasetFacet",
        {"framework": TEXT, "type": TEXT, "name": TEXT},
        {"metadataUri": TEXT, "warehouseUri": TEXT, "source": TEXT},
    ),
    "version": ("dataset", "1-0-1/DatasetVersionDatasetFacet", {"datasetVersion": TEXT}, {}),
    "inputStatistics": ("input", "1-0-0/InputStatisticsInputDatasetFacet", {}, STATISTICS),
    "outputStatistics": ("output", "1-0-2/OutputStatisticsOutputDatasetFacet", {}, STATISTICS),
    "dataQualityAssertions": (
        "input",
        "1-1-0/DataQualityAssertionsDatasetFacet",
        {
            "assertions": rows_of(
                assertion=TEXT,
                success=FLAG,
                optional={
                    **dict.fromkeys(("column", "severity", "name", "description", "expected", "actual"), TEXT),
                    "content": TEXT,
                    "contentType": TEXT,
                    "params": {"type": "object"},
                },
            )
        },
        {},
    ),
}


def facets(kind: str) -> dict[str, Any]:
    """The facets of one kind of thing."""
    known = {}
    for key, (of, name, required, optional) in FACETS.items():
        if of == kind:
            address = f"https://openlineage.io/spec/facets/{name}.json#/$defs/{name.partition('/')[2]}"
            known[key] = record(_producer=URI, _schemaURL={"const": address}, **required, optional=optional)
    if kind == "run":
        known[OWN] = json.loads(OWN_SCHEMA.read_text())["$defs"]["DataPipelineBatchRunFacet"]
    return {"type": "object", "properties": known, "additionalProperties": False}


def datasets(kind: str) -> dict[str, Any]:
    """The inputs or outputs of a run."""
    of_kind = {"facets": facets("dataset"), f"{kind}Facets": facets(kind)}
    return rows_of(namespace=TEXT, name={"type": "string", "minLength": 1}, optional=of_kind)


EVENT = record(
    eventType={"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
    eventTime=TIME,
    producer=URI,
    schemaURL={"const": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"},
    run=record(runId=RUN_ID, optional={"facets": facets("run")}),
    job=record(namespace=TEXT, name={"type": "string", "minLength": 1}, optional={"facets": facets("job")}),
    optional={"inputs": datasets("input"), "outputs": datasets("output")},
)


def check(event: Any) -> None:
    """Hold an event against the specification, and what it says against itself."""
    jsonschema.validate(event, EVENT)
    own = event["run"].get("facets", {}).get(OWN)
    if own is not None:
        assert re.fullmatch(r"s3://[^/]+/lineage/schemas/1-0-0/(\w+)\.json#/\$defs/\1", own["_schemaURL"])
    fields = {(each["namespace"], each["name"]): columns(each) for each in event["inputs"]}
    for output in event["outputs"]:
        lineage = output["facets"].get("columnLineage")
        if lineage is None:
            continue
        assert set(lineage["fields"]) <= set(columns(output)), "lineage of a column that the table has not"
        named = [field for each in lineage["fields"].values() for field in each["inputFields"]]
        for field in [*named, *lineage.get("dataset", [])]:
            assert field["field"] in fields[field["namespace"], field["name"]], "lineage of a column that no input has"


def columns(dataset: dict[str, Any]) -> list[str]:
    """The columns of a dataset, by its schema."""
    return [field["name"] for field in dataset.get("facets", {}).get("schema", {}).get("fields", [])]
