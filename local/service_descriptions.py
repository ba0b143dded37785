"""Have the sessions of a process read AWS's service descriptions once.

A session of boto3 reads those of its clients by itself: megabytes of JSON, and most of what a first client costs.
"""

import functools
from typing import Final

import botocore.loaders
import botocore.session

_CREATE_LOADER: Final = functools.cache(botocore.loaders.create_loader)


def share() -> None:
    """Give all sessions that are made from now on one loader."""
    botocore.session.create_loader = _CREATE_LOADER
