"""The diagrams of docs/architecture.md say what the program and the workflow's definition say, and stay readable."""

import json
import re
from collections.abc import Iterable
from typing import Any

import pytest

from components.workflow.definition import load_definition
from ops.pages import components, flow, workflow
from ops.pages.generate import PageError
from tests.unit.infrastructure.cloud import ROOT, pipeline

READABLE = 40


def boxes(lines: Iterable[str]) -> set[str]:
    found = (re.match(r" +(\w+)(?=[\[({]).*\"", line) for line in lines if "--" not in line)
    return {match[1] for match in found if match}


def arrows(lines: Iterable[str]) -> set[tuple[str, str]]:
    found = (re.fullmatch(r" +(\w+)(?:\(\(.*\)\))? (?:-->|-\.->|---)(?:\|.*\|)? (\w+)", line) for line in lines)
    return {(match[1], match[2]) for match in found if match}


def test_the_workflows_diagram_has_every_state_and_every_way_between_two() -> None:
    text = load_definition(ROOT / "state_machines" / "batch_workflow.asl.json")
    states = json.loads(re.sub(r"\$\{TimeoutSeconds\}", "1", text))["States"]
    lines = workflow.diagram().splitlines()
    assert boxes(lines) - {"start"} == set(states)
    ways = {
        (name, way["Next"])
        for name, state in states.items()
        for way in (state, *state.get("Choices", ()), {"Next": state.get("Default")})
        if way.get("Next")
    }
    assert len(ways) > 25
    assert ways <= arrows(lines)
    assert ("way", "Recover") in arrows(lines)
    assert ("Recover", "Failed") in arrows(lines), "what fails while it recovers goes elsewhere"


def task(after: str, *catches: str) -> dict[str, Any]:
    resource = "arn:aws:states:::aws-sdk:glue:getCrawler"
    return {
        "Type": "Task",
        "Resource": resource,
        "Arguments": {},
        "Next": after,
        "Catch": [{"Next": name} for name in catches],
    }


def test_a_task_that_does_not_recover_as_the_others_do_is_no_part_of_one_arrow() -> None:
    good = {"A": task("B", "Save"), "B": task("End", "Save"), "Save": task("End"), "End": {"Type": "Succeed"}}
    assert "way -.->" in "\n".join(workflow.mermaid("A", good))
    with pytest.raises(PageError, match="B does not go to Save when it fails"):
        list(workflow.mermaid("A", {**good, "B": task("End")}))


def test_a_condition_does_not_end_the_label_that_it_stands_in() -> None:
    choice = {"Type": "Choice", "Choices": [{"Condition": '{% $a < "b" %}', "Next": "End"}], "Default": "A"}
    states = {"A": task("C", "End"), "C": choice, "End": {"Type": "Succeed"}}
    assert "  C -->|\"a #lt; 'b'\"| End" in workflow.mermaid("A", states)


def test_what_sets_a_function_or_a_job_in_motion_is_drawn() -> None:
    drawn = arrows(flow.mermaid(pipeline("prod").resources))
    assert drawn >= {
        ("raw_bucket", "arrivals_queue"),
        ("arrivals_queue", "ingestion_function"),
        ("schedule", "etl_trigger_function"),
        ("etl_trigger_function", "batch_statemachine"),
        ("batch_statemachine", "raw_to_curated_job"),
        ("batch_statemachine", "crawlers"),
        ("processing_function", "events_eventbus"),
        ("notification_function", "notifications_topic"),
        ("raw_to_curated_job", "error_handler_function"),
        ("crawlers", "error_handler_function"),
    }
    functions = {
        f"{f.name.removeprefix('data-pipeline-').replace('-', '_')}_function"
        for f in pipeline("prod").of("lambda.Function")
    }
    assert functions <= {target for _, target in drawn}, "a function that nothing calls is none"


def test_the_flow_follows_the_permissions() -> None:
    without = [r for r in pipeline("prod").resources if r.name != "data-pipeline-etl-trigger-role-policy"]
    assert ("etl_trigger_function", "batch_statemachine") not in arrows(flow.mermaid(without))


def test_every_component_is_drawn_where_it_is_held() -> None:
    lines = list(components.mermaid(pipeline("prod").resources))
    classes = {r.type.split(":")[-1] for r in pipeline("prod").resources if r.type.startswith("pipeline:")}
    assert {box.split("_")[-1] for box in boxes(lines)} == classes - {"ServiceRole"}
    assert ("DataPipeline_Storage", "DataPipeline_Storage_Zone") in arrows(lines)
    assert '  DataPipeline_Storage_Zone["Zone (several)<br/>s3"]' in lines
    assert any('PipelineFunction (several)<br/>cloudwatch, iam, lambda"' in line for line in lines)


def test_another_dataset_or_alarm_is_no_other_diagram() -> None:
    resources = pipeline("prod").resources
    fewer = [r for r in resources if "airlines" not in r.name]
    assert len(fewer) < len(resources)
    for mermaid in (components.mermaid, flow.mermaid):
        assert list(mermaid(fewer)) == list(mermaid(resources))


def test_a_diagram_is_small_enough_to_be_read() -> None:
    resources = pipeline("prod").resources
    for lines in (workflow.diagram().splitlines(), flow.mermaid(resources), components.mermaid(resources)):
        assert 10 < len(boxes(lines)) <= READABLE
