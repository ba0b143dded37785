"""What the roles of GitHub Actions may do: plain data, by service, action by action. No pulumi, no boto.

Physical names begin with `data-pipeline-` (Pulumi adds a random end), and most of them do not say the environment:
where two environments share an account, `_others` keeps them apart by the tag `Environment`. The roles' own names do
not begin so, or a deployment could change what it may do itself.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from bootstrap import network
from bootstrap.network import PROJECT, Statement, allow
from bootstrap.services import COMPUTE, DATA, SERVICES, UNSCOPED

PARTS = ("data", "compute", "rest")
REVIEW, REVIEW_STACKS, SAMPLES = "review", "review*", "samples"
"""The GitHub environment of pull requests' stacks, the names of those stacks as a pattern (a database has `_` in the
place of `-`), and the document that their role has beside those of a deployment."""
PASSED_TO = ("glue.amazonaws.com", "lambda.amazonaws.com", "states.amazonaws.com")


@dataclass(frozen=True, kw_only=True)
class Account:
    """Where the roles live, and the account's state."""

    partition: str
    region: str
    id: str
    state_bucket_arn: str
    key_arn: str

    @property
    def here(self) -> str:
        """Region and account, as they stand in an ARN."""
        return f"{self.region}:{self.id}"


def deploy_policies(
    account: Account,
    environment: str,
    *,
    may_destroy: bool,
    may_make_network: bool,
    boundary_arn: str | None,
    stacks: str | None = None,
) -> dict[str, list[Statement]]:
    """What the deploy role of an environment may do, in documents by name, each within IAM's limit.

    `stacks` is a pattern of the stacks' names, where they are not called as the environment whose rules they keep.
    """
    kinds = ("reads", "writes", "destroys") if may_destroy else ("reads", "writes")
    made = [
        *network.reads(account.partition, account.here, [environment]),
        *network.writes(account.partition, account.here, account.id, environment),
    ]
    found = {network.PART: made} if may_make_network else {}
    return found | {
        "data": _services(account, environment, kinds, DATA, stacks),
        "compute": _services(account, environment, kinds, COMPUTE, stacks),
        "rest": [
            _unscoped("reads"),
            _unscoped("writes"),
            *_roles(account, boundary_arn),
            *_keys(account, environment),
            *_smoke(account, stacks or environment),
            *_state(account, stacks or environment, write=True, secrets_of=REVIEW if stacks else environment),
            _others(environment),
        ],
    }


def review_policies(account: Account, boundary_arn: str | None) -> dict[str, list[Statement]]:
    """What the role of pull requests may do: deploy and destroy stacks of dev's rules, and try them with rows."""
    deploys = deploy_policies(
        account, "dev", may_destroy=True, may_make_network=False, boundary_arn=boundary_arn, stacks=REVIEW_STACKS
    )
    return {**deploys, SAMPLES: list(_samples(account))}


def preview_policies(
    account: Account, environments: Sequence[str], with_network: Sequence[str]
) -> dict[str, list[Statement]]:
    """What the preview role may do: read what the deploy roles of the account make, and their state."""
    kinds = ("reads",)
    found = {network.PART: network.reads(account.partition, account.here, with_network)} if with_network else {}
    return found | {
        "data": _distinct([one for name in environments for one in _services(account, name, kinds, DATA)]),
        "compute": _distinct([one for name in environments for one in _services(account, name, kinds, COMPUTE)]),
        "rest": [
            _unscoped("reads"),
            _parameters(account),
            *_distinct([one for name in environments for one in _state(account, name, write=False, secrets_of=name)]),
        ],
    }


def document(statements: Sequence[Statement]) -> str:
    """The JSON of a policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(provider_arn: str, subject: str, environment: str) -> str:
    """Let the jobs of one GitHub environment of one repository assume a role, and nobody else.

    StringEquals, not StringLike: a pattern is how another repository or a pull request gets in.
    """
    claims = {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": f"{subject}:environment:{environment}",
    }
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": claims},
    }
    return document([statement])


def secrets_provider(alias: str, region: str, environment: str) -> str:
    """Pulumi's URL of the key that encrypts a stack's secrets; the context binds them to the environment."""
    return f"awskms://{alias}?region={region}&context_environment={environment}"


def _services(
    account: Account, environment: str, kinds: Sequence[str], names: Collection[str], stacks: str | None = None
) -> list[Statement]:
    # Names have the stack's, tags say the environment.
    tags = {"env": environment}
    parts = {"p": account.partition, "here": account.here, "a": account.id, "env": stacks or environment}
    statements = []
    for service in SERVICES:
        actions = [f"{service.name}:{action}" for kind in kinds for action in getattr(service, kind)]
        if service.name not in names or not actions:
            continue
        condition = {
            operator: {key: value.format(**tags) for key, value in pairs.items()}
            for operator, pairs in (service.condition or {}).items()
        }
        statements.append(allow(actions, [pattern.format(**parts) for pattern in service.resources], condition))
    return statements


def _unscoped(what: str) -> Statement:
    return allow(sorted(action for action, (kind, _) in UNSCOPED.items() if kind == what), ["*"])


def _roles(account: Account, boundary_arn: str | None) -> Iterator[Statement]:
    ours = [f"arn:{account.partition}:iam::{account.id}:role/{PROJECT}-*"]
    bound = {"StringEquals": {"iam:PermissionsBoundary": boundary_arn}} if boundary_arn else None
    # With a boundary, no role is made or given permissions without it, and it is never taken away.
    yield allow(["iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"], ours, bound)
    verbs = ("DeleteRole", "DeleteRolePolicy", "TagRole", "UntagRole", "UpdateAssumeRolePolicy", "UpdateRole")
    yield allow([f"iam:{verb}" for verb in verbs], ours)
    yield allow(["iam:PassRole"], ours, {"StringEquals": {"iam:PassedToService": list(PASSED_TO)}})


def _keys(account: Account, environment: str) -> Iterator[Statement]:
    # A key's name is made up by AWS: it is known by its tags. Services use it on behalf of what is deployed.
    key = [f"arn:{account.partition}:kms:{account.here}:key/*"]
    tags = {"aws:ResourceTag/Project": PROJECT, "aws:ResourceTag/Environment": environment}
    via = [f"{service}.{account.region}.amazonaws.com" for service in ("dynamodb", "lambda", "s3", "sqs", "ssm")]
    yield allow(
        ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"], key, {"StringEquals": {**tags, "kms:ViaService": via}}
    )
    grants = {"StringEquals": tags, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    yield allow(["kms:CreateGrant"], key, grants)
    # A key that is being made has no tags yet, only the request has. That would do for any key: not for the state's.
    requested = {key.replace("Resource", "Request"): value for key, value in tags.items()}
    yield allow(["kms:TagResource"], key, {"StringEquals": requested})
    yield {"Effect": "Deny", "Action": ["kms:TagResource"], "Resource": [account.key_arn]}


def _parameters(account: Account) -> Statement:
    """Read encrypted parameters: a preview that refreshes compares them with the stack's secrets, which it has, too."""
    key = [f"arn:{account.partition}:kms:{account.here}:key/*"]
    conditions = {"aws:ResourceTag/Project": PROJECT, "kms:ViaService": f"ssm.{account.region}.amazonaws.com"}
    return allow(["kms:Decrypt"], key, {"StringEquals": conditions})


def _smoke(account: Account, stack: str) -> Iterator[Statement]:
    here = account.here
    functions = [
        f"arn:{account.partition}:lambda:{here}:function:{PROJECT}-{name}-*" for name in ("etl-trigger", "query")
    ]
    yield allow(["s3:PutObject"], [f"arn:{account.partition}:s3:::{PROJECT}-raw-*/canary/*"])
    yield allow(["dynamodb:GetItem"], [f"arn:{account.partition}:dynamodb:{here}:table/{PROJECT}-ledger-*"])
    yield allow(["lambda:InvokeFunction"], functions)
    execution = f"arn:{account.partition}:states:{here}:execution:{PROJECT}-{stack}:*"
    yield allow(["states:DescribeExecution"], [execution])


def _samples(account: Account) -> Iterator[Statement]:
    """Land rows in any dataset, follow them, and ask the named queries: Athena reads and writes as who asks."""
    bucket = f"arn:{account.partition}:s3:::{PROJECT}"
    execution = f"arn:{account.partition}:states:{account.here}:execution:{PROJECT}-{REVIEW_STACKS}:*"
    yield allow(["s3:PutObject"], [f"{bucket}-raw-*/*"])
    # The tables of runs and of what was refused lie beside the curated ones.
    tables = ("artifacts", "curated", "quarantine", "query-results")
    yield allow(["s3:GetObject"], [f"{bucket}-{zone}-*/*" for zone in tables])
    yield allow(["s3:AbortMultipartUpload", "s3:PutObject"], [f"{bucket}-query-results-*/*"])
    yield allow(["states:GetExecutionHistory"], [execution])
    queries = ("BatchGetNamedQuery", "GetQueryExecution", "GetQueryResults", "ListNamedQueries", "StartQueryExecution")
    workgroup = f"arn:{account.partition}:athena:{account.here}:workgroup/{PROJECT}-{REVIEW_STACKS}"
    yield allow([f"athena:{verb}" for verb in queries], [workgroup])
    catalog = f"arn:{account.partition}:glue:{account.here}"
    known = [
        f"{catalog}:catalog",
        f"{catalog}:database/data_pipeline_{REVIEW_STACKS}",
        f"{catalog}:table/data_pipeline_{REVIEW_STACKS}/*",
    ]
    reads = ("BatchGetPartition", "GetDatabase", "GetPartition", "GetPartitions", "GetTable", "GetTables")
    yield allow([f"glue:{verb}" for verb in reads], known)


def _state(account: Account, stack: str, *, write: bool, secrets_of: str) -> Iterator[Statement]:
    """The stack's own files. A preview neither locks nor writes (Pulumi's pkg/backend/diy, lock.go and backend.go)."""
    folders = (
        f"stacks/{PROJECT}/{stack}.*",
        f"history/{PROJECT}/{stack}/*",
        f"backups/{PROJECT}/{stack}/*",
        f"locks/organization/{PROJECT}/{stack}/*",
    )
    files = [f"{account.state_bucket_arn}/.pulumi/{folder}" for folder in folders]
    reads, writes = ["s3:GetObject"], ["s3:DeleteObject", "s3:PutObject"]
    # Not bound to a prefix: S3 answers 404 for a file that is not there yet to who may list the bucket, else 403.
    yield allow(["s3:ListBucket"], [account.state_bucket_arn])
    yield allow([*reads, *writes] if write else reads, files)
    yield allow(reads, [f"{account.state_bucket_arn}/.pulumi/meta.yaml"])
    s3 = f"s3.{account.region}.amazonaws.com"
    use = ["kms:Decrypt", "kms:GenerateDataKey"] if write else ["kms:Decrypt"]
    yield allow(use, [account.key_arn], {"StringEquals": {"kms:ViaService": s3}})
    secrets = {"StringEquals": {"kms:EncryptionContext:environment": secrets_of}}
    yield allow(["kms:Decrypt", "kms:Encrypt"] if write else ["kms:Decrypt"], [account.key_arn], secrets)


def _others(environment: str) -> Statement:
    """Keep away from what another environment of the same account has, where AWS compares tags."""
    tags = {"aws:ResourceTag/Project": PROJECT}
    return {
        "Sid": "OtherEnvironments",
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {
            "StringEquals": tags,
            "StringNotEquals": {"aws:ResourceTag/Environment": environment},
            # A tag that is not there is "not equal", too.
            "Null": {"aws:ResourceTag/Environment": "false"},
        },
    }


def _distinct(statements: Sequence[Statement]) -> list[Statement]:
    return list({json.dumps(statement, sort_keys=True): statement for statement in statements}.values())
