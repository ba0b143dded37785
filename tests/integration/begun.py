"""A batch whose execution is at its job for a while."""

import json
from collections.abc import Mapping

import pytest
from pipeline_core.batches import Batches
from pipeline_core.layout import batch_key, uri
from pipeline_core.ledger import Ledger
from pipeline_core.workflow import WorkflowInput

from local.driver import Pipeline
from local.emulator import Emulator


def begun(emulator: Emulator, pipeline: Pipeline, environment: Mapping[str, str]) -> str:
    """Begin a batch of planes whose execution is at its job for a while: there is no manifest for it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        batches = Batches(Ledger(pipeline.outputs["ledger_table"]))
        batch = batches.open("planes", batches.state("planes"), 9)
    assert batch is not None
    manifest = uri(pipeline.outputs["artifacts_bucket"], batch_key("planes", batch.batch_id, "manifest"))
    asked = WorkflowInput(batch_id=batch.batch_id, dataset="planes", manifest=manifest, workers=2)
    emulator.client("stepfunctions").start_execution(
        stateMachineArn=pipeline.outputs["state_machine_arn"],
        name=batch.batch_id,
        input=json.dumps(asked.to_document()),
    )
    return batch.batch_id
