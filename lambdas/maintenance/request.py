"""What the function is asked for."""

from dataclasses import dataclass

from pipeline_core.fields import DocumentError, Fields

MAINTAIN, HISTORY, ROLLBACK, ADOPT = "maintain", "history", "rollback", "adopt"
ACTIONS = (MAINTAIN, HISTORY, ROLLBACK, ADOPT)


@dataclass(frozen=True, kw_only=True)
class MaintenanceRequest:
    """`maintain` tables (all, or one), tell the `history` of one, or `rollback` one to what it was after a batch.

    `adopt` has the Parquet files in a table's folder be an Iceberg table. `dry_run` is of `maintain`: say what would
    be done.
    """

    action: str = MAINTAIN
    dataset: str = ""
    batch_id: str = ""
    dry_run: bool = False

    @classmethod
    def from_event(cls, event: object) -> "MaintenanceRequest":
        """Parse the schedule's event, or a person's.

        Raises:
            DocumentError: it lacks a field, or asks for something else.
        """
        request = Fields(event, "the request of maintenance").parse(cls)
        if request.action not in ACTIONS:
            raise DocumentError(f"action: {request.action!r}; allowed: {', '.join(ACTIONS)}")
        if request.action != MAINTAIN and not request.dataset:
            raise DocumentError(f"action {request.action}: no dataset; name one")
        if request.action == ROLLBACK and not request.batch_id:
            raise DocumentError(
                "action rollback: no batch_id; name the batch after which the table was as it should be"
            )
        return request
