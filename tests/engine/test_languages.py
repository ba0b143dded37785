"""A program in YAML that uses the components, through the real CLI, engine and language host for YAML."""

import re

from tests.engine.engine import ROOT, Engine, yaml_host
from tests.engine.test_changes import NAME_COLUMN


def program(engine: Engine) -> None:
    """Write the example of docs/components.md beside the project, which it finds as if it were cloned."""
    (engine.root / "bin" / "pulumi-language-yaml").symlink_to(yaml_host())
    (engine.root / "data-pipeline").symlink_to(engine.project)
    found = re.search(r"```yaml\n(.*?)```", (ROOT / "docs" / "components.md").read_text(), re.DOTALL)
    assert found
    (engine.root / "lake").mkdir()
    (engine.root / "lake" / "Pulumi.yaml").write_text(found[1])


def test_a_yaml_program_deploys_a_pipeline_and_its_contracts_are_compared(engine: Engine) -> None:
    program(engine)
    lake = engine.root / "lake"
    engine.new_stack("dev", cwd=lake)
    up = engine.pulumi("up --yes --skip-preview", "dev", cwd=lake)
    assert up.code == 0, up.text
    assert re.search(r'rawBucket *: "pipeline-raw-', up.text)
    assert '"flights"' in up.text
    made = [urn for what, urn in engine.log() if what == "create"]
    assert any("data-pipeline:index:DataPipeline$pipeline:data_pipeline:DataPipeline$" in urn for urn in made)
    assert any(urn.endswith("::events") and "DeadLetters$aws:sqs/queue:Queue" in urn for urn in made)

    left = engine.pulumi("preview --expect-no-changes", "dev", cwd=lake)
    assert left.code == 0, left.text

    airlines = "contracts/airlines.odcs.yaml"
    text = (engine.project / airlines).read_text(encoding="utf-8")
    column = text[text.index(NAME_COLUMN) : text.index("    quality:")]
    engine.edit(airlines, column, column.partition("        logicalTypeOptions:")[0].replace(": string", ": date"))
    refused = engine.pulumi("preview", "dev", cwd=lake)
    assert refused.code != 0, refused.text
    assert "the contract of airlines from 1.0.0 to 1.0.0 is refused" in refused.text


def test_a_yaml_program_with_wrong_settings_is_refused_by_name(engine: Engine) -> None:
    program(engine)
    lake = engine.root / "lake"
    file = lake / "Pulumi.yaml"
    right = file.read_text()
    engine.new_stack("dev", cwd=lake)
    file.write_text(right.replace("maxWorkers: 4", "maxWorker: 4"))
    unknown = engine.pulumi("preview", "dev", cwd=lake)
    assert unknown.code != 0
    assert "maxWorker does not exist" in unknown.text
    file.write_text(right.replace("maxWorkers: 4", "maxWorkers: 1"))
    few = engine.pulumi("preview", "dev", cwd=lake)
    assert few.code != 0
    assert "glue.max_workers = 1: allowed is" in few.text
    assert engine.log() == []
