"""What a batch's id says."""

import re
from datetime import UTC, datetime

from ops.target import TargetError

ID = re.compile(r"(?P<dataset>.+)-(?P<at>\d{8}T\d{6}Z)-\d{6,}")


def parsed(batch_id: str) -> tuple[str, datetime]:
    """Return the dataset of a batch, and when it was opened.

    Raises:
        TargetError: it is no batch's id.
    """
    if (found := ID.fullmatch(batch_id)) is not None:
        try:
            return found["dataset"], datetime.strptime(found["at"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            pass
    raise TargetError(f"{batch_id!r} is no id of a batch; one looks like flights-20261127T090000Z-000007")
