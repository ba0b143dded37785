"""Which steps of a preview end what holds data or has a name that others use."""

import pytest

from tests.engine.upgrades import KEPT, kept, lost

IN = "urn:pulumi:dev::data-pipeline::pipeline:data_pipeline:DataPipeline$pipeline:storage:Storage$"
ENDED = [
    "delete",
    "replace",
    "create-replacement",
    "delete-replaced",
    "discard",
    "discard-replaced",
    "read-replacement",
    "import-replacement",
    "remove-pending-replace",
    "an operation of a later engine",
]
TYPES = [
    "aws:s3/bucket:Bucket",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    *(type_ for type_ in KEPT if not type_.startswith("aws:s3/")),
]


@pytest.mark.parametrize("op", ENDED)
@pytest.mark.parametrize("type_", TYPES)
def test_what_ends_data_or_a_name_is_lost(type_: str, op: str) -> None:
    urn = f"{IN}{type_}::data-pipeline-x"
    assert lost([{"op": "same", "urn": f"{urn}-2"}, {"op": op, "urn": urn}]) == [f"{op} {urn}"]


@pytest.mark.parametrize("op", ["same", "create", "update", "read", "refresh", "import"])
@pytest.mark.parametrize("type_", TYPES)
def test_what_goes_on_is_not_lost(type_: str, op: str) -> None:
    assert lost([{"op": op, "urn": f"{IN}{type_}::data-pipeline-x"}]) == []


@pytest.mark.parametrize(
    "type_",
    [
        "aws:s3/bucketObjectv2:BucketObjectv2",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        "aws:sqs/queuePolicy:QueuePolicy",
        "pipeline:storage:Zone",
    ],
)
@pytest.mark.parametrize("op", ["replace", "delete"])
def test_what_can_be_made_again_may_be(type_: str, op: str) -> None:
    assert lost([{"op": op, "urn": f"{IN}{type_}::data-pipeline-x"}]) == []


def test_a_type_is_the_last_of_its_urn_and_no_name() -> None:
    bucket = f"{IN}aws:s3/bucket:Bucket::data-pipeline-raw"
    inside = f"{IN}aws:s3/bucket:Bucket$aws:cloudwatch/metricAlarm:MetricAlarm::data-pipeline-raw"
    named = "urn:pulumi:dev::data-pipeline::aws:cloudwatch/metricAlarm:MetricAlarm::aws:s3/bucket:Bucket"
    assert kept([bucket, inside, named]) == [bucket]
