"""S3 says 404 for what is not there to who may list the bucket, and 403 to everybody else: code that takes 404 for an
answer needs the right to list, without a prefix, since a GetObject or HeadObject carries none to compare.
"""

from collections import defaultdict
from typing import Any

import pytest

from tests.unit.infrastructure.cloud import STACKS, pipeline

# Athena and Glue's crawlers read what they have listed before, under prefixes: neither asks for what may not be there.
LISTS_FIRST = ("data-pipeline-query-role", "data-pipeline-crawlers-role")
READS = {"s3:GetObject", "s3:GetObjectVersion"}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("stack", STACKS)
def test_every_role_that_reads_objects_may_list_their_bucket(stack: str) -> None:
    looked = defaultdict(set)
    for resource, key, document in pipeline(stack).documents():
        if key != "policy" or resource.type != "aws:iam/rolePolicy:RolePolicy":
            continue
        if resource.name.startswith(LISTS_FIRST):
            continue
        read, listed = set(), set()
        for statement in document["Statement"]:
            buckets = {arn.partition("/")[0] for arn in as_list(statement["Resource"]) if ":s3:::" in arn}
            actions = set(as_list(statement["Action"]))
            read |= buckets if READS & actions else set()
            listed |= buckets if "s3:ListBucket" in actions and "Condition" not in statement else set()
        assert read <= listed, f"{resource.name}: S3 would say 403, not 404, of what is gone from {read - listed}"
        looked[resource.name] = read
    reading = {name for name, read in looked.items() if read}
    expected = 9 if stack == "local" else 10
    assert len(reading) == expected, f"all functions but query read, and the job; found: {reading}"
