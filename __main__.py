"""The Pulumi program: one stack is one environment."""

import pulumi

import config
from components.data_pipeline import DataPipeline, DataPipelineArgs
from components.provider import aws_provider

settings = config.load()
pipeline = DataPipeline(
    "data-pipeline",
    DataPipelineArgs(settings=settings),
    pulumi.ResourceOptions(provider=aws_provider(settings)),
)
for name, value in pipeline.outputs().items():
    pulumi.export(name, value)
