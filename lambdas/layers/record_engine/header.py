"""What is wrong with the columns of a file, and how they are called."""

from collections.abc import Sequence

from pipeline_core.contract import Contract

MAX_NAME_CHARACTERS = 100
"""A column name that the contract does not know is quoted up to here in a reason."""


def header_problems(names: Sequence[str], contract: Contract) -> list[str]:
    """Return why a file with these columns cannot be read by the contract; an empty list if it can."""
    known = {column.name for column in contract.columns}
    present = set(names)
    repeated = present if len(present) < len(names) else set()
    return (
        [f"duplicate_column:{quoted(name)}" for name in sorted(repeated) if names.count(name) > 1]
        + [f"unexpected_column:{quoted(name)}" for name in sorted(present - known)]
        + [
            f"missing_column:{column.name}"
            for column in contract.columns
            if column.required and column.name not in present
        ]
    )


def column_name(text: str) -> str:
    """The contract's spelling of a column name in a file: without blanks around it, in lower case."""
    return text.strip(" \t").lower()


def quoted(name: str) -> str:
    """A column name as a reason gives it."""
    return name[:MAX_NAME_CHARACTERS]
