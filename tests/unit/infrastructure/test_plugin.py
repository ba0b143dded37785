"""The components that programs in other languages use: what Pulumi's analyzer makes of them, and what they declare."""

import copy
import importlib
import inspect
import json
import pkgutil
import re
import typing
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.provider.experimental.analyzer import Analyzer
from pulumi.provider.experimental.component import ComponentProvider

import components
from config.model import PipelineConfig
from ops.pages import plugin as pages
from ops.pages.generate import PageError
from ops.pages.plugin import SCHEMA_FILE, schema, sections_of
from plugin import settings as mirror
from plugin.evolution import allows_breaking, breaking
from plugin.names import NAME, token
from plugin.public import INTERNAL, PUBLIC, version
from recording.program import record
from tests.unit.infrastructure.cloud import ROOT, Cloud, main_program, stack_config

SCHEMA: Any = schema()
REGION = {"aws:region": "eu-central-1"}
KEY = "arn:aws:kms:eu-central-1:111122223333:key/k"
FOLDERS = {"contractsFolder": str(ROOT / "contracts"), "queriesFolder": str(ROOT / "queries")}
PLAIN: Any = {
    "DataPipeline": {"settings": {"environment": "dev"}, **FOLDERS},
    "EncryptionKey": {"alias": "events"},
    "Zone": {"kmsKeyArn": KEY, "expiresAfterDays": 30.0, "lockedDays": 7.0, "events": True},
    "Topic": {
        "kmsKeyArn": KEY,
        "subscriptions": [{"protocol": "email", "endpoint": "a@example.com"}],
        "publishers": {"cloudwatch.amazonaws.com": ["arn:aws:cloudwatch:eu-central-1:111122223333:alarm:x"]},
    },
    "WorkQueue": {"kmsKeyArn": KEY, "consumerTimeoutSeconds": 60.0},
    "DeadLetters": {"kmsKeyArn": KEY},
}
"""Arguments of each component as Pulumi hands them over: numbers are floats."""


def construct(component: str, arguments: Any, **options: Any) -> tuple[Cloud, dict[str, Any]]:
    """What Pulumi does for a program in another language, and what that program gets."""
    provider = ComponentProvider([*PUBLIC], NAME, version=version())

    def program() -> None:
        opts = pulumi.ResourceOptions(**{name: make() for name, make in options.items()})
        state = provider.construct("x", token(component), arguments, opts).state
        for name, value in state.items():
            pulumi.export(name, value)

    cloud = Cloud()
    record(program, config=REGION, stack="dev", recording=cloud)
    return cloud, cloud.exports


def all_components() -> set[str]:
    found = set()
    for module in pkgutil.walk_packages(components.__path__, "components."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if (
                inspect.isclass(value)
                and issubclass(value, pulumi.ComponentResource)
                and value.__module__ == module.name
            ):
                found.add(name)
    return found


def test_each_component_is_offered_or_it_is_said_why_not() -> None:
    offered = {component.__name__ for component in PUBLIC}
    assert not offered & INTERNAL.keys()
    assert offered | INTERNAL.keys() == all_components()


def test_pulumi_s_analyzer_takes_each_component_that_is_offered() -> None:
    for component in PUBLIC:
        assert Analyzer(NAME).analyze([component])["component_definitions"].keys() == {component.__name__}


def test_nothing_is_without_a_description() -> None:
    missing = [
        f"{owner}.{name}"
        for kind in ("resources", "types")
        for owner, said in SCHEMA[kind].items()
        for properties in ("inputProperties", "properties")
        for name, each in said.get(properties, {}).items()
        if not each.get("description") and not str(each.get("$ref", "")).startswith("#/types/")
    ]
    assert missing == []


def test_the_plugin_s_settings_have_the_fields_of_the_program_s() -> None:
    sections = sections_of(PipelineConfig)
    own = {name for name, value in vars(mirror).items() if typing.is_typeddict(value)}
    assert own == {section.__name__ for section in sections}
    for section in sections:
        said = getattr(mirror, section.__name__)
        assert list(typing.get_type_hints(said)) == list(section.model_fields)
        needed = {name for name, field in section.model_fields.items() if field.is_required()}
        assert said.__required_keys__ == needed


@pytest.mark.parametrize("component", [component.__name__ for component in PUBLIC])
def test_a_component_gives_what_its_schema_says_and_is_called_as_it_says(component: str) -> None:
    cloud, outputs = construct(component, PLAIN[component])
    (outer,) = [one for one in cloud.resources if one.type == token(component)]
    assert outer.name == "x"
    said = SCHEMA["resources"][token(component)]
    assert set(said["required"]) <= outputs.keys() <= said["properties"].keys()
    kinds: Any = {"string": str, "integer": int, "number": int, "array": list, "object": dict}
    wrong = [name for name, value in outputs.items() if not isinstance(value, kinds[said["properties"][name]["type"]])]
    assert wrong == []


def test_the_pipeline_is_what_the_program_declares() -> None:
    declared = Cloud()
    record(main_program, config=stack_config("dev"), stack="dev", recording=declared)
    settings = {"environment": "dev", "monitoring": {"monthlyBudgetDollars": 50.0}}
    made, outputs = construct("DataPipeline", {**PLAIN["DataPipeline"], "settings": settings})

    def resources(cloud: Cloud, name: str) -> set[tuple[str, str, str]]:
        return {
            (one.type, re.sub(rf"^{name}\b", "N", one.name), json.dumps(one.inputs.get("tags"), default=str))
            for one in cloud.aws()
        }

    assert resources(made, "x") == resources(declared, "data-pipeline")
    assert outputs.keys() == {
        re.sub(r"_(\w)", lambda found: found[1].upper(), name)
        for name, value in declared.exports.items()
        if value is not None
    }
    (provider,) = [one for one in made.resources if one.type == "pulumi:providers:aws"]
    (own,) = [one for one in declared.resources if one.type == "pulumi:providers:aws"]
    assert provider.inputs == own.inputs
    assert {one.provider.rsplit("::", 1)[0] for one in made.aws()} == {provider.urn}


def test_texts_are_taken_as_folders_are() -> None:
    texts = {
        "contracts": [file.read_text() for file in sorted((ROOT / "contracts").glob("*.odcs.yaml"))],
        "queries": {file.stem: file.read_text() for file in (ROOT / "queries").glob("*.sql")},
    }
    from_texts, _ = construct("DataPipeline", {"settings": {"environment": "dev"}, **texts})
    from_folders, _ = construct("DataPipeline", PLAIN["DataPipeline"])
    kinds = ("s3.BucketObjectv2", "athena.NamedQuery")
    assert [
        {one.name: (one.inputs.get("content"), one.inputs.get("query")) for one in cloud.of(*kinds)}
        for cloud in (from_texts,)
    ] == [
        {one.name: (one.inputs.get("content"), one.inputs.get("query")) for one in cloud.of(*kinds)}
        for cloud in (from_folders,)
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"contracts": ["x"]}, "x: contracts and contractsFolder are both given; allowed is one of them"),
        ({"queries": {"x": "y"}}, "x: queries and queriesFolder are both given"),
        ({"contractsFolder": "nowhere"}, "x: nowhere: there is no such folder in "),
        ({"contractsFolder": None}, "x: contracts or contractsFolder is needed"),
        ({"queriesFolder": None, "queries": {"../x": "y"}}, "x: queries: '../x.sql' is no name of a query"),
    ],
)
def test_what_cannot_be_read_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(Exception, match=re.escape(said)):
        construct("DataPipeline", {**PLAIN["DataPipeline"], **change})


@pytest.mark.parametrize("workers", [1.0, 2.5])
def test_settings_are_refused_as_the_program_s_are(workers: float) -> None:
    with pytest.raises(Exception, match=rf"x: settings.*\n.*glue.max_workers = {workers:g}: allowed is"):
        construct(
            "DataPipeline",
            {**PLAIN["DataPipeline"], "settings": {"environment": "dev", "glue": {"maxWorkers": workers}}},
        )


def test_a_provider_of_the_program_s_own_is_taken_and_says_the_tags_itself() -> None:
    import pulumi_aws as aws

    def own() -> dict[str, aws.Provider]:
        return {"aws": aws.Provider("own", region="eu-west-1")}

    cloud, _ = construct("DataPipeline", PLAIN["DataPipeline"], providers=own)
    assert {one.provider.split("::")[3] for one in cloud.aws()} == {"own"}
    tagged = {**PLAIN["DataPipeline"], "settings": {"environment": "dev", "tags": {"Team": "x"}}}
    with pytest.raises(Exception, match=r"tags and security\.account_id are allowed only without a provider"):
        construct("DataPipeline", tagged, providers=own)


def test_another_stack_name_gives_other_physical_names() -> None:
    cloud, outputs = construct("DataPipeline", {**PLAIN["DataPipeline"], "stackName": "dev-second"})
    assert outputs["database"] == "data_pipeline_dev_second"
    assert cloud.of("athena.Workgroup")[0].inputs["name"] == "data-pipeline-dev-second"


def test_data_is_kept_unless_it_is_said_that_it_may_go() -> None:
    kept, _ = construct("Zone", {"kmsKeyArn": KEY})
    gone, _ = construct("Zone", {"kmsKeyArn": KEY, "allowDestroy": True})
    assert [(one.protect, one.inputs.get("forceDestroy")) for one in kept.of("s3.Bucket")] == [(True, False)]
    assert [(one.protect, one.inputs.get("forceDestroy")) for one in gone.of("s3.Bucket")] == [(False, True)]


def test_queues_and_topics_take_messages_over_tls_only() -> None:
    for component, policies in (("WorkQueue", 2), ("DeadLetters", 1), ("Topic", 1)):
        cloud, _ = construct(component, PLAIN[component])
        found = cloud.of("sqs.QueuePolicy", "sns.TopicPolicy")
        assert len(found) == policies
        assert all("aws:SecureTransport" in one.inputs["policy"] for one in found)


def test_the_schema_is_the_one_on_disk_and_takes_no_break_that_the_version_does_not_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert json.loads((ROOT / SCHEMA_FILE).read_text()) == SCHEMA
    older = copy.deepcopy(SCHEMA)
    older["resources"][token("Zone")]["inputProperties"]["gone"] = {"type": "string"}
    (tmp_path / "schemas").mkdir()
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    (tmp_path / SCHEMA_FILE).write_text(json.dumps(older))
    with pytest.raises(PageError, match=r"data-pipeline:index:Zone: gone is gone\n.*raise the version"):
        pages.schema_file()
    (tmp_path / SCHEMA_FILE).write_text(json.dumps({**older, "version": "0.0.9"}))
    assert json.loads(pages.schema_file()) == SCHEMA


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("types/{}PipelineConfig/properties/glue", None, "PipelineConfig: glue is gone"),
        ("types/{}GlueConfig/properties/maxWorkers/type", "string", "GlueConfig: maxWorkers was "),
        ("types/{}GlueConfig/required", ["maxWorkers"], "GlueConfig: maxWorkers is required"),
        ("types/{}PipelineConfig/required", [], None),
        ("types/{}GlueConfig", None, "GlueConfig is gone"),
        ("resources/{}Zone/inputProperties/kmsKeyArn", None, "Zone: kmsKeyArn is gone"),
        ("resources/{}Zone/inputProperties/kmsKeyArn/plain", True, "Zone: kmsKeyArn was "),
        ("resources/{}Zone/requiredInputs", ["events", "kmsKeyArn"], "Zone: events is required"),
        ("resources/{}Zone/requiredInputs", [], None),
        ("resources/{}Zone/properties/arn", None, "Zone: arn is gone"),
        ("resources/{}Zone/required", ["arn"], "Zone: bucket may be missing"),
        ("resources/{}Zone/inputProperties/more", {"type": "string"}, None),
        ("resources/{}Zone/inputProperties/kmsKeyArn/description", "other words", None),
        ("resources/{}Topic/inputProperties/publishers/additionalProperties/items/type", "integer", "publishers was "),
    ],
)
def test_what_breaks_programs_is_named(path: str, value: object, said: str | None) -> None:
    changed = copy.deepcopy(SCHEMA)
    *parents, last = path.format("data-pipeline:index:").split("/")
    place = changed
    for part in parents:
        place = place[part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    found = breaking(SCHEMA, changed)
    assert len(found) == (0 if said is None else 1)
    assert said is None or said in found[0]


@pytest.mark.parametrize(
    ("old", "new", "allowed"),
    [("0.1.0", "0.2.0", True), ("0.1.0", "0.1.9", False), ("0.1.0", "1.0.0", True), ("1.1.0", "1.2.0", False),
     ("1.9.0", "2.0.0", True), ("1.0.0", "1.0.0", False), ("0.2.0", "0.1.0", False)],
)  # fmt: skip
def test_a_version_announces_a_break_by_its_first_number_that_is_not_zero(old: str, new: str, allowed: bool) -> None:
    assert allows_breaking(old, new) is allowed


def examples() -> dict[str, str]:
    page = (ROOT / "docs" / "components.md").read_text()
    return dict(re.findall(r"```(yaml|typescript|go)\n(.*?)```", page, re.DOTALL))


def wrong(value: Any, said: Any, where: str) -> list[str]:
    """What is not as the schema says, of an object's properties, however deep."""
    if "$ref" in said:
        said = SCHEMA["types"][said["$ref"].removeprefix("#/types/")]
        return of_object(value, said["properties"], said.get("required", []), where)
    if isinstance(value, str) and value.startswith("${"):
        return [] if not said.get("plain") else [f"{where} takes no output"]
    kinds: Any = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}
    if type(value) is not kinds[said["type"]]:
        return [f"{where} = {value!r} is no {said['type']}"]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    items = said.get("items", said.get("additionalProperties"))
    return [each for one in inner for each in wrong(one, items, where)]


def of_object(value: Any, properties: Any, required: Any, where: str) -> list[str]:
    found = [f"{where}.{name} is missing" for name in required if name not in value]
    for name, each in value.items():
        found += (
            wrong(each, properties[name], f"{where}.{name}") if name in properties else [f"{where}.{name} is unknown"]
        )
    return found


def test_the_example_in_yaml_fits_the_schema() -> None:
    program = yaml.safe_load(examples()["yaml"])
    for name, resource in program["resources"].items():
        said = SCHEMA["resources"][resource["type"].replace(":", ":index:")]
        assert of_object(resource["properties"], said["inputProperties"], said["requiredInputs"], name) == []
    for value in program["outputs"].values():
        name, output = value.removeprefix("${").removesuffix("}").split(".")
        kind = program["resources"][name]["type"].replace(":", ":index:")
        assert output in SCHEMA["resources"][kind]["properties"]


def test_the_examples_in_other_languages_name_what_there_is() -> None:
    pipeline = SCHEMA["resources"][token("DataPipeline")]
    known = {*pipeline["inputProperties"], *pipeline["properties"]}
    known |= {name for said in SCHEMA["types"].values() for name in said["properties"]}
    script = re.findall(r"\b(\w+): [{\[\"\d]", examples()["typescript"].split("queries:")[0])
    go = [name[0].lower() + name[1:] for name in re.findall(r"\b([A-Z]\w+): ", examples()["go"])]
    assert set(script) == {"settings", "environment", "glue", "maxWorkers", "contracts"}
    assert set(go) == {"settings", "environment", "contractsFolder"}
    assert {*script, *go, "rawBucket"} <= known
