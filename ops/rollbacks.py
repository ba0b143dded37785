"""Which batches were rolled back: the table of runs says it, the ledger says it of files only."""

from pipeline_core.documents import read
from pipeline_core.fields import Fields
from pipeline_core.layout import run_key
from pipeline_core.ledger import ROLLED_BACK


def was_rolled_back(artifacts_bucket: str, dataset: str, batch_id: str, created_at: str) -> bool:
    """Whether the rows of a batch that was published were taken out again; `created_at` in ISO 8601.

    Raises:
        DocumentError: its record in the table of runs cannot be read.
    """
    text = read(artifacts_bucket, run_key(dataset, batch_id, created_at))
    return text is not None and Fields.from_json(text, f"the run of {batch_id}").text("outcome", "") == ROLLED_BACK
