"""Makes moto's calls quicker: half of the time of most tests here is theirs."""

import functools
from typing import Any

from moto.core.base_backend import BaseBackend
from moto.s3 import urls as s3_urls
from moto.s3.models import S3Backend


def keep_addresses() -> None:
    """Keep the table of the addresses that a service answers at.

    moto 5.2 makes it anew for each call, and for S3 loads the module anew that has it: from a fifth to a half of what a
    call takes. It depends on the service and on environment variables that no test sets.
    """
    made: Any = BaseBackend.__dict__["urls"].fget

    @functools.cache
    def addresses(service: type[Any]) -> Any:
        return made(service("us-east-1", "123456789012"))

    setattr(BaseBackend, "urls", property(lambda backend: addresses(backend.__class__)))  # noqa: B010  moto's is a property
    setattr(S3Backend, "_url_module", s3_urls)  # noqa: B010  moto's is a property
