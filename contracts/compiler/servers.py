"""Of which type of server a contract's physical types are."""

from open_data_contract_standard.model import OpenDataContractStandard

ALIASES = {"postgresql": "postgres", "mssql": "sqlserver", "azuresql": "sqlserver", "cloudsql": "postgres"}
FILES = ("s3", "local", "azure", "sftp", "gcs", "api", "kafka", "kinesis", "pubsub", "custom")
"""Servers that hold files or messages, which have no types of their own."""


def server_type(contract: OpenDataContractStandard) -> str | None:
    """The one type of server whose types the contract has; None if it names none, or several."""
    named = [(server.type or "").lower() for server in contract.servers or []]
    found = {ALIASES.get(name, name) for name in named if name and name not in FILES}
    return found.pop() if len(found) == 1 else None
