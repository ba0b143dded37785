"""AWS's own list of actions, resources and conditions, as parliament has it, finds nothing wrong with our policies."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.unit.policies.programs import program

# In a process of its own: it warns about itself when it is imported.
CHECK = """
import json, sys, parliament
found = [
    [name, finding.issue, finding.detail]
    for name, text in json.load(sys.stdin)
    for finding in parliament.analyze_policy_string(text).findings
]
json.dump(found, sys.stdout)
"""
# Roles, queues, topics and buckets. It reads trust and key policies as if they were identities', and refuses them.
TYPES = ("iam.RolePolicy", "sqs.QueuePolicy", "sns.TopicPolicy", "s3.BucketPolicy")


def findings(documents: list[tuple[str, str]]) -> list[list[Any]]:
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHECK],
        input=json.dumps(documents),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[list[Any]] = json.loads(answer.stdout)
    return found


def is_its_own(issue: str, detail: Any) -> bool:
    """It takes only the executions of express workflows for what DescribeExecution is about; ours are standard."""
    return issue == "RESOURCE_MISMATCH" and [one["action"] for one in detail] == ["states:DescribeExecution"]


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_no_policy_names_what_aws_does_not_know(stack: str) -> None:
    documents = [(one.name, one.inputs["policy"]) for one in program(stack).of(*TYPES)]
    assert len(documents) > 20
    assert [found for found in findings(documents) if not is_its_own(found[1], found[2])] == []


def test_it_refuses_an_action_a_resource_and_a_condition_that_do_not_fit() -> None:
    def policy(**parts: object) -> str:
        whole = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/x", **parts}
        return json.dumps({"Version": "2012-10-17", "Statement": [whole]})

    documents = [
        ("good", policy()),
        ("action", policy(Action="s3:ReadObject")),
        ("resource", policy(Resource="arn:aws:s3:::bucket")),
        ("condition", policy(Condition={"StringEquals": {"s3:prefixes": "x"}})),
    ]
    assert {name for name, *_ in findings(documents)} == {"action", "resource", "condition"}
