"""Hold the pipeline's own ticks back, so that what a test lands is one batch, however slow the machine is."""

from collections.abc import Iterator
from contextlib import contextmanager

from local.driver import Pipeline
from local.emulator import Emulator
from tests.integration.local.conftest import eventually


def let_tick(emulator: Emulator, pipeline: Pipeline, enabled: bool) -> None:
    """Have the queue of ticks handed to etl_trigger, or not; then no tick is under way either."""
    functions, sqs = emulator.client("lambda"), emulator.client("sqs")
    mapping = functions.list_event_source_mappings(FunctionName=pipeline.outputs["functions"]["etl_trigger"])
    functions.update_event_source_mapping(UUID=mapping["EventSourceMappings"][0]["UUID"], Enabled=enabled)
    if not enabled:
        name = "ApproximateNumberOfMessagesNotVisible"
        queue = {"QueueUrl": pipeline.outputs["ticks_queue_url"], "AttributeNames": [name]}
        eventually(lambda: sqs.get_queue_attributes(**queue)["Attributes"][name] == "0")


@contextmanager
def one_batch(emulator: Emulator, pipeline: Pipeline) -> Iterator[None]:
    """What lands while this lasts is claimed together, by the pipeline's own tick, when all of it is registered."""
    let_tick(emulator, pipeline, False)
    yield
    pipeline.wait_until_registered()
    let_tick(emulator, pipeline, True)
