"""A reader counts an Iceberg table's rows while batches are published and replaced by processing that gets killed."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from pipeline_core.manifest import LANDED, REPLACE

from local.emulator import ACCESS_KEY, Emulator
from tests.iceberg_batches import Dataset, make_resources
from tests.iceberg_reader import Sums, reader_of
from tests.kills import Kills

PUBLISHES, REPLACEMENTS, READS = 100, 20, 1_000


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dataset]:
    with Emulator(tmp_path / "emulator") as emulator:
        for name, value in {
            "AWS_ENDPOINT_URL": emulator.endpoint,
            "AWS_DEFAULT_REGION": emulator.region,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        yield Dataset(make_resources())


def test_a_reader_sees_only_whole_commits_one_after_the_other(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each batch has three files of three partitions; each call is killed somewhere, and made again."""
    chance, kills, end = random.Random("reader"), Kills(monkeypatch), tmp_path / "end"
    # How many calls a publish makes, as a bound of where to kill it.
    trial = Dataset(dataset.publisher)
    first = trial.open("0.csv")
    points = len(kills.of(lambda: trial.decide(first, trial.stage(first, "0.csv", rows_of(0)))))
    calls = len(kills.calls)
    assert points > 10
    states: list[Sums] = [{}]
    replacements = set(chance.sample(range(20, PUBLISHES + REPLACEMENTS), REPLACEMENTS))
    published: list[str] = []
    killed = 0
    with reader_of(dataset.table.place, "id", end, READS) as reader:
        for number in range(PUBLISHES + REPLACEMENTS):
            again = number in replacements
            name = chance.choice(published) if again else f"{number}.csv"
            batch = dataset.open(name, REPLACE if again else LANDED)
            seen = dataset.stage(batch, name, rows_of(number), REPLACE if again else LANDED)
            killed += kills.kill(
                lambda batch=batch, seen=seen: dataset.decide(batch, seen),  # type: ignore[misc]
                chance.randint(1, calls),
                chance.choice([False, True]),
            )
            assert dataset.decide(batch, seen).verdict == "PUBLISHED"
            ids = [row["id"] for rows in rows_of(number) for row in rows]
            states.append(dict(sorted({**states[-1], f"{dataset.name}/{name}": [len(ids), sum(ids)]}.items())))
            published += [] if again else [name]
        end.touch()
        output = reader.communicate(timeout=120)[0]
    found: dict[str, Any] = json.loads(output)
    assert killed >= 100
    assert found["reads"] >= READS
    for way in ("metadata", "list"):
        # Whatever it saw is one of the states, and a later one than what it saw before.
        at = [states.index(sums) for sums in found[way]]
        assert at == sorted(at), way
        assert len(at) >= 50, "it has looked while batches were published"
        assert at[-1] == len(states) - 1
    assert dataset.batches.state(dataset.name).published == PUBLISHES + REPLACEMENTS
    dataset.check_whole()


def rows_of(number: int) -> list[list[dict[str, Any]]]:
    """The files of a batch: one for each of three partitions, of one or two rows."""
    return [
        [{"id": 1_000 * number + 10 * part + at, "part": part} for at in range(1 + (number + part) % 2)]
        for part in range(3)
    ]
