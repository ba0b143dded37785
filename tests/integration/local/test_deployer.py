"""The deployer creates what the program declares, and says exactly what it could not create."""

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from local.deployer import DeploymentError, deploy, read_config
from local.emulator import Emulator
from local.resources.archives import zip_bytes
from local.resources.base import Aws, ResourceRequest
from tests.integration.local.conftest import Deploy, policy

TRUST = policy({"Effect": "Allow", "Principal": {"Service": "sqs.amazonaws.com"}, "Action": "sts:AssumeRole"})


def declared(logical: str = "thing", directory: Path = Path(), **inputs: Any) -> ResourceRequest:
    return ResourceRequest("aws:x/y:Z", logical, inputs, Aws("http://127.0.0.1:1"), directory)


def test_outputs_name_what_really_exists(emulator: Emulator, deployed: Deploy) -> None:
    def program() -> None:
        queue = aws.sqs.Queue("arrivals", visibility_timeout_seconds=60)
        pulumi.export("url", queue.url)
        pulumi.export("account", aws.get_caller_identity_output().account_id)

    deployment = deployed(program)
    url = deployment.outputs["url"]
    attributes = emulator.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "60"
    assert re.search(r"/arrivals-[0-9a-f]{7}$", url), "Pulumi adds seven hexadecimal digits"
    assert deployment.outputs["account"] == "000000000000"
    assert [resource.type for resource in deployment.resources] == ["aws:sqs/queue:Queue"]


def test_a_resource_gets_the_real_outputs_of_the_resource_it_depends_on(emulator: Emulator, deployed: Deploy) -> None:
    def program() -> None:
        dead_letters = aws.sqs.Queue("dead-letters")
        policy = pulumi.Output.json_dumps({"deadLetterTargetArn": dead_letters.arn, "maxReceiveCount": 3})
        pulumi.export("url", aws.sqs.Queue("arrivals", redrive_policy=policy).url)

    url = deployed(program).outputs["url"]
    answer = emulator.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
    assert "arn:aws:sqs:us-east-1:000000000000:dead-letters-" in answer["Attributes"]["RedrivePolicy"]


def test_an_unknown_type_is_an_error_that_says_where_to_add_it(deployed: Deploy) -> None:
    with pytest.raises(DeploymentError, match=r"aws:ssm/patchBaseline:PatchBaseline 'patches'.*local/resources/"):
        deployed(lambda: aws.ssm.PatchBaseline("patches", approved_patches=["KB1"]))


def test_an_unknown_call_is_an_error_that_names_it(deployed: Deploy) -> None:
    with pytest.raises(DeploymentError, match=r"getAvailabilityZones.*local/deployer\.py"):
        deployed(lambda: aws.get_availability_zones())


def test_what_aws_refuses_fails_the_deployment_with_type_name_and_message(deployed: Deploy) -> None:
    def program() -> None:
        aws.iam.RolePolicy("grants", role="nobody", policy="{}")

    with pytest.raises(DeploymentError, match=r"aws:iam/rolePolicy:RolePolicy 'grants': .*NoSuchEntity"):
        deployed(program)


def test_a_program_that_raises_fails_the_deployment(deployed: Deploy) -> None:
    def program() -> None:
        raise RuntimeError("no environment named staging2")

    with pytest.raises(DeploymentError, match="no environment named staging2"):
        deployed(program)


def test_a_type_that_the_emulator_lacks_is_skipped_and_told(deployed: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("local.deployer").deployer.NOT_EMULATED, "aws:ssm/document:Document", "no API")
    deployment = deployed(lambda: aws.ssm.Document("runbook", document_type="Command", content="{}"))
    assert deployment.skipped == [("aws:ssm/document:Document", "runbook", "no API")]
    assert deployment.resources == []


def test_the_providers_default_tags_reach_every_resource(emulator: Emulator, deployed: Deploy) -> None:
    def program() -> None:
        provider = aws.Provider("p", region="us-east-1", default_tags={"tags": {"project": "pipeline", "owner": "x"}})
        role = aws.iam.Role(
            "r", assume_role_policy=TRUST, tags={"owner": "team"}, opts=pulumi.ResourceOptions(provider=provider)
        )
        pulumi.export("role", role.name)

    tags = emulator.client("iam").list_role_tags(RoleName=deployed(program).outputs["role"])["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"project": "pipeline", "owner": "team"}


def test_configuration_reaches_the_program(emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-west-1\n  shop:settings: {days: 3}\n")

    def program() -> None:
        pulumi.export("days", pulumi.Config().require_object("settings")["days"])
        pulumi.export("region", aws.get_region_output().region)

    deployment = deploy(emulator.endpoint, "dev", tmp_path, program=program)
    assert deployment.outputs == {"days": 3, "region": "eu-west-1"}


def test_the_program_is_the_projects_main(emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    (tmp_path / "__main__.py").write_text("import pulumi\npulumi.export('stack', pulumi.get_stack())\n")
    assert deploy(emulator.endpoint, "dev", tmp_path).outputs == {"stack": "dev"}


def test_a_stack_without_a_file_is_refused_with_the_stacks_there_are(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    with pytest.raises(DeploymentError, match=r"no Pulumi.test.yaml; .*: dev"):
        read_config(tmp_path, "test")


@pytest.mark.parametrize("content", ["config: [", "config: {a: 1, a: 2}", "config: {a: 2020-01-01}", "- a", ""])
def test_a_stack_file_that_cannot_be_read_is_refused_by_its_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "Pulumi.test.yaml").write_text(content)
    with pytest.raises(DeploymentError, match=r"Pulumi\.test\.yaml: "):
        read_config(tmp_path, "test")


def test_a_secret_is_deployed_as_its_value(emulator: Emulator, deployed: Deploy) -> None:
    def program() -> None:
        topic = aws.sns.Topic("t", display_name=pulumi.Output.secret("hush"))
        pulumi.export("arn", topic.arn)

    arn = deployed(program).outputs["arn"]
    assert emulator.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"] == "hush"


@pytest.mark.parametrize(
    ("inputs", "pattern"),
    [
        ({}, r"thing-[0-9a-f]{7}"),
        ({"name": "given"}, "given"),
        ({"namePrefix": "pre-"}, r"pre-\d{26}"),
    ],
)
def test_a_physical_name_is_what_pulumi_would_give(inputs: dict[str, Any], pattern: str) -> None:
    assert re.fullmatch(pattern, declared(**inputs).physical(64))


def test_a_name_that_aws_would_not_take_is_refused() -> None:
    with pytest.raises(ValueError, match="has 72 characters, AWS allows 64"):
        declared("n" * 64).physical(64)


def test_assets_and_archives_are_read_from_the_project(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/handler.py").write_text("x")
    (tmp_path / "one.txt").write_text("one")
    resource = declared(directory=tmp_path)
    assert resource.archive(pulumi.StringAsset("text")) == b"text"
    assert resource.archive(pulumi.FileAsset("one.txt")) == b"one"
    parts: dict[str, Any] = {"lib": pulumi.FileArchive("code"), "note.txt": pulumi.StringAsset("n")}
    archive = zipfile.ZipFile(io.BytesIO(resource.archive(pulumi.AssetArchive(parts))))
    assert archive.namelist() == ["lib/handler.py", "note.txt"]
    folder = zipfile.ZipFile(io.BytesIO(resource.archive(pulumi.FileArchive("code"))))
    assert folder.read("handler.py") == b"x"
    with pytest.raises(ValueError, match="a str cannot be read here"):
        resource.archive("path")


def test_an_archive_has_the_same_bytes_for_the_same_content(tmp_path: Path) -> None:
    zipped = zip_bytes({"b": b"2", "a": b"1"})
    (tmp_path / "x.zip").write_bytes(zipped)
    assert zipped == zip_bytes({"a": b"1", "b": b"2"})
    nested = zipfile.ZipFile(io.BytesIO(zip_bytes({"in": tmp_path / "x.zip"})))
    assert nested.namelist() == ["in/a", "in/b"]


def catalog_table(**inputs: Any) -> None:
    database = aws.glue.CatalogDatabase("lake", name=inputs.pop("database"))
    aws.glue.CatalogTable(
        "seen",
        name="seen",
        database_name=database.name,
        table_type="EXTERNAL_TABLE",
        parameters={"classification": "json"},
        partition_keys=[{"name": "day", "type": "string"}],
        storage_descriptor={
            "location": "s3://bucket/seen/",
            "columns": [{"name": "id", "type": "bigint"}],
            "input_format": "in",
            "ser_de_info": {"serialization_library": "library"},
        },
        **inputs,
    )


def test_a_catalog_table_is_what_the_program_says(emulator: Emulator, deployed: Deploy) -> None:
    deployed(lambda: catalog_table(database="tables_1"))
    table = emulator.client("glue").get_table(DatabaseName="tables_1", Name="seen")["Table"]
    storage = table["StorageDescriptor"]
    assert table["PartitionKeys"] == [{"Name": "day", "Type": "string"}]
    assert table["Parameters"] == {"classification": "json"}
    assert storage["Columns"] == [{"Name": "id", "Type": "bigint"}]
    assert storage["SerdeInfo"] == {"SerializationLibrary": "library"}
    assert (storage["Location"], storage["InputFormat"]) == ("s3://bucket/seen/", "in")


def test_an_input_of_a_catalog_table_that_would_be_lost_is_an_error(deployed: Deploy) -> None:
    with pytest.raises(DeploymentError, match="does not handle the inputs owner, retention of"):
        deployed(lambda: catalog_table(database="tables_2", owner="me", retention=3))
