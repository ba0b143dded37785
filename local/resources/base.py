"""What a module of resources gets and gives: one declared resource in, its id and outputs out."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from botocore.model import ListShape, Shape, StructureShape
from pulumi import Archive, AssetArchive, FileArchive, FileAsset, StringAsset

from local import emulator
from local.resources.archives import zip_bytes

Json = dict[str, Any]
_HEX_DIGITS: Final = 7


@dataclass
class Aws:
    """The emulator as the deployer sees it: clients by service, made once."""

    endpoint: str
    region: str = emulator.REGION
    account: str = emulator.ACCOUNT
    _clients: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, service: str) -> Any:
        """The client of a service, with the root user's permissions."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = emulator.client(self.endpoint, service, self.region)
            return self._clients[service]

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True)
class ResourceRequest:
    """A resource that the program declares: its Pulumi type, logical name and inputs (in camelCase)."""

    type: str
    name: str
    inputs: Json
    aws: Aws
    directory: Path
    default_tags: Mapping[str, str] = field(default_factory=dict)
    before: Created | None = None
    """The resource as an earlier deployment left it, if it is to be changed."""

    def client(self, service: str) -> Any:
        """The client of a service."""
        return self.aws.client(service)

    @property
    def tags(self) -> dict[str, str]:
        """The resource's tags over the provider's default tags."""
        return {**self.default_tags, **(self.inputs.get("tags") or {})}

    @property
    def tag_list(self) -> list[dict[str, str]]:
        """The tags as most AWS services take them."""
        return [{"Key": key, "Value": value} for key, value in self.tags.items()]

    def tagged(self) -> Json:
        """The outputs that every taggable resource has."""
        return {"tags": self.inputs.get("tags"), "tagsAll": self.tags}

    def physical(self, limit: int, *, given: str = "name", suffix: str = "") -> str:
        """The AWS name: the given one, that which it has, or one that Pulumi or the provider would make up.

        Raises:
            ValueError: if it is longer than the `limit` of AWS.
        """
        if name := self.inputs.get(given):
            chosen = str(name)
        elif self.before is not None:
            chosen = str(self.before.outputs[given])
        elif prefix := self.inputs.get(f"{given}Prefix"):
            chosen = f"{prefix}{time.strftime('%Y%m%d%H%M%S')}{secrets.randbelow(10**12):012d}{suffix}"
        else:
            chosen = f"{self.name}-{secrets.token_hex(4)[:_HEX_DIGITS]}{suffix}"
        if len(chosen) > limit:
            raise ValueError(
                f"the name {chosen!r} has {len(chosen)} characters, AWS allows {limit}: shorten the logical name"
            )
        return chosen

    def call(self, service: str, operation: str, **given: Any) -> Any:
        """Call an API with all inputs that it has parameters for; what is `given` takes their places."""
        client = self.client(service)
        description = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
        names = {name.lower() for name in given}
        others = {name: value for name, value in self.inputs.items() if name.lower() not in names}
        return getattr(client, operation)(**shaped(others, description.input_shape), **given)

    def shaped(self, service: str, shape: str, value: Any = None) -> Any:
        """A value, or else the inputs, in the form of a shape of an API, by its name in botocore's description."""
        description = self.client(service).meta.service_model.shape_for(shape)
        return shaped(self.inputs if value is None else value, description)

    def pick(self, **wanted: str) -> Json:
        """The inputs that are set, under the names of the AWS API: `pick(Timeout="timeout")`."""
        return {parameter: self.inputs[name] for parameter, name in wanted.items() if self.inputs.get(name) is not None}

    def knows(self, *names: str) -> None:
        """Refuse inputs that the caller does not handle, rather than leave them out.

        Raises:
            ValueError: naming them.
        """
        if strange := sorted(name for name, value in self.inputs.items() if value is not None and name not in names):
            raise ValueError(f"the deployer does not handle the inputs {', '.join(strange)} of {self.type}")

    def path(self, given: str) -> Path:
        """A path of an asset, relative to the project's directory."""
        return self.directory / given

    def archive(self, value: Any) -> bytes:
        """The bytes of an archive or asset.

        Raises:
            ValueError: if it is of a kind that the deployer does not read.
        """
        if isinstance(value, FileArchive):
            path = self.path(value.path)
            return path.read_bytes() if path.is_file() else zip_bytes({"": path})
        if isinstance(value, AssetArchive):
            return zip_bytes({name: self._member(part) for name, part in value.assets.items()})
        if isinstance(value, FileAsset):
            return self.path(str(value.path)).read_bytes()
        if isinstance(value, StringAsset):
            return str(value.text).encode()
        raise ValueError(
            f"a {type(value).__name__} cannot be read here: use FileArchive, AssetArchive, FileAsset or StringAsset"
        )

    def _member(self, part: Any) -> Path | bytes:
        if isinstance(part, FileArchive):
            return self.path(part.path)
        if isinstance(part, Archive):
            raise ValueError("an archive inside an AssetArchive has to be a FileArchive")
        return self.archive(part)


@dataclass(frozen=True)
class Created:
    """A resource that exists: its id and its outputs (in camelCase), as the AWS provider gives them."""

    id: str
    outputs: Json


Handler = Callable[[ResourceRequest], Created]
"""Creates one resource."""


_CALLED: Final = {
    ("AttributeDefinition", "AttributeName"): "name",
    ("AttributeDefinition", "AttributeType"): "type",
    ("CreateCrawlerRequest", "CrawlerSecurityConfiguration"): "securityConfiguration",
    ("EncryptionConfiguration", "KmsKey"): "kmsKeyArn",
    ("InputTransformer", "InputPathsMap"): "inputPaths",
    ("NotificationConfiguration", "LambdaFunctionConfigurations"): "lambdaFunctions",
    ("NotificationConfiguration", "QueueConfigurations"): "queues",
    ("NotificationConfiguration", "TopicConfigurations"): "topics",
    ("PutObjectRequest", "SSEKMSKeyId"): "kmsKeyId",
    ("SSESpecification", "KMSMasterKeyId"): "kmsKeyArn",
    ("Target", "SqsParameters"): "sqsTarget",
}
"""What the provider calls a member of a structure of the API, where it is not the same but for upper and lower case."""


def shaped(value: Any, shape: Shape) -> Any:
    """A value of the program in the form that botocore's description of the API says; what the API has not is left out.

    Raises:
        ValueError: if it has another form.
    """
    if isinstance(shape, StructureShape):
        if not isinstance(value, Mapping):
            raise ValueError(f"{shape.name} of the API has members, {value!r} has none")
        given = {name.lower(): inner for name, inner in value.items() if inner is not None}
        called = {member: _CALLED.get((shape.name, member), member).lower() for member in shape.members}
        return {member: shaped(given[name], shape.members[member]) for member, name in called.items() if name in given}
    if isinstance(shape, ListShape):
        # Of some lists the provider takes the only item.
        return [shaped(item, shape.member) for item in (value if isinstance(value, list) else [value])]
    return int(value) if shape.type_name in ("integer", "long") else value
