"""What the job logs: JSON lines with the batch's id, like the functions' logs, so that one query finds both."""

import logging
import sys
from datetime import UTC, datetime
from typing import Any

from pipeline_core.plain_text import json_line

SERVICE = "raw_to_curated"


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON; `extra={"fields": {...}}` adds to it."""

    def __init__(self, batch_id: str, dataset: str) -> None:
        super().__init__()
        self._common = {"service": SERVICE, "correlation_id": batch_id, "dataset": dataset}

    def format(self, record: logging.LogRecord) -> str:
        """Write one line."""
        line: dict[str, Any] = {
            "level": record.levelname,
            "message": record.getMessage(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            **self._common,
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1]:
            line["exception_name"] = type(record.exc_info[1]).__name__
            line["exception"] = self.formatException(record.exc_info)
        return json_line(line, default=str)


def job_log(batch_id: str, dataset: str) -> logging.Logger:
    """Return the log of a batch's run; Glue keeps what it writes in the run's output stream."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines(batch_id, dataset))
    log = logging.getLogger(SERVICE)
    log.handlers = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
    return log
