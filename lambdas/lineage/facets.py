"""The facet that no standard one stands for, and the facets of datasets that follow from a contract."""

from typing import Any

import attr
from openlineage.client.event_v2 import InputDataset
from openlineage.client.facet_v2 import (
    DatasetFacet,
    RunFacet,
    catalog_dataset,
    column_lineage_dataset,
    dataset_version_dataset,
    schema_dataset,
    storage_dataset,
    symlinks_dataset,
)
from openlineage.client.naming.dataset import S3, DatasetNaming
from pipeline_core.contract import BATCH, LANDED, SOURCE, Contract

from lambdas.lineage.names import is_at

BATCH_FACET = "dataPipeline_batch"
"""The key of the own facet: those that are not OpenLineage's have a prefix ("Custom Facet Naming", read 2026-11)."""

OWN_COLUMNS = {
    SOURCE: "The raw file, with its version, that the row is of",
    BATCH: "The batch that brought the row",
    LANDED: "When the row's file landed",
}
RAW_RECORD = "raw_record"
"""The column of `quarantined_rows` that has a refused row as it came."""


@attr.define
class DataPipelineBatchRunFacet(RunFacet):
    """What became of a batch's rows, and by what; schemas/openlineage says what each field means.

    Its names are OpenLineage's style, since they are the fields of its JSON.
    """

    batchId: str  # noqa: N815  a name of the JSON, as the two below
    purpose: str
    contractVersion: str  # noqa: N815
    execution: str
    manifest: str
    outcome: str | None = None
    engine: str | None = None
    filesQuarantined: int | None = None  # noqa: N815
    rows: dict[str, int] | None = None
    reasons: dict[str, int] | None = None

    def at(self, schema_url: str) -> "DataPipelineBatchRunFacet":
        """Name the schema's address, which each stack has its own of."""
        self._schemaURL = f"{schema_url}#/$defs/{type(self).__name__}"
        return self


def raw_facets(contract: Contract) -> dict[str, DatasetFacet]:
    """The columns that the contract reads of raw files, by the names that files have for them."""
    names = [column.source or column.name for column in contract.columns]
    return {"schema": _schema((name, None, "") for name in names)}


def table_facets(contract: Contract, location: S3, sources: list[InputDataset], snapshot: str) -> dict[str, Any]:
    """What there is to say of a dataset's table: columns and where each comes from, where it lies, its snapshot."""
    columns = [(column.name, column.type, column.description) for column in contract.columns]
    columns += [(name, kind, OWN_COLUMNS[name]) for name, kind in contract.own_columns.items()]
    iceberg = contract.is_iceberg
    facets: dict[str, Any] = {
        "schema": _schema(columns),
        "columnLineage": _column_lineage(contract, sources),
        "symlinks": located(location),
        "catalog": catalog_dataset.CatalogDatasetFacet(
            framework="iceberg" if iceberg else "hive",
            type="glue",
            name="AwsDataCatalog",
            warehouseUri=f"{location.get_namespace()}/{location.get_name()}",
            catalogProperties=None,
        ),
    }
    if iceberg:
        # Of other layers than this and Delta, the specification has no name.
        facets["storage"] = storage_dataset.StorageDatasetFacet(storageLayer="iceberg", fileFormat="parquet")
    if snapshot:
        facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=snapshot)
    return facets


def quarantined_rows_facets() -> dict[str, DatasetFacet]:
    """The column of refused rows that they are read from again."""
    return {"schema": _schema([(RAW_RECORD, "string", "The row as it came")])}


def located(location: DatasetNaming) -> symlinks_dataset.SymlinksDatasetFacet:
    """Say where a table has its files."""
    namespace, name = is_at(location)
    return symlinks_dataset.SymlinksDatasetFacet(
        identifiers=[symlinks_dataset.Identifier(namespace=namespace, name=name, type="LOCATION")]
    )


def _schema(columns: Any) -> schema_dataset.SchemaDatasetFacet:
    """Write columns given as (name, type or None, description): a table of this pipeline has no nested ones."""
    return schema_dataset.SchemaDatasetFacet(
        fields=[
            schema_dataset.SchemaDatasetFacetFields(
                name=name, type=kind, description=said or None, ordinal_position=position, fields=None
            )
            for position, (name, kind, said) in enumerate(columns, 1)
        ]
    )


def _column_lineage(
    contract: Contract, sources: list[InputDataset]
) -> column_lineage_dataset.ColumnLineageDatasetFacet:
    """Say which column of the sources each column is read from, and which ones decide what becomes of a row."""

    def inputs(name: str, transformation: column_lineage_dataset.Transformation) -> list[Any]:
        column = contract.column(name)
        field = column.source or column.name
        return [
            column_lineage_dataset.InputField(
                namespace=source.namespace,
                name=source.name,
                field=field if _has(source, field) else RAW_RECORD,
                transformations=[transformation],
            )
            for source in sources
        ]

    deciding = dict.fromkeys((*contract.key, *filter(None, (contract.sequence, contract.operation))))
    of_all: list[Any] = []
    for names, transformation in ((deciding, _DECIDES), (contract.sorted_by, _SORTS)):
        for found in (found for name in names for found in inputs(name, transformation)):
            # Rows in quarantine are one column, whatever is read of it.
            if found not in of_all:
                of_all.append(found)
    return column_lineage_dataset.ColumnLineageDatasetFacet(
        fields={
            column.name: column_lineage_dataset.Fields(inputFields=inputs(column.name, _read_as(column.type)))
            for column in contract.columns
        },
        dataset=of_all,
    )


_DECIDES = column_lineage_dataset.Transformation(
    type="INDIRECT", subtype="FILTER", description="decides which of the rows of a key is in the table", masking=False
)
_SORTS = column_lineage_dataset.Transformation(
    type="INDIRECT", subtype="SORT", description="orders the rows in the table's files", masking=False
)


def _read_as(kind: str) -> column_lineage_dataset.Transformation:
    """A text is taken as it is; of another value it is how the text of the file is read."""
    if kind == "string":
        return column_lineage_dataset.Transformation(type="DIRECT", subtype="IDENTITY", masking=False)
    return column_lineage_dataset.Transformation(
        type="DIRECT", subtype="TRANSFORMATION", description=f"read as {kind}", masking=False
    )


def _has(source: InputDataset, field: str) -> bool:
    schema = (source.facets or {}).get("schema")
    assert isinstance(schema, schema_dataset.SchemaDatasetFacet), "every input has the columns that are read of it"
    return any(known.name == field for known in schema.fields or ())
