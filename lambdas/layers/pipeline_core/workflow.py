"""What the functions and the workflow of a batch say to each other. Standard library only."""

from dataclasses import asdict, dataclass
from typing import Any

from pipeline_core.fields import Fields
from pipeline_core.report import SPARK
from pipeline_core.verdict import ErrorOutput

WORKFLOW, EVENT, TRIGGER = "workflow", "event", "trigger"
"""Who asks for a recovery. The workflow calls processing again itself. An event of an execution that was ended from
outside comes while a function that it had called may still be at work; it is left to that one, or to a later tick. The
trigger asks for a batch whose execution ended some time ago, when no call can be at work any more: then processing is
called by error_handler."""


@dataclass(frozen=True, kw_only=True)
class WorkflowInput:
    """The input of an execution. `manifest` is the S3 address of the manifest, `workers` is for the Glue job.

    `engine` is what is to stage the batch: `report.STAGE`, or `report.SPARK`.
    """

    batch_id: str
    dataset: str
    manifest: str
    workers: int
    engine: str = SPARK

    def to_document(self) -> dict[str, Any]:
        """Write it as the state machine reads it."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class PublishRequest:
    """What processing is asked: to decide on a batch, of whose job it has to know what its run saw and took.

    Both are None for a batch that has begun to publish already, where they do not matter.
    """

    dataset: str
    batch_id: str
    published: int | None = None
    dpu_seconds: float | None = None

    @classmethod
    def from_event(cls, event: object) -> "PublishRequest":
        """Parse the event of the function."""
        return Fields(event, "the request to publish").parse(cls)

    def to_document(self) -> dict[str, Any]:
        """Write the event of the function."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class RecoveryRequest:
    """What error_handler is asked: to bring a batch to its end that failed with an error.

    `caller` is WORKFLOW, EVENT or TRIGGER.
    """

    dataset: str
    batch_id: str
    error: ErrorOutput
    caller: str

    @classmethod
    def from_event(cls, event: object) -> "RecoveryRequest":
        """Parse the event of the function: the workflow's, the trigger's, or EventBridge's of an execution's end."""
        document = Fields(event, "the request to recover a batch")
        if "detail" in document:
            return cls._from_execution(document.fields("detail"))
        return document.parse(
            cls,
            error=ErrorOutput.from_fields(document.fields("error"), of_job=document.text("stage", "") == "Stage"),
            caller=TRIGGER if document.flag("left", False) else WORKFLOW,
        )

    @classmethod
    def _from_execution(cls, detail: Fields) -> "RecoveryRequest":
        status = detail.text("status")
        batch = Fields.from_json(detail.text("input"), "the execution's input")
        error = detail.text("error", "") or status
        cause = detail.text("cause", "") or f"the execution is {status}"
        return batch.parse(cls, error=ErrorOutput(error=error, cause=cause), caller=EVENT)

    def to_document(self) -> dict[str, Any]:
        """Write the event of the function, as the trigger sends it."""
        names = {"dataset": self.dataset, "batch_id": self.batch_id, "error": self.error.to_document()}
        return {**names, "left": self.caller == TRIGGER}


@dataclass(frozen=True, kw_only=True)
class RecoveryResult:
    """What error_handler answers: what the batch came to, and the error that it was called for."""

    dataset: str
    batch_id: str
    outcome: str
    error: ErrorOutput

    def to_document(self) -> dict[str, Any]:
        """Write it as the workflow reads it."""
        return {**asdict(self), "error": self.error.to_document()}
