"""How long a contract keeps rows: `slaProperties` with the property `retention`.

Its `element` names, as the standard has it, `table.column`, a column, or a table; several with commas between them.
Rows are deleted by a date or timestamp column that is named; a table, or nothing, is said not to be enforced.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from open_data_contract_standard.model import OpenDataContractStandard, ServiceLevelAgreementProperty
from pipeline_core.contract import ICEBERG

from contracts.compiler.names import column_name, dataset_name
from contracts.compiler.tables import TablePlan

RETENTION = "retention"
UNITS: Mapping[str, int] = {
    **dict.fromkeys(("d", "day", "days"), 1),
    **dict.fromkeys(("w", "week", "weeks"), 7),
    **dict.fromkeys(("month", "months"), 30),
    **dict.fromkeys(("y", "yr", "year", "years"), 365),
}
"""Days of a unit."""

_DURATION = re.compile(r"P(?=[0-9])(?:([0-9]{1,6})Y)?(?:([0-9]{1,6})M)?(?:([0-9]{1,6})W)?(?:([0-9]{1,6})D)?")
"""A duration of ISO 8601 in whole days and more."""

MAX_DAYS = 100 * 365
NAME_THE_COLUMN = "name the column by which a row is old"
ALLOWED = (
    f"1 day to {MAX_DAYS // 365} years are allowed: a number of {', '.join(UNITS)}, or a duration of ISO 8601 such as "
    "P1Y or P90D"
)


@dataclass(frozen=True, kw_only=True)
class Retention:
    """What a contract says of how long one table keeps its rows.

    Exactly one of `column`, `problem` and `not_enforced` says something, or none: it is said of another table.
    """

    where: str
    days: int = 0
    column: str = ""
    problem: str = ""
    not_enforced: str = ""


def retentions(contract: OpenDataContractStandard, made: TablePlan) -> Iterator[Retention]:
    """What each `retention` of a contract means for a table of it."""
    for number, sla in enumerate(contract.slaProperties or []):
        if sla.property == RETENTION:
            where = f"slaProperties.{number}"
            days = _days(sla)
            if not 1 <= days <= MAX_DAYS:
                yield Retention(where=where, problem=f"{sla.value!r} {sla.unit!r}; {ALLOWED}")
                continue
            for element in _elements(sla):
                yield _meant(where, days, element, contract, made)


def compiled(contract: OpenDataContractStandard, made: TablePlan) -> dict[str, int | str]:
    """The fields of the compiled contract that say how long rows are kept; none: for ever."""
    for said in retentions(contract, made):
        if said.column:
            return {"retention_days": said.days, "retention_column": said.column}
    return {}


def problems(contract: OpenDataContractStandard, made: TablePlan) -> Iterator[str]:
    """Say what is wrong with how long a contract keeps rows."""
    columns = [said for said in retentions(contract, made) if said.column]
    yield from (f"{said.where}: {said.problem}" for said in retentions(contract, made) if said.problem)
    yield from (f"{said.where}: a second retention of {made.dataset}; a table has one" for said in columns[1:])


def _meant(where: str, days: int, element: str, contract: OpenDataContractStandard, made: TablePlan) -> Retention:
    if not element:
        return Retention(where=where, not_enforced=f"no row is deleted: {NAME_THE_COLUMN} as element")
    tables = _tables(contract)
    if element in tables:
        reason = (
            f"no row is deleted: element names the table; {NAME_THE_COLUMN}" if tables[element] == made.dataset else ""
        )
        return Retention(where=where, not_enforced=reason)
    table, _, name = element.rpartition(".")
    if table and table not in tables:
        known = ", ".join(sorted(set(tables.values())))
        return Retention(where=where, problem=f"element: {element!r}: no table is {table!r}; there are {known}")
    column = column_name(name)
    if table and tables[table] != made.dataset:
        return Retention(where=where)
    kinds = {column.name: column.type.kind for column in made.columns}
    if not table and column not in kinds and _is_of_another(column, contract):
        return Retention(where=where)
    if kinds.get(column) not in ("date", "timestamp"):
        problem = f"element: {element!r} is no date or timestamp column; name one that says a row's age"
        return Retention(where=where, problem=problem)
    if made.table_format != ICEBERG:
        reason = f"rows of a table of tableFormat {made.table_format} are not deleted"
        return Retention(where=where, not_enforced=reason)
    return Retention(where=where, days=days, column=column)


def _tables(contract: OpenDataContractStandard) -> dict[str, str]:
    """The datasets of a contract, by every name of their tables; of a physical name its last part is one, too."""
    found: dict[str, str] = {}
    for said in contract.schema_ or []:
        dataset = dataset_name(said.name or "")
        for name in (said.name, said.physicalName, (said.physicalName or "").rpartition(".")[2], dataset):
            if name:
                found.setdefault(name, dataset)
    return found


def _is_of_another(column: str, contract: OpenDataContractStandard) -> bool:
    return any(
        column_name(said.name or "") == column for table in contract.schema_ or [] for said in table.properties or []
    )


def _elements(sla: ServiceLevelAgreementProperty) -> list[str]:
    return [element.strip() for element in (sla.element or "").split(",")]


def _days(sla: ServiceLevelAgreementProperty) -> int:
    if isinstance(sla.value, str) and not sla.unit:
        found = _DURATION.fullmatch(sla.value)
        numbers = found.groups(default="0") if found else ("0",)
        return sum(int(number) * days for number, days in zip(numbers, (365, 30, 7, 1), strict=False))
    if isinstance(sla.value, bool) or not isinstance(sla.value, int | float) or not math.isfinite(sla.value):
        return 0
    return int(sla.value * UNITS.get(sla.unit or "", 0))
