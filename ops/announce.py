"""Says which stack, environment, account, region and endpoint a command works on, before it does anything."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import boto3
from rich.console import Console

from ops.target import TargetError
from plain_console import print_line

AWS = "AWS"


class Place(NamedTuple):
    """Where a command works."""

    account: str
    region: str
    endpoint: str


def announce(outputs: Mapping[str, Any], source: str, console: Console) -> Place:
    """Print one line about the deployment and whose credentials are used, and answer where that is.

    Raises:
        TargetError: the credentials or the region are not those of the deployment.
    """
    sts, s3 = boto3.client("sts"), boto3.client("s3").meta.endpoint_url
    # The session that the command goes on with: another one would read AWS's service descriptions once more.
    session = boto3.DEFAULT_SESSION or boto3.Session()
    account, region = sts.get_caller_identity()["Account"], session.region_name or sts.meta.region_name
    endpoint = AWS if s3.partition("://")[2].rstrip("/").endswith((".amazonaws.com", ".amazonaws.com.cn")) else s3
    _, deployed_region, deployed_account = _place(outputs)
    # Stacks with the same rules live side by side: it is their name that tells them apart.
    stack, environment = (outputs.get(name) or "not said" for name in ("stack", "environment"))
    print_line(
        console,
        f"{source}: stack {stack}, environment {environment}, account {account}, region {region}, endpoint {endpoint}",
    )
    for name, found, wanted in (("account", account, deployed_account), ("region", region, deployed_region)):
        if wanted and found != wanted:
            raise TargetError(
                f"{source} is deployed in {name} {wanted}, the credentials and settings here are of {name} {found}: "
                "use those of the deployment (AWS_PROFILE, AWS_REGION)"
            )
    return Place(account=account, region=region or "", endpoint=endpoint)


def _place(outputs: Mapping[str, Any]) -> tuple[str, str, str]:
    """Partition, region and account of a deployment, by the ARN of its workflow; empty where it has none."""
    parts = str(outputs.get("state_machine_arn", "")).split(":")
    return (parts[1], parts[3], parts[4]) if len(parts) > 5 else ("", "", "")
