"""Spark, and a table to work on."""

from tests.lake import lake, lake_of
from tests.sparks import spark

__all__ = ["lake", "lake_of", "spark"]
