"""AWS's own list of actions, resources and conditions, as parliament has it, finds nothing wrong with our policies."""

import json
import subprocess
import sys
from typing import Any

import pytest

from policies.documents import HOLDERS
from policies.model import Program
from tests.unit.policies.programs import program, program_in_network

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
# It reads every policy as an identity's, so those of resources get the resource that they are about.
RESOURCES = {
    "iam.Role": "arn:aws:iam::111122223333:role/name",
    "kms.Key": "arn:aws:kms:eu-central-1:111122223333:key/id",
}


def documents(program: Program) -> list[tuple[str, str]]:
    """Every policy that the program declares, of whatever kind; of a key, all but what lets the account decide."""
    found = []
    for one in program.resources:
        for key in HOLDERS:
            if (document := one.json(key)) is None:
                continue
            own = [part for part in document["Statement"] if part.get("Sid") != "AccountDecidesByIam"]
            if resource := RESOURCES.get(one.type):
                own = [{**part, "Resource": resource} for part in own]
            found.append((f"{one.name}.{key}", json.dumps({**document, "Statement": own})))
    return found


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


def is_its_own(name: str, issue: str, detail: Any) -> bool:
    """Whether parliament is wrong, or goes further than what a policy is for."""
    actions = {one["action"] for one in detail} if issue == "RESOURCE_MISMATCH" else set()
    return (
        # Only the executions of express workflows are what it takes for DescribeExecution; ours are standard.
        actions == {"states:DescribeExecution"}
        # `*/*` is what Lambda's guide says for interfaces, and Glue's; it knows only what begins with the kind.
        or (bool(actions) and actions <= INTERFACE_ACTIONS)
        # CloudWatch Logs' guide compares the log group in the encryption context so, and asks for DescribeKey with it.
        or (name == "data-pipeline-key.policy" and "kms:EncryptionContext:aws:logs:arn" in str(detail))
        or (name == "data-pipeline-key.policy" and issue == "MISMATCHED_TYPE")
        # An endpoint's policy bounds whose credentials are used there, for whatever they may do.
        or (name.startswith("data-pipeline-network-") and issue == "RESOURCE_STAR")
    )


INTERFACE_ACTIONS = {
    f"ec2:{verb}"
    for verb in (
        "AssignPrivateIpAddresses",
        "CreateNetworkInterface",
        "DeleteNetworkInterface",
        "UnassignPrivateIpAddresses",
    )
}


@pytest.mark.parametrize("stack", ["dev", "prod", "prod in a network of its own"])
def test_no_policy_names_what_aws_does_not_know(stack: str) -> None:
    declared = program_in_network() if " " in stack else program(stack)
    of_all = documents(declared)
    kinds = {one.type for one in declared.resources for key in HOLDERS if one.json(key) is not None}
    assert {"iam.Role", "iam.RolePolicy", "kms.Key", "sqs.QueuePolicy", "sns.TopicPolicy", "s3.BucketPolicy"} <= kinds
    assert ("ec2.VpcEndpoint" in kinds) == (" " in stack)
    assert len(of_all) > 30
    assert [found for found in findings(of_all) if not is_its_own(*found)] == []


def test_it_refuses_an_action_a_resource_and_a_condition_that_do_not_fit() -> None:
    def policy(**parts: object) -> str:
        whole = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/x", **parts}
        return json.dumps({"Version": "2012-10-17", "Statement": [whole]})

    tried = [
        ("good", policy()),
        ("action", policy(Action="s3:ReadObject")),
        ("resource", policy(Resource="arn:aws:s3:::bucket")),
        ("condition", policy(Condition={"StringEquals": {"s3:prefixes": "x"}})),
    ]
    assert {name for name, *_ in findings(tried)} == {"action", "resource", "condition"}
