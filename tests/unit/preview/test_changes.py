"""What would come, change, be replaced and go; and what becomes of data."""

import copy
import inspect
from dataclasses import replace
from typing import Any

import pulumi_aws as aws
import pytest

from ops.preview.changes import changes
from ops.preview.snapshot import Snapshot, take
from ops.preview.stateful import REPLACED_BY
from policies.data import DATA
from tests.unit.infrastructure.cloud import deploy, main_program, pipeline, short_type, stack_config
from tests.unit.preview.seen import BUCKET, KEY, OBJECT, PROVIDER, QUEUE, TABLE, compared, seen


def test_what_is_the_same_is_no_change() -> None:
    assert compared([seen(QUEUE, delay=1)], [seen(QUEUE, delay=1)]) == []


def test_a_resource_comes_changes_and_goes() -> None:
    old = [seen(QUEUE, "gone"), seen(QUEUE, "kept", delay=1)]
    new = [seen(QUEUE, "kept", delay=2), seen(QUEUE, "new")]
    assert [(c.action, c.name, [d.path for d in c.differences]) for c in compared(old, new)] == [
        ("add", "new", []),
        ("change", "kept", ["delay"]),
        ("remove", "gone", []),
    ]


@pytest.mark.parametrize(
    ("type_", "change"),
    [
        (BUCKET, {"bucket": "other"}),
        (BUCKET, {"region": "eu-west-1"}),
        (BUCKET, {"objectLockEnabled": True}),
        (TABLE, {"name": "other"}),
        (TABLE, {"hashKey": "id"}),
        (TABLE, {"localSecondaryIndexes": [{"name": "i"}]}),
        (KEY, {"multiRegion": True}),
        (KEY, {"customerMasterKeySpec": "RSA_4096"}),
    ],
)
def test_an_input_that_cannot_be_changed_replaces_what_keeps_data_and_is_a_danger(
    type_: str, change: dict[str, Any]
) -> None:
    (found,) = compared([seen(type_)], [seen(type_, **change)])
    assert found.action == "replace"
    (path,) = change
    assert found.danger.startswith("it is replaced, and its data is deleted (")
    assert found.refused
    assert path in found.danger


@pytest.mark.parametrize(
    ("type_", "change"),
    [
        (BUCKET, {"forceDestroy": True}),
        (TABLE, {"globalSecondaryIndexes": [{"name": "i"}]}),
        (TABLE, {"ttl": {"enabled": False}}),
        (KEY, {"policy": "{}"}),
        (QUEUE, {"name": "other"}),
    ],
)
def test_an_input_that_is_changed_in_place_is_none(type_: str, change: dict[str, Any]) -> None:
    (found,) = compared([seen(type_)], [seen(type_, **change)])
    assert (found.action, found.danger) == ("change", "")


def test_data_under_a_new_name_is_deleted_unless_an_alias_names_the_old_one() -> None:
    gone, new = compared([seen(BUCKET, "raw")], [seen(BUCKET, "landing")])
    assert (gone.action, gone.danger) == ("remove", "it is deleted, and its data is deleted")
    assert (new.action, new.name) == ("add", "landing")
    (kept,) = compared([seen(BUCKET, "raw")], [seen(BUCKET, "landing", former="raw")])
    assert (kept.action, kept.danger) == ("change", "")
    assert kept.former.endswith("::raw")


def test_what_becomes_of_the_files_of_a_dataset_whose_contract_goes_or_is_renamed_is_said() -> None:
    was, is_ = (seen(OBJECT, name, key=f"contracts/{name}.json", content="{}") for name in ("flights", "trips"))
    index = seen(OBJECT, "index", key="contracts/index.json", content="{}")
    gone, new, changed = compared([was, index], [is_, replace(index, inputs={**index.inputs, "content": "[]"})])
    assert (gone.action, gone.name) == ("remove", "flights")
    assert gone.danger == "its files will be rejected, and its table stays without crawler and alarms"
    assert not gone.refused, "Pulumi does it, and the data stays"
    assert (new.action, new.danger, changed.name, changed.danger) == ("add", "", "index", "")


def test_what_the_base_protects_or_retains_is_said_to_be() -> None:
    (refused,) = compared([seen(BUCKET, protect=True)], [])
    assert refused.danger == "Pulumi refuses to have it deleted: it is protected"
    assert refused.refused
    assert compared([seen(QUEUE)], [])[0].refused is False, "a queue is made again"


def test_another_region_replaces_all_that_keeps_data() -> None:
    old = [seen(PROVIDER, region="eu-central-1"), seen(BUCKET), seen(QUEUE)]
    new = [seen(PROVIDER, region="eu-west-1"), seen(BUCKET), seen(QUEUE)]
    bucket, provider = compared(old, new)
    assert (bucket.action, bucket.type) == ("replace", BUCKET)
    assert "the provider's region" in bucket.danger
    assert provider.type == PROVIDER


def test_every_input_that_is_said_to_replace_is_one_of_its_type() -> None:
    classes: dict[str, Any] = {BUCKET: aws.s3.Bucket, TABLE: aws.dynamodb.Table, KEY: aws.kms.Key}
    assert REPLACED_BY.keys() == classes.keys()
    assert {short_type(type_) for type_ in REPLACED_BY} == set(DATA), "what is protected is what is watched here"
    for type_, inputs in REPLACED_BY.items():
        known = {camel(name) for name in inspect.signature(classes[type_]._internal_init).parameters}
        assert inputs <= known


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def test_dangers_come_first() -> None:
    found = compared([seen(BUCKET, "z"), seen(QUEUE, "a", delay=1)], [seen(QUEUE, "a", delay=2), seen(QUEUE, "b")])
    assert [c.name for c in found] == ["z", "b", "a"]


def of(stack: str, settings: dict[str, Any]) -> Snapshot:
    config = copy.deepcopy(stack_config(stack))
    for section, values in settings.items():
        config["data-pipeline:settings"].setdefault(section, {}).update(values)
    return take(stack, deploy(main_program, config=config, stack=stack).resources, {})


def test_the_program_does_not_differ_from_itself() -> None:
    first, second = (take("prod", one.resources, {}) for one in (pipeline("prod"), of_prod()))
    assert changes(first, second) == [], "an order, a time or a random name got into what is declared"


def of_prod() -> Any:
    return deploy(main_program, config=stack_config("prod"), stack="prod")


def test_a_setting_changes_what_it_is_about_and_nothing_else() -> None:
    base = take("prod", pipeline("prod").resources, {})
    found = changes(base, of("prod", {"glue": {"max_workers": 30}}))
    assert {(c.action, str(c)) for c in found} == {
        ("change", "glue.Job data-pipeline-raw-to-curated"),
        ("change", "lambda.Function data-pipeline-etl-trigger"),
    }
    (trigger,) = [c for c in found if c.name == "data-pipeline-etl-trigger"]
    assert [(d.path, d.old, d.new) for d in trigger.differences] == [("environment.variables.MAX_WORKERS", "20", "30")]


def test_what_a_snapshot_is_sent_as_is_what_arrives() -> None:
    base = take("prod", pipeline("prod").resources, {"kms": 1.0})
    assert Snapshot.from_json(base.to_json()) == base
