"""The queries of a dashboard, and how DuckDB says them."""

from pathlib import Path


def dashboard() -> list[str]:
    """The statements of queries/dashboard.sql."""
    text = (Path(__file__).parent / "queries" / "dashboard.sql").read_text(encoding="utf-8")
    bare = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    return [statement.strip() for statement in bare.split(";") if statement.strip()]


def of_duckdb(statement: str) -> str:
    """The little in the dashboard that DuckDB calls otherwise."""
    return (
        statement.replace("day_of_week(", "isodow(")
        .replace("date_format(min(time_hour), '%Y-%m-%d')", "strftime(min(time_hour), '%Y-%m-%d')")
        .replace("date_diff('day', min(time_hour), max(time_hour))", "date_sub('day', min(time_hour), max(time_hour))")
        .replace("100e0", "100.0::DOUBLE")
    )
