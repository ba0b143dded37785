"""What keeps data: protected, kept on AWS, and under the URNs by which Pulumi knows it (components/stateful.txt)."""

from collections.abc import Callable

import pulumi
import pulumi_aws as aws
import pytest
from pulumi import Alias, ResourceOptions

from policies.data import DATA, GUARDS
from tests.unit.infrastructure.cloud import ROOT, STACKS, Cloud, DeclaredResource, deploy, pipeline, short_type

RECORDED = [
    line
    for line in (ROOT / "components" / "stateful.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def after_stack(urn: str) -> str:
    return urn.split("::", 2)[2]


def lost(declared: list[DeclaredResource], recorded: list[str]) -> list[str]:
    """Say of every recorded resource that the program would no longer find what to do."""
    found = {after_stack(urn) for one in declared for urn in (one.urn, *one.aliases)}
    return [
        f"{urn}: Pulumi would no longer know it, and its data would be gone from the pipeline. If it was renamed, the "
        f"new one takes aliases=[pulumi.Alias(name={urn.split('::')[-1]!r})]; if it moved, it or its component takes "
        "aliases=[pulumi.Alias(parent=<URN of the old parent>)], or Alias(type_=<the component's old type>). This line "
        "stays in components/stateful.txt, beside a new one."
        for urn in recorded
        if urn not in found
    ]


def unrecorded(declared: list[DeclaredResource], recorded: list[str]) -> list[str]:
    return [
        f"{after_stack(one.urn)}: add it to components/stateful.txt"
        for one in declared
        if after_stack(one.urn) not in recorded
    ]


@pytest.mark.parametrize("stack", STACKS)
def test_pulumi_finds_every_resource_that_keeps_data_again(stack: str) -> None:
    declared = pipeline(stack).of(*DATA)
    assert lost(declared, RECORDED) == []
    assert unrecorded(declared, RECORDED) == []


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_what_keeps_data_is_protected_and_stays_on_aws(stack: str) -> None:
    data = pipeline(stack).of(*DATA)
    assert {short_type(r.type) for r in data} == set(DATA)
    assert [r.name for r in data if not r.protect] == []
    assert [r.name for r in data if not r.retain_on_delete] == []
    assert [r.name for r in data if r.inputs.get("forceDestroy")] == []


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_a_bucket_that_stays_on_aws_keeps_what_guards_it(stack: str) -> None:
    guards = pipeline(stack).of(*GUARDS)
    assert {short_type(r.type) for r in guards} == set(GUARDS)
    assert [r.name for r in guards if not r.retain_on_delete] == []


def test_a_development_environment_can_be_taken_down(dev: Cloud) -> None:
    assert [r.name for r in dev.of(*DATA) if r.protect or r.retain_on_delete] == []


class Zone(pulumi.ComponentResource):
    """Holds a bucket, as a zone does."""

    def __init__(self, name: str, bucket: str, opts: ResourceOptions | None = None, *, alias: str = "") -> None:
        super().__init__("pipeline:storage:Zone", name, None, opts)
        aliases = [Alias(name=alias)] if alias else []
        aws.s3.Bucket(bucket, opts=ResourceOptions(parent=self, aliases=aliases))


KNOWN = "pipeline:storage:Zone$aws:s3/bucket:Bucket::lake-raw"


@pytest.mark.parametrize(
    ("program", "found"),
    [
        (lambda: Zone("lake", "lake-raw"), True),
        (lambda: Zone("lake", "lake-landing"), False),
        (lambda: Zone("lake", "lake-landing", alias="lake-raw"), True),
        (lambda: Zone("lake", "lake-landing", alias="lake-rwa"), False),
        # a component that is renamed takes its children with it, if it says so
        (lambda: Zone("pond", "pond-raw"), False),
        (lambda: Zone("pond", "pond-raw", ResourceOptions(aliases=[Alias(name="lake")])), True),
        # a component that moves below another one
        (lambda: Zone("lake", "lake-raw", ResourceOptions(parent=Zone("outer", "outer-raw"))), False),
        (
            lambda: Zone(
                "lake",
                "lake-raw",
                ResourceOptions(parent=Zone("outer", "outer-raw"), aliases=[Alias(parent=pulumi.ROOT_STACK_RESOURCE)]),
            ),
            True,
        ),
    ],
)
def test_a_new_name_or_place_needs_an_alias_that_names_the_old_one(program: Callable[[], object], found: bool) -> None:
    said = lost(deploy(program).of("s3.Bucket"), [KNOWN])
    assert said == [] if found else "aliases=[pulumi.Alias(name='lake-raw')]" in said[0]
