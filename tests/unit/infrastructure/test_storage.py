"""Buckets, their lifecycles and the ledger."""

import copy
import re
from typing import Any

import pytest

from components.storage import lifecycle
from components.user_files import UserFileError
from config.model import MOST_TAGS, OWN_TAGS, StorageConfig
from tests.unit.infrastructure.cloud import ROOT, Cloud, deploy, main_program, stack_config

ZONES = {"raw", "curated", "quarantine", "artifacts", "query-results"}


def by_bucket(cloud: Cloud, type_: str) -> dict[str, Any]:
    """The inputs of each bucket's companion, by zone."""
    names = {r.outputs["bucket"]: r.name.removeprefix("data-pipeline-") for r in cloud.of("s3.Bucket")}
    found = {names[r.inputs["bucket"]]: r.inputs for r in cloud.of(type_)}
    assert len(found) == len(cloud.of(type_)), "one for each bucket"
    return found


def test_every_bucket_blocks_every_kind_of_public_access(cloud: Cloud) -> None:
    blocks = by_bucket(cloud, "s3.BucketPublicAccessBlock")
    assert blocks.keys() == ZONES
    kinds = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert [zone for zone, block in blocks.items() if not all(block[kind] is True for kind in kinds)] == []


def test_every_bucket_encrypts_with_the_environments_key_and_keeps_the_bill_of_kms_small(cloud: Cloud) -> None:
    (key,) = cloud.of("kms.Key")
    encryption = by_bucket(cloud, "s3.BucketServerSideEncryptionConfiguration")
    assert encryption.keys() == ZONES
    for configuration in encryption.values():
        (rule,) = configuration["rules"]
        assert rule["bucketKeyEnabled"] is True
        assert rule["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"] == key.outputs["arn"]


def test_every_bucket_keeps_versions_and_disables_acls(cloud: Cloud) -> None:
    versioning, owners = by_bucket(cloud, "s3.BucketVersioning"), by_bucket(cloud, "s3.BucketOwnershipControls")
    assert versioning.keys() == owners.keys() == ZONES
    assert {v["versioningConfiguration"]["status"] for v in versioning.values()} == {"Enabled"}
    assert {o["rule"]["objectOwnership"] for o in owners.values()} == {"BucketOwnerEnforced"}


def test_no_bucket_pays_for_unfinished_uploads_or_old_versions_forever(cloud: Cloud) -> None:
    rules = by_bucket(cloud, "s3.BucketLifecycleConfiguration")
    assert rules.keys() == ZONES
    for zone, configuration in rules.items():
        everything = [r for r in configuration["rules"] if r["filter"]["prefix"] == ""]
        assert any("abortIncompleteMultipartUpload" in r for r in everything), zone
        assert any("noncurrentVersionExpiration" in r for r in everything), zone
        assert any(r.get("expiration") == {"expiredObjectDeleteMarker": True} for r in everything), zone


def test_a_lifecycle_never_expires_tables_contracts_or_batch_papers(cloud: Cloud) -> None:
    rules = by_bucket(cloud, "s3.BucketLifecycleConfiguration")
    expiring = {
        (zone, r["filter"]["prefix"])
        for zone, c in rules.items()
        for r in c["rules"]
        if "days" in (r.get("expiration") or {})
    }
    assert expiring == {("curated", "staging/"), ("query-results", "results/")}


def test_staging_outlives_every_execution_and_goes_when_the_runbook_says_so(cloud: Cloud) -> None:
    rules = by_bucket(cloud, "s3.BucketLifecycleConfiguration")["curated"]["rules"]
    ((rule, days),) = [(r, r["expiration"]["days"]) for r in rules if r["filter"]["prefix"] == "staging/"]
    (machine,) = cloud.of("sfn.StateMachine")
    assert days * 86_400 > machine.json("definition")["TimeoutSeconds"], "a batch reads its staged files to its end"
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    (said,) = re.findall(r"staging folder, which expires\s+after (\d+) days", runbook)
    assert (rule["status"], days) == ("Enabled", int(said))


def test_raw_files_move_to_colder_storage_in_order() -> None:
    config = StorageConfig(raw_to_infrequent_access_after_days=30, raw_to_glacier_after_days=180)
    (_, age) = lifecycle.raw(config)
    assert age.transitions == ((30, "STANDARD_IA"), (180, "GLACIER_IR"))
    assert [rule.id for rule in lifecycle.raw(StorageConfig())] == ["housekeeping"], "a rule must do something"


@pytest.mark.parametrize("zone", [lifecycle.raw, lifecycle.quarantine])
def test_what_is_kept_for_a_time_expires_after_it(zone: Any) -> None:
    config = StorageConfig(raw_expires_after_days=400, quarantine_expires_after_days=400)
    assert [rule.expires_after_days for rule in zone(config)] == [None, 400]


def test_raw_files_of_prod_cannot_be_deleted_for_a_month(prod: Cloud) -> None:
    locks = by_bucket(prod, "s3.BucketObjectLockConfiguration")
    assert {zone: lock["rule"]["defaultRetention"] for zone, lock in locks.items()} == {
        "raw": {"mode": "GOVERNANCE", "days": 30}
    }


def test_the_raw_bucket_tells_eventbridge_and_that_with_batches_papers_where_lineage_is_told_of(cloud: Cloud) -> None:
    told = by_bucket(cloud, "s3.BucketNotification")
    lineage = any("lineage" in one.name for one in cloud.of("lambda.Function"))
    assert told.keys() == {"raw", *(["artifacts"] if lineage else [])}
    assert all(one["eventbridge"] is True for one in told.values())


def test_objects_are_put_after_their_bucket_encrypts(cloud: Cloud) -> None:
    encryption = cloud.one("s3.BucketServerSideEncryptionConfiguration", "data-pipeline-artifacts-encryption")
    assert [r.name for r in cloud.of("s3.BucketObjectv2") if encryption.urn not in r.dependencies] == []


def test_the_ledger_can_be_brought_back(cloud: Cloud, prod: Cloud) -> None:
    (table,) = cloud.of("dynamodb.Table")
    (key,) = cloud.of("kms.Key")
    assert table.inputs["pointInTimeRecovery"] == {"enabled": True}
    assert table.inputs["serverSideEncryption"] == {"enabled": True, "kmsKeyArn": key.outputs["arn"]}
    assert table.inputs["ttl"] == {"attributeName": "expires_at", "enabled": True}
    assert prod.of("dynamodb.Table")[0].inputs["deletionProtectionEnabled"] is True


def test_the_ledger_has_the_keys_that_the_functions_use(dev: Cloud) -> None:
    (table,) = dev.of("dynamodb.Table")
    (index,) = table.inputs["globalSecondaryIndexes"]
    assert (table.inputs["hashKey"], table.inputs["rangeKey"]) == ("pk", "sk")
    keys = [(key["attributeName"], key["keyType"]) for key in index["keySchemas"]]
    assert (index["name"], keys) == ("pending", [("pending_shard", "HASH"), ("landed_at", "RANGE")])
    assert not {"hashKey", "rangeKey"} & index.keys(), "they are deprecated, and cannot stand beside it"
    declared = {attribute["name"] for attribute in table.inputs["attributes"]}
    assert declared == {"pk", "sk", "pending_shard", "landed_at"}, "DynamoDB refuses attributes that are no key"


def with_tags(count: int) -> Cloud:
    config = copy.deepcopy(stack_config("prod"))
    config["data-pipeline:settings"]["tags"] = {f"tag-{number}": "x" for number in range(count)}
    return deploy(main_program, config=config, stack="prod")


def test_with_as_many_tags_as_a_stack_may_have_no_object_has_more_than_s3_takes() -> None:
    found = with_tags(MOST_TAGS)
    (provider,) = found.of("providers.aws")
    defaults = provider.json("defaultTags")["tags"]
    assert {"tag-0", f"tag-{MOST_TAGS - 1}", *OWN_TAGS} <= defaults.keys()
    assert len(defaults) == 10, "one more would be too many"
    for one in found.of("s3.BucketObjectv2"):
        assert len({**defaults, **(one.inputs.get("tags") or {})}) <= 10, one.name


@pytest.mark.parametrize("count", [MOST_TAGS + 1, 47])
def test_more_tags_than_an_object_takes_are_refused_before_anything_is_declared(count: int) -> None:
    with pytest.raises(UserFileError, match=f"tags = '{count} tags': allowed is at most {MOST_TAGS}: contracts and"):
        with_tags(count)
