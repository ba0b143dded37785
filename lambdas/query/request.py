"""What the query function is asked."""

from dataclasses import dataclass

from pipeline_core.athena import QueryError, literal
from pipeline_core.fields import Fields


@dataclass(frozen=True, kw_only=True)
class Verification:
    """A request to prove that Athena answers all rows of a published batch, of an Iceberg table in its snapshot."""

    dataset: str
    batch_id: str
    rows: int
    snapshot: str = ""


@dataclass(frozen=True, kw_only=True)
class NamedQuery:
    """A request to run a named query of the workgroup; the parameters are SQL literals."""

    name: str
    parameters: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DatasetQuery:
    """A request to run a query that there is for every dataset; the parameters are SQL literals."""

    name: str
    dataset: str
    parameters: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FreeQuery:
    """A request to run any SQL; the parameters are SQL literals."""

    sql: str
    parameters: tuple[str, ...]


def request_from_event(event: object) -> Verification | NamedQuery | DatasetQuery | FreeQuery:
    """Parse the event of the function.

    Raises:
        QueryError: it asks for nothing.
    """
    document = Fields(event, "the query")
    if "verify" in document:
        return document.fields("verify").parse(Verification)
    parameters = tuple(literal(value) for value in document.values("parameters"))
    if "query" in document and "dataset" in document:
        return document.parse(DatasetQuery, name=document.text("query"), parameters=parameters)
    if "query" in document:
        return NamedQuery(name=document.text("query"), parameters=parameters)
    if "sql" in document:
        return FreeQuery(sql=document.text("sql"), parameters=parameters)
    raise QueryError(NOT_ALLOWED)


NOT_ALLOWED = "give the name of a named query in 'query'; free SQL in 'sql' is for stacks with athena.allow_free_sql"
