"""The JSON Schema of the one facet of OpenLineage events that is the pipeline's own, where the events say it is."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pipeline_core.layout import LINEAGE_FACET_KEY
from pulumi import Input, ResourceOptions

from components.compute.packaging import ROOT
from components.storage.zone import Zone

SCHEMA = ROOT / "schemas" / "openlineage" / "1-0-0" / "DataPipelineBatchRunFacet.json"


@dataclass(frozen=True, kw_only=True)
class LineageFacetArgs:
    """The bucket that events are kept in, and the key that encrypts it."""

    artifacts: Zone
    kms_key_arn: Input[str]


class LineageFacet(pulumi.ComponentResource):
    """The schema as an object beside the events: whoever may read them may read what they mean.

    It stays when the stack tells no events any more: those that are there name it.

    Example:
        LineageFacet("facet", LineageFacetArgs(artifacts=storage.artifacts, kms_key_arn=key.arn))
    """

    def __init__(self, name: str, args: LineageFacetArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:compute:LineageFacet", name, None, opts)
        aws.s3.BucketObjectv2(
            name,
            bucket=args.artifacts.bucket.bucket,
            key=LINEAGE_FACET_KEY,
            content=SCHEMA.read_text(encoding="utf-8"),
            content_type="application/schema+json",
            kms_key_id=args.kms_key_arn,
            opts=ResourceOptions(parent=self, depends_on=[args.artifacts.encryption], retain_on_delete=True),
        )
        self.register_outputs({})
