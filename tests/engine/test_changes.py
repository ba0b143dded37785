"""What users change, through the real engine: contracts, code, and files that are wrong."""

import json

import pytest

from tests.engine.engine import Engine, Run, changes

AIRLINES = "contracts/airlines.odcs.yaml"
CARRIERS = "contracts/carriers.odcs.yaml"
NAME_COLUMN = "      - name: name\n"


def add_carriers(engine: Engine) -> Run:
    text = (engine.project / AIRLINES).read_text(encoding="utf-8")
    assert "customProperties:\n" in text
    with_crawler = "customProperties:\n  - property: crawler\n    value: true\n"
    engine.write(CARRIERS, text.replace("airlines", "carriers").replace("customProperties:\n", with_crawler))
    return engine.up("dev")


def change_all_code(engine: Engine) -> None:
    for folder in ("lambdas", "glue_jobs"):
        for file in (engine.project / folder).rglob("*.py"):
            engine.append(str(file.relative_to(engine.project)), "# changed\n")


def contracts_of(engine: Engine) -> set[str]:
    found = json.loads(engine.kept("::data-pipeline-contract-index")[0].read_text())
    return set(json.loads(found["properties"]["content"])["datasets"])


def test_a_new_dataset_is_announced_when_all_of_it_exists(dev: Engine) -> None:
    begun = len(dev.log())
    added = add_carriers(dev)
    assert added.code == 0, added.text
    assert not {"delete", "replace"} & added.counts.keys()
    assert "carriers" in contracts_of(dev)
    done = [urn.rsplit("::", 1)[-1] for _, urn in dev.log()[begun:]]
    about = {name for name in done if "carriers" in name}
    assert {"data-pipeline-crawler-carriers", "data-pipeline-contract-carriers"} <= about
    assert max(done.index(name) for name in about) < done.index("data-pipeline-contract-index")


def test_a_contract_is_written_after_the_code_that_reads_it(dev: Engine) -> None:
    begun = len(dev.log())
    change_all_code(dev)
    dev.edit(AIRLINES, NAME_COLUMN, f"      - name: note\n        logicalType: string\n{NAME_COLUMN}")
    dev.edit(AIRLINES, "version: 1.0.0", "version: 1.1.0")
    done = dev.up("dev")
    assert done.code == 0, done.text
    order = [urn for what, urn in dev.log()[begun:] if what != "delete"]
    contract = next(place for place, urn in enumerate(order) if urn.endswith("::data-pipeline-contract-airlines"))
    code = [place for place, urn in enumerate(order) if "lambda/function:Function::" in urn or "glue/job:Job::" in urn]
    assert len(code) >= 6
    assert max(code) < contract


@pytest.mark.parametrize("how", ["up", "deploy"])
def test_a_refused_contract_stops_a_deployment_before_anything_changed(dev: Engine, how: str) -> None:
    assert add_carriers(dev).code == 0
    before, done = dev.of_aws("dev"), len(dev.log())
    change_all_code(dev)
    dev.edit("Pulumi.dev.yaml", "environment: dev", "environment: dev\n    tags: {Changed: 'yes'}")
    for path in (CARRIERS, AIRLINES):
        text = (dev.project / path).read_text(encoding="utf-8")
        column = text[text.index(NAME_COLUMN) : text.index("    quality:")]
        # A column that is gone would be refused before, by the check of the queries that read it.
        no_text = column.partition("        logicalTypeOptions:")[0].replace(": string", ": date")
        dev.write(path, text.replace(column, no_text))
    refused = dev.deploy("dev") if how == "deploy" else dev.up("dev")
    assert refused.code != 0, refused.text
    assert "Traceback" not in refused.text
    for dataset in ("airlines", "carriers"):
        assert f"the contract of {dataset} from 1.0.0 to 1.0.0 is refused" in refused.text
    if how == "deploy":
        assert refused.text.count("the contract of airlines from") == 1
    assert dev.of_aws("dev") == before
    assert len(dev.log()) == done


def test_what_an_unfinished_deployment_set_out_for_counts(dev: Engine) -> None:
    """It may have written the contract, and rows may have been published under it."""
    dev.edit(AIRLINES, NAME_COLUMN, f"      - name: note\n        logicalType: string\n{NAME_COLUMN}")
    dev.edit(AIRLINES, "version: 1.0.0", "version: 1.1.0")
    change_all_code(dev)
    dev.interrupted_up("dev", after=2)
    dev.edit(AIRLINES, "      - name: note\n        logicalType: string\n", "")
    dev.edit(AIRLINES, "version: 1.1.0", "version: 1.2.0")
    refused = dev.up("dev")
    assert refused.code != 0
    assert "note: was string, is gone" in refused.text


def test_a_contract_that_goes_takes_only_what_was_its_own_along(dev: Engine) -> None:
    assert add_carriers(dev).code == 0
    begun = len(dev.log())
    (dev.project / CARRIERS).unlink()
    gone = dev.up("dev")
    assert gone.code == 0, gone.text
    assert "replace" not in gone.counts
    done = dev.log()[begun:]
    deleted = [urn.rsplit("::", 1)[-1] for what, urn in done if what == "delete"]
    assert deleted
    assert [name for name in deleted if "carriers" not in name] == []
    assert "carriers" not in contracts_of(dev)
    whats = [what for what, urn in done if what == "delete" or urn.endswith("::data-pipeline-contract-index")]
    assert whats[0] == "update", "no file is taken any more when its dataset is taken apart"


def test_changed_code_of_a_function_changes_that_function(dev: Engine) -> None:
    begun = len(dev.log())
    dev.append("lambdas/ingestion/handler.py", "# changed\n")
    done = dev.up("dev")
    assert done.code == 0, done.text
    assert 1 <= changes(done.counts).total() <= 3
    assert {urn.rsplit("::", 1)[-1] for _, urn in dev.log()[begun:]} == {"data-pipeline-ingestion"}


WRONG = {
    "contracts/wrong.odcs.yaml": ("x: 1\n", "wrong.odcs.yaml: x"),
    "queries/wrong.sql": ("SELECT 1\n", "wrong.sql: the first line must be"),
    "state_machines/batch_workflow.asl.json": ("{", "batch_workflow.asl.json: not JSON"),
}


@pytest.mark.parametrize("how", ["preview", "up", "deploy", "offline"])
def test_whatever_is_wrong_in_any_file_is_one_message(dev: Engine, how: str) -> None:
    for path, (text, _) in WRONG.items():
        dev.write(path, text)
    dev.edit("Pulumi.dev.yaml", "environment: dev", "environment: dev\n    batches: {shedule_minutes: 7}")
    says = [line for _, line in WRONG.values()]
    done = len(dev.log())
    said = {
        "preview": lambda: dev.pulumi("preview", "dev"),
        "up": lambda: dev.up("dev"),
        "deploy": lambda: dev.deploy("dev"),
        "offline": lambda: dev.run(".venv/bin/python", "-m", "ops", "preview", "--stack", "dev"),
    }[how]()
    assert said.code not in (0, 255) or how in ("preview", "up"), said.text
    assert said.code != 0
    assert "Traceback" not in said.text
    assert "shedule_minutes" in said.text
    if how == "deploy":
        # The settings are checked before the engine is asked.
        dev.edit("Pulumi.dev.yaml", "\n    batches: {shedule_minutes: 7}", "")
        said = dev.deploy("dev")
    once = 1 if how in ("deploy", "offline") else 2
    for line in says:
        assert 1 <= said.text.count(line) <= once, "the Pulumi CLI says it as it comes, and again at the end"
    assert len(dev.log()) == done
