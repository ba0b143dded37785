"""The unit prices, from the one file that has them."""

import functools
from datetime import date
from pathlib import Path
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict, PositiveFloat

FILE: Final = Path(__file__).with_name("prices.yaml")
HOURS_A_MONTH: Final = 730.5
MILLION: Final = 1_000_000
GIGABYTE: Final = 1_000_000_000
CRAWLER_DPUS: Final = 2
"""A crawler's data processing units; AWS does not say, its pricing example has two (AWS Glue pricing, 2026-11)."""
CRAWLER_MINUTES: Final = 10
"""The shortest crawl that is billed (AWS Glue pricing, 2026-11)."""
JOB_SECONDS: Final = 60
"""The shortest Spark run that is billed (AWS Glue pricing, 2026-11)."""
QUERY_BYTES: Final = 10_000_000
"""The least that a query is billed for (Athena pricing, 2026-11)."""
POLLERS: Final = 5
"""Connections with which Lambda polls a quiet queue, for 20 seconds each (Lambda developer guide, 2026-11)."""
POLL_SECONDS: Final = 20


class Prices(BaseModel):
    """Dollars by unit; the names say the unit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: date
    region: str
    prices: dict[str, PositiveFloat]

    def __getitem__(self, unit: str) -> float:
        """Return the dollars for one `unit`.

        Raises:
            KeyError: the file has no price of that name.

        """
        return self.prices[unit]


@functools.cache
def load() -> Prices:
    """Read the file.

    Raises:
        pydantic.ValidationError: says which entry is not a price.

    """
    return Prices.model_validate(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def crawl_dollars() -> float:
    """Return what one crawl costs at least."""
    return CRAWLER_DPUS * CRAWLER_MINUTES / 60 * load()["glue_dpu_hour"]
