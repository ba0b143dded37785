"""The quick engine answers what Trino answers, or refuses: every query is asked of both, over the same files."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from athena_sql import functions, specials, times
from components.catalog.queries import load_queries
from local.demo_data import flights_csv, package_data
from tests.athena import generated
from tests.athena.compare import AGREE, BOTH_REFUSE, DIFFERENT, NOT_HERE, ONLY_HERE, Outcome, Said
from tests.athena.conftest import Engines
from tests.athena.dashboard import dashboard, of_duckdb
from tests.athena.world import FLIGHTS

pytestmark = pytest.mark.athena
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PARAMETERS = {
    "busiest_routes": ("'2013'", "'7'"),
    "quarantined_rows_by_reason": ("'flights'",),
    "recent_runs": ("'flights'",),
}
NO_TABLE = {"canary_run"}
"""Named queries on a table that the demo's data has not."""


def lines(name: str) -> list[str]:
    text = (HERE / "queries" / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("--")]


def asked() -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, query in load_queries(ROOT / "queries").items():
        if name not in NO_TABLE:
            yield query.sql.strip(), PARAMETERS.get(name, ())
    for statement in [
        *lines("analysts.sql"),
        *lines("nested.sql"),
        *lines("names.sql"),
        *lines("functions.sql"),
        *dashboard(),
        *dict.fromkeys(generated.queries()),
    ]:
        yield statement, ()


@pytest.fixture(scope="session")
def outcomes(engines: Engines) -> dict[str, Outcome]:
    # Each engine is a process of its own: one works while the other one does.
    with ThreadPoolExecutor(3) as pool:
        together = [pool.submit(of_each, engines.ask, some) for some in generated.expressions()]
        alone = {sql: pool.submit(engines.ask, sql, *parameters) for sql, parameters in asked()}
        found = {sql: future.result() for sql, future in alone.items()}
        for future in together:
            found |= future.result()
        return found


def of_each(ask: Callable[[str], Outcome], expressions: list[str]) -> dict[str, Outcome]:
    """Ask for expressions in one query, and where that is not answered alike for each half of them, down to each."""
    outcome = ask(generated.TEMPLATE.format(", ".join(expressions)))
    if outcome.kind == AGREE or len(expressions) == 1:
        return {generated.TEMPLATE.format(expression): outcome for expression in expressions}
    middle = len(expressions) // 2
    return of_each(ask, expressions[:middle]) | of_each(ask, expressions[middle:])


@pytest.mark.parametrize("wrong", [set(), {"a"}, {"c"}, {"e"}, {"b", "e"}, set("abcde")])
def test_each_expression_of_a_query_that_is_not_answered_alike_is_found(wrong: set[str]) -> None:
    def ask(sql: str) -> Outcome:
        asked = sql.removeprefix("SELECT id, ").split(" FROM")[0].split(", ")
        return Outcome(DIFFERENT if wrong & set(asked) else AGREE, Said(), Said())

    kinds = {sql: outcome.kind for sql, outcome in of_each(ask, list("abcde")).items()}
    assert kinds == {generated.TEMPLATE.format(one): DIFFERENT if one in wrong else AGREE for one in "abcde"}


def listed(section: str) -> list[str]:
    """The queries that docs/local-athena.md lists under a heading, as lines of code."""
    text = (ROOT / "docs" / "local-athena.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"docs/local-athena.md has no section {section!r}"
    return [line[4:] for line in found[1].splitlines() if line.startswith("    ")]


def of_kind(outcomes: dict[str, Outcome], kind: str) -> dict[str, Outcome]:
    return {sql: outcome for sql, outcome in outcomes.items() if outcome.kind == kind}


def test_nothing_is_answered_differently(outcomes: dict[str, Outcome]) -> None:
    different = of_kind(outcomes, DIFFERENT)
    assert not different, "\n".join(f"{sql}\n  here  {o.quick}\n  Trino {o.trino}" for sql, o in different.items())


def test_what_only_the_quick_engine_accepts_is_listed_and_rare(outcomes: dict[str, Outcome]) -> None:
    accepted = of_kind(outcomes, ONLY_HERE)
    assert sorted(accepted) == sorted(listed("Accepted here, refused by Trino"))
    assert len(accepted) <= 0.02 * len(outcomes)


def test_what_is_not_emulated_is_listed(outcomes: dict[str, Outcome]) -> None:
    assert sorted(of_kind(outcomes, NOT_HERE)) == sorted(listed("Answered by Trino only"))


def test_most_queries_are_answered_by_both(outcomes: dict[str, Outcome], capsys: pytest.CaptureFixture[str]) -> None:
    counts = Counter(outcome.kind for outcome in outcomes.values())
    with capsys.disabled():
        print(f"\n{len(outcomes)} queries: " + ", ".join(f"{number} {kind}" for kind, number in counts.most_common()))
    assert len(outcomes) >= 600
    assert counts[AGREE] >= 0.75 * len(outcomes)
    assert counts[BOTH_REFUSE], "a comparison in which nothing is refused shows nothing of refusals"


def test_every_function_that_is_translated_is_asked() -> None:
    text = " ".join(sql for sql, _ in asked()).lower()
    known = {*specials.TABLE, *times.TABLE}
    for kind in ("scalars", "aggregates", "windows"):
        known |= set(functions.table(kind))
    missing = sorted(name for name in known if not re.search(rf"\b{name}\s*\(", text))
    assert not missing, f"no query of tests/athena/queries asks {missing}"


def test_a_dashboard_agrees_with_the_source(engines: Engines, tmp_path: Path) -> None:
    statements = dashboard()
    assert len(statements) == 12
    with duckdb.connect() as source:
        path = flights_csv(tmp_path)
        source.execute("SET TimeZone = 'UTC'")
        # Partition keys are text in the catalog.
        keys = "CAST(year AS VARCHAR) AS year, CAST(month AS VARCHAR) AS month"
        source.execute(f"CREATE VIEW flights AS {FLIGHTS.format(path=path).replace('year, month', keys)}")
        for name in ("airlines", "airports", "planes", "weather"):
            only = " WHERE month IN (1, 2, 7) AND day <= 3" if name == "weather" else ""
            file = package_data() / f"{name}.csv"
            source.execute(
                f"CREATE VIEW {name} AS SELECT * FROM read_csv('{file}', nullstr='NA', sample_size=-1){only}"
            )
        source.execute("SET integer_division = true")
        for statement in statements:
            outcome = engines.ask(statement)
            assert outcome.kind == AGREE, f"{statement}\n{outcome}"
            rows = source.execute(of_duckdb(statement)).fetchall()
            assert len(rows) == len(outcome.quick.rows) > 0, statement
            for ours, theirs in zip(outcome.quick.rows, rows, strict=True):
                assert [_plain(cell) for cell in ours] == [_plain(cell) for cell in theirs], statement


def _plain(cell: object) -> object:
    if cell is None:
        return None
    try:
        return round(float(str(cell)), 6)
    except ValueError:
        return str(cell)
