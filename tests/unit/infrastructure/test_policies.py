"""Every policy document: it parses, grants nothing on everything, and trusts services for this account only."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from components.security.iam import UNSCOPED_ACTIONS, allow, allow_unscoped
from tests.unit.infrastructure.cloud import (
    ACCOUNT,
    Cloud,
    deploy,
    main_program,
    pipeline_in_network,
    shipped_config,
    stack_config,
)


def statements(cloud: Cloud) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every statement, with its resource's type and name."""
    found = list(cloud.documents())
    assert len(found) > 30, "the program has more than thirty policies, or this looked at the wrong property"
    for resource, _, document in found:
        assert document["Version"] == "2012-10-17"
        for statement in document["Statement"]:
            yield resource.type.split(":")[-1], resource.name, statement


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_no_policy_says_none(cloud: Cloud) -> None:
    texts = [resource.inputs[key] for resource, key, _ in cloud.documents()]
    assert [text for text in texts if "None" in text or "null" in text] == []


def test_only_listed_actions_are_allowed_on_everything() -> None:
    unlisted, seen = [], set()
    # Everything that may be declared is in prod with a network of its own.
    for kind, name, statement in statements(pipeline_in_network()):
        # In a key policy, "*" is the key itself.
        if kind != "RolePolicy" or statement["Effect"] != "Allow":
            continue
        if "*" in listed(statement["Resource"]):
            seen |= set(statement["Action"])
            unlisted += [(name, action) for action in statement["Action"] if action not in UNSCOPED_ACTIONS]
    assert unlisted == []
    assert seen == set(UNSCOPED_ACTIONS), "what nobody needs any more goes off the list"


def test_no_role_may_do_everything_with_a_service(cloud: Cloud) -> None:
    actions = [
        (name, action)
        for kind, name, statement in statements(cloud)
        if kind == "RolePolicy"
        for action in listed(statement["Action"])
    ]
    assert [a for a in actions if "*" in a[1]] == []


def test_no_role_policy_denies_by_being_vague(cloud: Cloud) -> None:
    # An ARN that is only a bucket's name with a star would match other buckets.
    for kind, name, statement in statements(cloud):
        if kind == "RolePolicy" and "*" not in listed(statement["Resource"]):
            for arn in listed(statement["Resource"]):
                assert re.fullmatch(r"arn:aws:[a-z0-9-]+:[a-z0-9-]*:\d*:\S+", arn), (name, arn)


def test_every_service_principal_acts_for_this_account_only(cloud: Cloud) -> None:
    services = []
    for _, name, statement in statements(cloud):
        if statement["Effect"] != "Allow" or "Service" not in statement.get("Principal", {}):
            continue
        services.append(statement["Principal"]["Service"])
        condition = statement.get("Condition", {})
        account = condition.get("StringEquals", {}).get("aws:SourceAccount")
        context = condition.get("ArnLike", {}).get("kms:EncryptionContext:aws:logs:arn", "")
        assert account == ACCOUNT or f":{ACCOUNT}:" in context, (name, statement)
    assert {service.split(".")[0] for service in services} == {
        "lambda",
        "glue",
        "states",
        "events",
        "cloudwatch",
        "budgets",
        "logs",
        "sns",
    }


def test_functions_are_invoked_by_one_rule_each(cloud: Cloud) -> None:
    rules = {rule.outputs["arn"] for rule in cloud.of("cloudwatch.EventRule")}
    for permission in cloud.of("lambda.Permission"):
        assert permission.inputs["principal"] == "events.amazonaws.com"
        assert permission.inputs["sourceArn"] in rules


def test_buckets_queues_and_topics_refuse_whoever_comes_without_tls(cloud: Cloud) -> None:
    refusing = set()
    for kind, _, statement in statements(cloud):
        if statement["Effect"] == "Deny":
            assert statement["Principal"] == "*"
            assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}, kind
            refusing |= set(listed(statement["Resource"]))
    for resource in cloud.of("s3.Bucket", "sqs.Queue", "sns.Topic"):
        assert resource.outputs["arn"] in refusing, resource.name


def test_a_bucket_refuses_for_its_objects_too(cloud: Cloud) -> None:
    for policy in cloud.of("s3.BucketPolicy"):
        (statement,) = policy.json("policy")["Statement"]
        assert [arn for arn in statement["Resource"] if arn.endswith("/*")], policy.name


def test_every_function_job_and_state_machine_has_a_role_of_its_own_and_the_crawlers_share_one(cloud: Cloud) -> None:
    users = cloud.of("lambda.Function", "glue.Job", "sfn.StateMachine")
    crawlers = {crawler.inputs["role"] for crawler in cloud.of("glue.Crawler")}
    roles = [*(user.inputs.get("role") or user.inputs["roleArn"] for user in users), *crawlers]
    assert len(crawlers) == 1
    assert sorted(roles) == sorted({role.outputs["arn"] for role in cloud.of("iam.Role")})


def test_no_role_has_a_managed_policy(cloud: Cloud) -> None:
    assert [r.name for r in cloud.of("iam.Role") if r.inputs.get("managedPolicyArns")] == []
    assert not [r for r in cloud.aws() if "olicyAttachment" in r.type]


def test_the_crawlers_read_the_tables_files_and_can_neither_make_nor_delete_a_table(dev: Cloud) -> None:
    policy = dev.one("iam.RolePolicy", "data-pipeline-crawlers-role-policy").json("policy")
    by_action = {action: listed(s["Resource"]) for s in policy["Statement"] for action in listed(s["Action"])}
    assert [arn.split("/", 1)[1] for arn in by_action["s3:GetObject"]] == ["tables/*"]
    assert by_action["glue:BatchCreatePartition"] == by_action["glue:UpdateTable"]
    assert not [action for action in by_action if re.match(r"glue:(Batch)?(Create(?!Partition)|Delete)", action)]


def test_the_workflow_may_start_the_crawlers_of_this_stack_and_of_no_other(dev: Cloud) -> None:
    policy = dev.one("iam.RolePolicy", "data-pipeline-batch-role-policy").json("policy")
    (statement,) = [one for one in policy["Statement"] if "glue:StartCrawler" in listed(one["Action"])]
    (pattern,) = listed(statement["Resource"])
    for crawler in dev.of("glue.Crawler"):
        assert fnmatchcase(crawler.outputs["arn"], pattern)
    for other in ("data-pipeline-dev-x_planes", "data-pipeline-developer_planes", "mine"):
        assert not fnmatchcase(dev.of("glue.Crawler")[0].outputs["arn"].rpartition("/")[0] + f"/{other}", pattern)


def test_where_no_dataset_has_a_crawler_nobody_may_start_one_and_there_is_no_role() -> None:
    cloud = deploy(main_program, config=shipped_config("prod"), stack="prod")
    text = str(
        [one.inputs for one in cloud.aws() if one.type in ("aws:iam/rolePolicy:RolePolicy", "aws:iam/role:Role")]
    )
    assert "glue:StartJobRun" in text
    assert "StartCrawler" not in text
    assert not [one for one in cloud.resources if "crawler" in one.name and one.type.startswith("aws:iam")]


def test_the_job_never_touches_the_published_table(dev: Cloud) -> None:
    policy = dev.one("iam.RolePolicy", "data-pipeline-raw-to-curated-role-policy").json("policy")
    changing = [s for s in policy["Statement"] if {"s3:PutObject", "s3:DeleteObject"} & set(listed(s["Action"]))]
    assert changing
    assert [arn for s in changing for arn in s["Resource"] if "/tables/" in arn or arn.endswith("0a1b2c3/*")] == []


def test_each_queue_has_one_taker_and_ticks_come_from_three_functions(dev: Cloud) -> None:
    names = {queue.outputs["arn"]: queue.name.removeprefix("data-pipeline-") for queue in dev.of("sqs.Queue")}

    def who(action: str) -> set[tuple[str, str]]:
        found = [(name, s) for _, name, s in statements(dev) if action in listed(s["Action"]) and "Principal" not in s]
        return {
            (name.removeprefix("data-pipeline-").removesuffix("-role-policy"), names[arn])
            for name, s in found
            for arn in listed(s["Resource"])
        }

    assert who("sqs:ReceiveMessage") == {("ingestion", "arrivals"), ("etl-trigger", "ticks")}
    senders = {name for name, queue in who("sqs:SendMessage") if queue == "ticks"}
    assert senders == {"ingestion", "processing", "error-handler"}


def test_a_wildcard_resource_is_refused_where_it_is_written() -> None:
    with pytest.raises(ValueError, match=r"s3:GetObject.*name the resources"):
        allow(["s3:GetObject"], ["*"])
    with pytest.raises(ValueError, match="s3:GetObject: not in UNSCOPED_ACTIONS"):
        allow_unscoped(["s3:GetObject"])
    with pytest.raises(ValueError, match=r"'s3:\*' has a wildcard"):
        allow(["s3:*"], ["arn:aws:s3:::bucket"])


def test_one_key_rotates_and_lets_in_only_services_that_need_it(cloud: Cloud) -> None:
    (key,) = cloud.of("kms.Key")
    assert key.inputs["enableKeyRotation"] is True
    principals = [s["Principal"] for s in key.json("policy")["Statement"]]
    assert {p["AWS"] for p in principals if "AWS" in p} == {f"arn:aws:iam::{ACCOUNT}:root"}
    assert {p["Service"].split(".")[0] for p in principals if "Service" in p} == {
        "logs",
        "events",
        "cloudwatch",
        "budgets",
        "sns",
    }


def test_every_role_that_uses_the_key_says_for_which_service(cloud: Cloud) -> None:
    uses = [
        (name, statement)
        for kind, name, statement in statements(cloud)
        if kind == "RolePolicy" and any(action.startswith("kms:") for action in listed(statement["Action"]))
    ]
    assert len(uses) > 6
    assert [name for name, s in uses if not s.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService")] == []


def test_a_permissions_boundary_bounds_every_role() -> None:
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
    config = stack_config("dev")
    config["data-pipeline:settings"] = {"environment": "dev", "security": {"permissions_boundary_arn": boundary}}
    bounded = deploy(main_program, config=config)
    assert {role.inputs.get("permissionsBoundary") for role in bounded.of("iam.Role")} == {boundary}


def s3_rights(cloud: Cloud, role: str) -> set[tuple[str, str]]:
    """What a role may do in S3: action and `<zone>/<prefix>`; `<zone>` alone is the bucket."""
    zones = {r.outputs["arn"]: r.name.removeprefix("data-pipeline-") for r in cloud.of("s3.Bucket")}
    found = set()
    for statement in cloud.one("iam.RolePolicy", f"data-pipeline-{role}-role-policy").json("policy")["Statement"]:
        for arn in listed(statement["Resource"]):
            if arn.startswith("arn:aws:s3:::"):
                bucket, slash, prefix = arn.partition("/")
                found |= {(action, zones[bucket] + slash + prefix) for action in listed(statement["Action"])}
    return found


# Who may change what is kept: everything else follows from reading.
CHANGES = {
    "ingestion": {"s3:PutObject quarantine/files/*", "s3:PutObject quarantine/reasons/*"},
    "etl-trigger": {"s3:PutObject artifacts/batches/*", "s3:PutObject curated/staging/*"},
    "processing": {
        "s3:PutObject curated/tables/*",
        "s3:DeleteObject curated/tables/*",
        "s3:PutObject quarantine/rows/*",
        "s3:PutObject quarantine/files/*",
        "s3:PutObject quarantine/reasons/*",
        "s3:DeleteObject quarantine/rows/*",
        "s3:DeleteObject quarantine/files/*",
        "s3:DeleteObject quarantine/reasons/*",
        "s3:PutObject artifacts/batches/*",
        "s3:PutObject artifacts/runs/*",
    },
    "query": {"s3:PutObject query-results/results/*"},
    "notification": set(),
    "error-handler": {
        "s3:PutObject quarantine/files/*",
        "s3:PutObject quarantine/reasons/*",
        "s3:PutObject artifacts/runs/*",
    },
    "raw-to-curated": {
        "s3:PutObject curated/staging/*",
        "s3:DeleteObject curated/staging/*",
    },
}


@pytest.mark.parametrize("role", CHANGES)
def test_a_role_changes_its_own_part_of_the_lake_and_no_other(dev: Cloud, role: str) -> None:
    changing = {"s3:PutObject", "s3:DeleteObject"}
    rights = s3_rights(dev, role)
    assert {f"{action} {place}" for action, place in rights if action in changing} == CHANGES[role]
    assert not [action for action, _ in rights if action in ("s3:DeleteObjectVersion", "s3:PutBucketPolicy")]


@pytest.mark.parametrize(
    ("role", "place"),
    [
        ("ingestion", "raw/*"),
        ("etl-trigger", "raw/*"),
        # A poison file is copied into the quarantine as it landed.
        ("error-handler", "raw/*"),
        # A file that nothing can be read of, too.
        ("processing", "raw/*"),
    ],
)
def test_who_works_on_recorded_versions_may_read_them(dev: Cloud, role: str, place: str) -> None:
    assert {("s3:GetObject", place), ("s3:GetObjectVersion", place)} <= s3_rights(dev, role)


@pytest.mark.parametrize(
    ("role", "place"),
    [
        ("query", "artifacts/runs/*"),
        ("query", "quarantine/rows/*"),
        ("query", "quarantine/reasons/*"),
        ("raw-to-curated", "quarantine/rows/*"),
    ],
)
def test_what_was_refused_and_the_runs_are_read_by_those_who_answer_for_them(dev: Cloud, role: str, place: str) -> None:
    assert ("s3:GetObject", place) in s3_rights(dev, role)
    assert ("s3:ListBucket", place.split("/")[0]) in s3_rights(dev, role)


def test_queries_list_only_what_they_read(dev: Cloud) -> None:
    policy = dev.one("iam.RolePolicy", "data-pipeline-query-role-policy").json("policy")
    listing = [s for s in policy["Statement"] if "s3:ListBucket" in s["Action"]]
    bound = {p for s in listing if "Condition" in s for p in s["Condition"]["StringLike"]["s3:prefix"]}
    assert bound == {f"{name}{end}" for name in ("tables", "rows", "reasons", "runs") for end in ("", "/", "/*")}
    (free,) = [s for s in listing if "Condition" not in s]
    assert free["Resource"] == [dev.one("s3.Bucket", "data-pipeline-query-results").outputs["arn"]]
