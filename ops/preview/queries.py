"""Which named queries read what a change of contracts touches."""

from collections.abc import Iterator

from components.checked_queries import reads
from contracts.compiler.compile import CompiledContract
from ops.preview.contracts import Document, documents
from ops.preview.snapshot import Snapshot

_NAMED_QUERY = "aws:athena/namedQuery:NamedQuery"


def touched(base: Snapshot, head: Snapshot) -> Iterator[str]:
    """Say of each contract that changes which queries read its table, and which of them a column that changes."""
    before, after = documents(base), documents(head)
    compiled = [CompiledContract(name, dict(document)) for name, document in after.items()]
    queries = {
        str(seen.inputs["name"]): reads(str(seen.inputs["query"]), compiled)
        for seen in head.resources
        if seen.type == _NAMED_QUERY
    }
    for dataset in sorted(before.keys() | after.keys()):
        old, new = before.get(dataset), after.get(dataset)
        if old == new:
            continue
        columns = _changed(old, new)
        readers = []
        for name, tables in sorted(queries.items()):
            if dataset in tables:
                of_these = sorted(columns & tables[dataset])
                readers.append(f"{name} ({', '.join(of_these)})" if of_these else name)
        what = "is new" if old is None else "goes" if new is None else "changes"
        said = f"read by {', '.join(readers)}" if readers else "read by no named query"
        yield f"the contract of {dataset} {what}: {said}"


def _changed(old: Document | None, new: Document | None) -> set[str]:
    """The columns that come, go or mean something else."""
    left, right = (
        {str(column["name"]): column for column in (document or {}).get("columns", [])} for document in (old, new)
    )
    return {name for name in left.keys() | right.keys() if left.get(name) != right.get(name)}
