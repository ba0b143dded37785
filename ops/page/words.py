"""Says in words what a contract holds its rows to, and writes counts, sizes, times and dollars."""

from collections.abc import Iterator
from datetime import datetime

from pipeline_core.contract import Column, Contract, QualityRule

SYMBOLS = {
    "mustBe": "=",
    "mustNotBe": "≠",
    "mustBeGreaterThan": ">",
    "mustBeGreaterOrEqualTo": "≥",
    "mustBeLessThan": "<",
    "mustBeLessOrEqualTo": "≤",
    "mustBeBetween": "between",
    "mustNotBeBetween": "not between",
}
MODES = {
    "append": "every row is kept",
    "first": "of rows with one key the first stays",
    "latest": "of rows with one key the last stays",
    "snapshot": "each file is the whole table",
}


def column_rules(column: Column) -> list[str]:
    """What a value of a column must satisfy beside its type, and how files write it."""

    def found() -> Iterator[str]:
        if column.required:
            yield "required"
        if column.minimum is not None:
            yield f"≥ {column.minimum}"
        if column.maximum is not None:
            yield f"≤ {column.maximum}"
        if column.min_length is not None:
            yield f"length ≥ {column.min_length}"
        if column.max_length is not None:
            yield f"length ≤ {column.max_length}"
        if column.pattern is not None:
            yield f"pattern {column.pattern}"
        if column.enum is not None:
            yield f"one of {', '.join(column.enum)}"
        if column.source:
            yield f"called {column.source} in files"
        if column.written is not None and column.written.format:
            yield f"written {column.written.format}"

    return list(found())


def quality_rule(rule: QualityRule) -> str:
    """A threshold over a batch."""
    value = " and ".join(map(str, rule.value)) if isinstance(rule.value, list | tuple) else str(rule.value)
    of_column = f" of {rule.column}" if rule.column else ""
    unit = " %" if rule.unit == "percent" else ""
    return f"{rule.metric}{of_column} {SYMBOLS.get(rule.operator, rule.operator)} {value}{unit}"


def promises(contract: Contract) -> list[str]:
    """What the dataset promises of time."""
    found = []
    if contract.frequency_hours is not None:
        found.append(f"a batch is published every {contract.frequency_hours:g} h")
    if contract.latency_seconds is not None:
        found.append(f"rows are published {duration(contract.latency_seconds)} after they have landed")
    if contract.retention_days is not None:
        found.append(f"rows are kept for {contract.retention_days} days by {contract.retention_column}")
    return found


def count(number: int) -> str:
    """12,345."""
    return f"{number:,}"


def size(number: int) -> str:
    """1.2 MB: powers of 1,000, as AWS bills."""
    found = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if found < 1_000:
            return f"{found:.3g} {unit}"
        found /= 1_000
    return f"{found:,.3g} TB"


def duration(seconds: float) -> str:
    """The two largest units: 2 h 5 min."""
    whole = max(0, round(seconds))
    parts: list[str] = []
    for unit, long in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        number, whole = divmod(whole, long)
        if number or (unit == "s" and not parts):
            parts.append(f"{number} {unit}")
        if len(parts) == 2:
            break
    return " ".join(parts)


def when(at: datetime) -> str:
    """A time in UTC, to the second."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def dollars(amount: float | None) -> str:
    """Cents and their parts: a small batch costs a fraction of one."""
    if amount is None:
        return "none"
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.5f}"


def cut(text: object, most: int = 300) -> str:
    """A text, or its beginning with how long it is."""
    whole = str(text)
    return whole if len(whole) <= most else f"{whole[:most]}… ({len(whole):,} characters)"
