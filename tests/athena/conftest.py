"""An emulator with the demo's data, the quick engine that it has, and a Trino over the same catalog and files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.athena.trino import server
from local.emulator import ACCESS_KEY, CACHE, Emulator
from tests.athena.compare import Outcome, compare, said_by_quick, said_by_trino
from tests.athena.world import BUCKET, DATABASE, World


@dataclass(frozen=True)
class Engines:
    """Both engines."""

    emulator: Emulator
    world: World
    trino: str

    def ask(self, sql: str, *parameters: str) -> Outcome:
        """One statement of both."""
        quick = said_by_quick(self.world.athena, DATABASE, f"s3://{BUCKET}/results/", sql, parameters)
        return compare(sql, quick, said_by_trino(self.trino, DATABASE, sql.rstrip("; \n"), parameters))


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    # What is missing is an error, not a reason to leave the tests out.
    server.check(server.TRINO)
    folder: Path = tmp_path_factory.mktemp("athena")
    with Emulator(folder / "emulator") as emulator:
        world = World(emulator)
        trino = server.Trino(folder / "trino", CACHE, emulator.endpoint, emulator.region, ACCESS_KEY)
        try:
            yield Engines(emulator, world, trino.address())
        finally:
            trino.stop()
