"""Small S3 documents: contracts, manifests, reports. Reading and writing them, once or not at all."""

import time
from collections.abc import Callable

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from pipeline_core import clients
from pipeline_core.contract import Contract
from pipeline_core.fields import Fields
from pipeline_core.layout import CONTRACT_INDEX_KEY, contract_key

WITHOUT_TAGS = {"TaggingDirective": "REPLACE"}
"""Copy an object without its tags: a producer's tags would ask for tagging permissions on both sides."""

LARGE_COPY = TransferConfig(multipart_threshold=1024**3, multipart_chunksize=512 * 1024**2)
"""Copy up to 1 GB in one request: parts of the default 8 MB would be hundreds."""

GONE = ("NoSuchKey", "NoSuchVersion", "404")
"""What S3 says of an object version that is not there (HeadObject has no body, so only the number)."""

CONTRACT_SECONDS = 60
"""How long a warm function keeps a contract before it reads it again."""


def read(bucket: str, key: str) -> bytes | None:
    """Return an object's content, or None if there is no such object."""
    try:
        return clients.s3().get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if is_gone(error):
            return None
        raise


def is_gone(error: ClientError) -> bool:
    """Whether an S3 call failed because the object (version) does not exist."""
    return error.response["Error"]["Code"] in GONE


def write(bucket: str, key: str, text: str) -> None:
    """Write a JSON document."""
    clients.s3().put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType="application/json")


def write_once(bucket: str, key: str, make: Callable[[], str]) -> bytes:
    """Return the document at a key; if there is none, make and write it. Who comes second gets the first's."""
    existing = read(bucket, key)
    if existing is not None:
        return existing
    text = make()
    try:
        clients.s3().put_object(
            Bucket=bucket, Key=key, Body=text.encode(), ContentType="application/json", IfNoneMatch="*"
        )
    except ClientError as error:
        # 412: somebody was faster; 409: somebody is writing right now
        if error.response["Error"]["Code"] not in ("PreconditionFailed", "ConditionalRequestConflict"):
            raise
        written = read(bucket, key)
        if written is None:
            raise
        return written
    return text.encode()


class Contracts:
    """The deployed contracts, read from the artifacts bucket and kept for a minute."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._places: tuple[float, dict[str, str]] = (0.0, {})
        self._cached: dict[str, tuple[float, Contract | None]] = {}

    def get(self, dataset: str) -> Contract | None:
        """Return the contract of a dataset, or None if there is none."""
        until, contract = self._cached.get(dataset, (0.0, None))
        if time.monotonic() >= until:
            text = read(self._bucket, contract_key(dataset))
            contract = None if text is None else Contract.from_json(text)
            self._cached[dataset] = (time.monotonic() + CONTRACT_SECONDS, contract)
        return contract

    def places(self) -> dict[str, str]:
        """The datasets by the prefixes of their files in the raw bucket; none where the index has none."""
        until, places = self._places
        if time.monotonic() >= until:
            text = read(self._bucket, CONTRACT_INDEX_KEY)
            places = {} if text is None else Fields.from_json(text, CONTRACT_INDEX_KEY).words("places", {})
            self._places = (time.monotonic() + CONTRACT_SECONDS, places)
        return places
