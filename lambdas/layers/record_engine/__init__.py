"""What a contract means, as code: the records of files, checked, cast and accounted for. See docs/semantics.md.

`read` gives the records of one file, for whoever distributes the files and finds the duplicates; `stage` does all
that is to be done with a batch. Plain Python over pyarrow (18 to 26): Glue 5.1 has 22.0.0 ("Using Python libraries with
AWS Glue", 2026-11), and functions bring the one that requirements name.
"""

from record_engine.batches import is_summary, record_schema
from record_engine.engine import stage
from record_engine.files import OpenFile
from record_engine.keys import order_columns
from record_engine.limits import Limits
from record_engine.live import FilesByKey, check_purpose, files_beside, live_files_address
from record_engine.published import PublishedFile, in_folder, listed, names_of, sources
from record_engine.reading import FileReader, lines_are_records, read
from record_engine.snapshots import files_that_count
from record_engine.spans import Span, Survey, spans, survey
from record_engine.staging import moment_of
from record_engine.store import Store
from record_engine.tombstones import tombstone_schema
from record_engine.transforms import Folders

__all__ = [
    "FileReader",
    "FilesByKey",
    "Folders",
    "Limits",
    "OpenFile",
    "PublishedFile",
    "Span",
    "Store",
    "Survey",
    "check_purpose",
    "files_beside",
    "files_that_count",
    "in_folder",
    "is_summary",
    "lines_are_records",
    "listed",
    "live_files_address",
    "moment_of",
    "names_of",
    "order_columns",
    "read",
    "record_schema",
    "sources",
    "spans",
    "stage",
    "survey",
    "tombstone_schema",
]
