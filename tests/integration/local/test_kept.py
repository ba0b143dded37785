"""A second deployment changes what is different, and says of what it cannot change what to do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from local import kept as kept_module
from local.deployer import Deployment, DeploymentError
from local.emulator import SAVED, Emulator
from local.kept import Kept, KeptError
from tests.integration.local.conftest import Deploy, policy

TRUST = policy({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
Again = Callable[..., Deployment]


@pytest.fixture
def again(deployed: Deploy, tmp_path: Path, emulator: Emulator) -> Again:
    """Deploys as each run of `make local` does: with what the file has, which is all that is left of the last one."""

    def run(program: Callable[[], object]) -> Deployment:
        (tmp_path / SAVED).parent.mkdir(exist_ok=True)
        (tmp_path / SAVED).touch()
        return deployed(program, kept=Kept.of(tmp_path / kept_module.FILE, emulator.endpoint))

    return run


def lake(text: str = "a", tags: dict[str, str] | None = None, more: Callable[[Any], object] = lambda _: None) -> Any:
    def program() -> None:
        bucket = aws.s3.Bucket("lake", tags=tags)
        aws.s3.BucketObjectv2("note", bucket=bucket.bucket, key="notes/a.txt", content=text)
        more(bucket)
        pulumi.export("bucket", bucket.bucket)

    return program


def content(emulator: Emulator, bucket: str, key: str = "notes/a.txt") -> str:
    return str(emulator.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode())


def test_what_is_the_same_is_not_made_again(emulator: Emulator, again: Again) -> None:
    first = again(lake())
    emulator.client("s3").put_object(Bucket=first.outputs["bucket"], Key="notes/a.txt", Body=b"by hand")
    second = again(lake())
    assert (first.created, first.changed) == (2, 0)
    assert (second.created, second.changed) == (0, 0)
    assert second.outputs == first.outputs
    assert second.resources == first.resources
    assert content(emulator, first.outputs["bucket"]) == "by hand"


def test_what_is_new_is_made_and_what_is_different_is_changed(emulator: Emulator, again: Again) -> None:
    bucket = again(lake()).outputs["bucket"]

    def more(bucket: Any) -> None:
        aws.s3.BucketObjectv2("other", bucket=bucket.bucket, key="notes/b.txt", content="b")

    second = again(lake("c", more=more))
    assert (second.created, second.changed, second.left) == (1, 1, ())
    assert second.outputs["bucket"] == bucket
    assert content(emulator, bucket) == "c"
    assert content(emulator, bucket, "notes/b.txt") == "b"

    third = again(lake("c"))
    assert (third.created, third.changed, third.left) == (0, 0, ())
    keys = [item["Key"] for item in emulator.client("s3").list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == ["notes/a.txt"], "an object that is declared no more is gone"
    assert again(lake("c", more=more)).created == 1, "and forgotten"


def test_what_cannot_be_changed_stays_and_the_rest_is_done(emulator: Emulator, again: Again) -> None:
    bucket = again(lake()).outputs["bucket"]
    with pytest.raises(DeploymentError, match=r"aws:s3/bucket:Bucket 'lake': .*`make local FRESH=yes`"):
        again(lake("b", tags={"x": "y"}))
    assert content(emulator, bucket) == "a", "nothing is built on what is not as declared"
    assert again(lake("b")).outputs["bucket"] == bucket
    assert content(emulator, bucket) == "b"


def test_what_cannot_be_removed_is_named(again: Again) -> None:
    def with_queue(_: Any) -> None:
        aws.sqs.Queue("waiting")

    again(lake(more=with_queue))
    assert again(lake()).left == ("aws:sqs/queue:Queue waiting",)
    assert again(lake(more=with_queue)).created == 0


def test_what_a_deployment_made_before_it_failed_is_kept(emulator: Emulator, again: Again) -> None:
    def broken(bucket: Any) -> None:
        aws.ssm.PatchBaseline("patches", description=bucket.bucket)

    with pytest.raises(DeploymentError, match="ssm"):
        again(lake(more=broken))
    done = again(lake())
    assert done.created <= 1, "the bucket is there"
    assert content(emulator, done.outputs["bucket"]) == "a"


def test_code_policies_definitions_tables_and_queries_are_changed_in_place(
    emulator: Emulator, again: Again, tmp_path: Path
) -> None:
    def program(version: int) -> Callable[[], None]:
        def run() -> None:
            role = aws.iam.Role("role", assume_role_policy=TRUST)
            document = policy({"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::b{version}/*"})
            aws.iam.RolePolicy("may", role=role.name, policy=document)
            answer = pulumi.StringAsset(f"def handler(event, context):\n    return {version}\n")
            function = aws.lambda_.Function(
                "answer",
                role=role.arn,
                runtime="python3.13",
                handler="index.handler",
                code=pulumi.AssetArchive({"index.py": answer}),
                timeout=10 + version,
            )
            state = {"StartAt": "End", "States": {"End": {"Type": "Pass", "Result": version, "End": True}}}
            machine = aws.sfn.StateMachine("way", role_arn=role.arn, definition=json.dumps(state))
            database = aws.glue.CatalogDatabase("kept")
            column = aws.glue.CatalogTableStorageDescriptorColumnArgs(name=f"c{version}", type="string")
            storage = aws.glue.CatalogTableStorageDescriptorArgs(columns=[column], location="s3://b/t")
            table = aws.glue.CatalogTable("t", name="t", database_name=database.name, storage_descriptor=storage)
            query = aws.athena.NamedQuery("q", name="q", database=database.name, query=f"SELECT {version}")
            for name, value in (("function", function.name), ("machine", machine.arn), ("database", database.name)):
                pulumi.export(name, value)
            pulumi.export("role", role.name)
            pulumi.export("query", query.id)
            pulumi.export("table", table.name)

        return run

    first, second = again(program(1)), again(program(2))
    assert (second.created, second.changed) == (0, 5)
    names = second.outputs
    changes_id = {"query"}
    assert {key: names[key] for key in names.keys() - changes_id} == {
        key: first.outputs[key] for key in names.keys() - changes_id
    }
    functions = emulator.client("lambda")
    assert functions.invoke(FunctionName=names["function"])["Payload"].read() == b"2"
    assert functions.get_function_configuration(FunctionName=names["function"])["Timeout"] == 12
    policies = emulator.client("iam")
    [named] = policies.list_role_policies(RoleName=names["role"])["PolicyNames"]
    assert "b2/" in json.dumps(policies.get_role_policy(RoleName=names["role"], PolicyName=named)["PolicyDocument"])
    definition = emulator.client("stepfunctions").describe_state_machine(stateMachineArn=names["machine"])["definition"]
    assert json.loads(definition)["States"]["End"]["Result"] == 2
    table = emulator.client("glue").get_table(DatabaseName=names["database"], Name="t")["Table"]
    assert [column["Name"] for column in table["StorageDescriptor"]["Columns"]] == ["c2"]
    athena = emulator.client("athena")
    ids = athena.list_named_queries()["NamedQueryIds"]
    queries = [athena.get_named_query(NamedQueryId=one)["NamedQuery"] for one in ids]
    assert [one["QueryString"] for one in queries if one["Database"] == names["database"]] == ["SELECT 2"]


def test_an_archive_that_changes_is_a_change(again: Again, tmp_path: Path, emulator: Emulator) -> None:
    (tmp_path / "file.txt").write_text("1")

    def program() -> None:
        bucket = aws.s3.Bucket("b")
        aws.s3.BucketObjectv2("file", bucket=bucket.bucket, key="f", source=pulumi.FileAsset("file.txt"))
        pulumi.export("bucket", bucket.bucket)

    again(program)
    assert again(program).changed == 0
    (tmp_path / "file.txt").write_text("2")
    done = again(program)
    assert done.changed == 1
    assert content(emulator, done.outputs["bucket"], "f") == "2"


def test_what_another_emulator_or_release_wrote_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / kept_module.FILE
    Kept("http://127.0.0.1:1", path).save()
    with pytest.raises(KeptError, match=r"killed before its data were written\. `make local FRESH=yes`"):
        Kept.of(path, "http://127.0.0.1:1")
    (tmp_path / SAVED).parent.mkdir()
    (tmp_path / SAVED).touch()
    assert Kept.of(path, "http://127.0.0.1:1").resources == {}
    with pytest.raises(KeptError, match=r"are of http://127\.0\.0\.1:1: take its port"):
        Kept.of(path, "http://127.0.0.1:2")
    monkeypatch.setattr(kept_module, "version", lambda _: "0.0.1")
    with pytest.raises(KeptError, match=r"written by MiniStack .*0\.0\.1 is installed"):
        Kept.of(path, "http://127.0.0.1:1")
