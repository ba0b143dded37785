"""The Pulumi program: one stack is one environment."""

import gc

if __name__ == "__main__":
    # Nearly all that is imported and declared stays until the end: to look for garbage in cycles again and again would
    # find 2 MB (13 at 200 datasets) and take half of the program's time.
    gc.disable()

import pulumi

from components import user_files
from components.compute.wheels import fetch_if_possible
from components.data_pipeline import DataPipeline, DataPipelineArgs
from components.provider import aws_provider

if __name__ == "__main__":
    # The engine runs it. What only records the program (recording/) uploads nothing.
    fetch_if_possible()
settings, files = user_files.read_with_settings()
pipeline = DataPipeline(
    "data-pipeline",
    DataPipelineArgs(settings=settings, files=files),
    pulumi.ResourceOptions(provider=aws_provider(settings)),
)
for name, value in pipeline.outputs.items():
    pulumi.export(name, value)
