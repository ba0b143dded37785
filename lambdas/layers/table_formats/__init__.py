"""The formats of published tables: what processing asks of a table, whatever its files are. See docs/semantics.md.

Functions that publish have this package, with PyIceberg and pyarrow from the layer; engines read
`pipeline_core.live_files`.
"""

from table_formats.base import StaleTableError, TableFormat, TablePlace, Turn
from table_formats.hive import HiveTable
from table_formats.iceberg import IcebergTable

__all__ = ["HiveTable", "IcebergTable", "StaleTableError", "TableFormat", "TablePlace", "Turn", "table_of"]


def table_of(place: TablePlace, table_format: str) -> TableFormat:
    """The table of a dataset, by the format that its contract says."""
    return IcebergTable(place) if table_format == "iceberg" else HiveTable(place)
