"""Athena's SQL (Trino's): parsed, typed and checked against a catalog, and written anew for DuckDB.

What is not known to mean the same in both is refused. Nothing here touches the emulator, AWS or Pulumi.
"""
