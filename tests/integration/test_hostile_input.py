"""Input as an attacker would shape it: keys, fields and parameters are data, and stay what they were."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pipeline_core.report import SPARK, STAGE

from local.deployer import read_config
from local.driver import Pipeline, PipelineError
from local.emulator import Emulator
from recording.decisions import denials
from tests.integration.conftest import REPOSITORY, with_spark
from tests.integration.kept import keep_decisions

SECONDS = 300
HEADER = "carrier,name\n"
LONGEST = "airlines/" + "/".join(["x" * 100] * 9) + "/" + "y" * 102 + ".csv"
KEYS = (
    "airlines/../../etc/passwd.csv",
    "airlines/with blank/and\ttab.csv",
    "airlines/new\nline.csv",
    "airlines/100%25/%2e%2e/a%b.csv",
    """airlines/'quo"te`s;--.csv""",
    "airlines/{glob,*}[a-z]?.csv",
    "airlines/hidden_/dot./a=b/c.csv",
    "airlines/naïve-文件-🛩.csv",
    "airlines/$(id) & | > out.csv",
    LONGEST,
)
FORMULAS = ('=cmd|"/c calc"!A1', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "'; DROP TABLE airlines; --")


@pytest.fixture(scope="module", params=[STAGE, SPARK])
def engine(request: pytest.FixtureRequest) -> str:
    """What stages the batches."""
    return str(request.param)


@pytest.fixture(scope="module")
def emulator(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One for each engine."""
    with Emulator(tmp_path_factory.mktemp("emulator"), wait_scale=0.05) as emulator:
        yield emulator
    keep_decisions(emulator)


@pytest.fixture(scope="module")
def config(engine: str) -> dict[str, Any]:
    config = read_config(REPOSITORY, "local")
    return with_spark(config) if engine == SPARK else config


@pytest.fixture(scope="module")
def answers(pipeline: Pipeline) -> Pipeline:
    """One file under every key, each with one row of its own; the formulas are in a file of theirs."""
    assert len(LONGEST.encode()) == 1_024
    files = [(key, f"{HEADER}K{place},file {place}\n".encode()) for place, key in enumerate(KEYS)]
    quoted = [f'F{place},"{text.replace(chr(34), chr(34) * 2)}"\n' for place, text in enumerate(FORMULAS)]
    pipeline.land([*files, ("airlines/formulas.csv", (HEADER + "".join(quoted)).encode())])
    progress = pipeline.wait(lambda state: state.done, SECONDS)
    assert {file.key: file.status for file in progress.files} == dict.fromkeys(
        [*KEYS, "airlines/formulas.csv"], "PUBLISHED"
    )
    return pipeline


def sources(pipeline: Pipeline) -> dict[str, str]:
    sql = 'SELECT carrier, "_source_file" FROM airlines'
    found = pipeline.invoke("query", {"sql": sql})["rows"]
    return {str(carrier): str(source).rpartition("?versionId=")[0] for carrier, source in found}


def test_a_row_says_which_key_it_came_from_whatever_the_key_looks_like(answers: Pipeline) -> None:
    found = sources(answers)
    assert {f"K{place}": key for place, key in enumerate(KEYS)} == {
        carrier: key for carrier, key in found.items() if carrier.startswith("K")
    }


def test_a_formula_is_published_as_the_text_that_it_is(answers: Pipeline) -> None:
    rows = answers.invoke("query", {"sql": "SELECT carrier, name FROM airlines WHERE carrier LIKE 'F%'"})["rows"]
    assert dict(rows) == {f"F{place}": text.strip() for place, text in enumerate(FORMULAS)}


@pytest.mark.parametrize("text", ["' OR '1'='1", "x' UNION SELECT carrier, name FROM airlines --", "\\' OR 1=1 --"])
def test_sql_in_a_parameter_is_text(answers: Pipeline, text: str) -> None:
    answer = answers.invoke("query", {"query": "batch_rows", "dataset": "airlines", "parameters": [text]})
    assert answer["rows"] in ([], [["0"]])


def test_only_what_a_parameter_may_be_is_taken(answers: Pipeline) -> None:
    with pytest.raises(PipelineError, match="allowed are text, finite numbers and booleans"):
        answers.invoke("query", {"query": "batch_rows", "dataset": "airlines", "parameters": [{"S": "x"}]})


def test_the_emulator_refused_nothing_on_the_way(answers: Pipeline, emulator: Emulator) -> None:
    assert denials(emulator.decisions) == []
    assert json.dumps(answers.outputs)
