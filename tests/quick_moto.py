"""Makes calls of moto quicker: half of the time of most tests here is theirs."""

import functools
from typing import Any

from botocore.auth import SigV4Auth
from botocore.useragent import UserAgentString
from moto.core import responses, utils
from moto.core.base_backend import BaseBackend
from moto.core.models import botocore_stubber
from moto.core.serialize import AttributePickerContext, ResponseSerializer
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
    # It looks at every method of a service anew for each call, too.
    setattr(responses, "method_names_from_class", functools.cache(utils.method_names_from_class))  # noqa: B010  not exported


def leave_out_what_is_not_read() -> None:
    """Neither sign what a call says nor say whose client it is: a tenth of what one takes, and moto reads neither."""
    for kind, method, instead in ((SigV4Auth, "canonical_request", ""), (UserAgentString, "to_string", "botocore")):
        _replace(kind, method, instead)


def remember_names() -> None:
    """Remember by which names a member of an answer may be in a dictionary: a fifth of what a call of DynamoDB takes.

    moto works out ten of them for each member that AWS knows, of each value: that is ten members for each attribute.
    They depend on the service, on the structure and on the member.
    """
    original = ResponseSerializer.get_value
    known: dict[tuple[str, str, str], list[str]] = {}

    def value_of(self: ResponseSerializer, value: Any, key: str, shape: Any) -> Any:
        picker: Any = self._value_picker
        parent = getattr(shape, "parent", None)
        if type(value) is not dict or parent is None or picker.response_transformers:
            return original(self, value, key, shape)
        place = (str(self.operation_model.service_model.service_name), str(parent.name), key)
        names = known.get(place)
        if names is None:
            context = AttributePickerContext(
                value, key, shape, self.operation_model, self.operation_model.service_model
            )
            names = known[place] = list(picker.get_possible_keys(context))
        if any("." in name for name in names):
            return original(self, value, key, shape)
        return next((value[name] for name in names if name in value), None)

    setattr(ResponseSerializer, "get_value", value_of)  # noqa: B010  moto's is a method


def _replace(kind: type[Any], method: str, instead: str) -> None:
    original: Any = getattr(kind, method)

    def replacement(*arguments: Any) -> Any:
        # The emulator's clients, and those that ask AWS for nothing, are left as they are.
        return instead if botocore_stubber.enabled else original(*arguments)

    setattr(kind, method, replacement)
