"""What the bootstrap program declares in one account, recorded once."""

import functools
import runpy
from typing import Any

from recording.program import ROOT, DeclaredResource, Recording, record

BOUNDARY = "arn:aws:iam::111122223333:policy/boundary"
SETTINGS: dict[str, Any] = {
    "account_id": "111122223333",
    "subject": "repo:example-org@123456/data-pipeline@456789",
    "environments": {
        "dev": {"may_destroy": True},
        "staging": {"permissions_boundary_arn": BOUNDARY},
        "prod": {},
    },
}


def program() -> None:
    """Be the program that `pulumi up` runs in bootstrap/."""
    runpy.run_path(str(ROOT / "bootstrap" / "__main__.py"))


def deploy(**changes: Any) -> Recording:
    config = {"aws:region": "eu-central-1", "data-pipeline-bootstrap:settings": {**SETTINGS, **changes}}
    return record(program, config=config, stack="example", project="data-pipeline-bootstrap")


@functools.cache
def account() -> Recording:
    return deploy()


def of(type_: str) -> list[DeclaredResource]:
    found = [one for one in account().resources if one.type.endswith(f":{type_}")]
    assert found, f"a rule about no {type_} proves nothing"
    return found


def statements(role: str) -> list[dict[str, Any]]:
    """Everything that a role may do or not."""
    found = [one for one in of("Policy") if one.name.removesuffix("-" + one.name.rsplit("-", 1)[1]) == role]
    assert len(found) == 3, [one.name for one in found]
    return [statement for policy in found for statement in policy.json("policy")["Statement"]]
