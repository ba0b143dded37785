"""What a contract means, as code: the records of files, checked, cast and accounted for. See docs/semantics.md.

`read` gives the records of one file, for whoever distributes the files and finds the duplicates; `stage` does all
that is to be done with a batch. Plain Python over pyarrow (18 to 26): Glue 5.1 has 22.0.0 ("Using Python libraries with
AWS Glue", 2026-11), and functions bring the one that requirements name.
"""

from record_engine.batches import is_summary, record_schema
from record_engine.engine import stage
from record_engine.files import OpenFile
from record_engine.limits import Limits
from record_engine.reading import FileReader, lines_are_records, read
from record_engine.spans import Span, Survey, spans, survey
from record_engine.store import Store

__all__ = [
    "FileReader",
    "Limits",
    "OpenFile",
    "Span",
    "Store",
    "Survey",
    "is_summary",
    "lines_are_records",
    "read",
    "record_schema",
    "spans",
    "stage",
    "survey",
]
