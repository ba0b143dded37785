"""The commands about contracts: `contract check`, `contract infer` and `try`. None of them needs AWS."""

from pathlib import Path
from typing import Annotated

import typer

from contracts.compiler.compile import SUFFIX, CompiledContract, compile_contracts
from contracts.compiler.names import dataset_name
from contracts.compiler.read import ContractError
from ops.contracts.infer import infer
from ops.contracts.trial import Outcome, TrialError, attempt, contract_of
from ops.exit_codes import ExitCode
from ops.options import Dataset, Json, console, print_json, say
from plain_console import print_record

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at contracts, and make them from files.")
CONTRACTS = Path("contracts")
SHOWN_ROWS = 20
SHOWN_CHARACTERS = 200

Folder = Annotated[Path, typer.Option("--contracts", help="The folder of the contracts.")]


@app.command()
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Contract files; all of contracts/ if none.")] = None,
    as_json: Json = False,
) -> None:
    """Compile contracts, and say what they describe, and what of them is not enforced, with the reason.

    Example: data-pipeline contract check contracts/orders.odcs.yaml
    """
    wrong, found = [], []
    for path in files or _paths(CONTRACTS):
        try:
            compiled = _compiled(path)
        except ContractError as error:
            wrong.append(str(error))
            continue
        for contract in compiled:
            fields = _fields(path, contract)
            found.append({"dataset": contract.name, **dict(fields[:6]), "not_enforced": list(contract.notices)})
            if not as_json:
                print_record(console, contract.name, fields)
    if as_json:
        print_json(found)
    if wrong:
        raise TrialError("\n".join(wrong))


@app.command("infer")
def infer_contract(
    files: Annotated[list[Path], typer.Argument(help="Files of the dataset: CSV, JSON Lines, Parquet.")],
    dataset: Annotated[str, typer.Option(help="What the dataset is called.")],
    folder: Folder = CONTRACTS,
    as_json: Json = False,
) -> None:
    """Write a contract by which the files are published; a comment says what is a guess.

    Example: data-pipeline contract infer orders.csv --dataset orders
    """
    name = dataset_name(dataset)
    if name != dataset:
        raise TrialError(f"--dataset {dataset!r} is no name of a dataset; use {name!r}")
    path = folder / f"{name}{SUFFIX}"
    if path.exists():
        raise TrialError(f"{path} is there already: remove it, or give another --dataset")
    text = infer(files, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    [compiled] = _compiled(path)
    outcomes = [attempt(contract_of(compiled.document), file) for file in files]
    if as_json:
        tried = [_document(compiled, *pair) for pair in zip(files, outcomes, strict=True)]
        print_json({"contract": path, "dataset": name, "columns": len(compiled.document["columns"]), "files": tried})
    else:
        say(f"{path}: {len(compiled.document['columns'])} columns")
        for file, outcome in zip(files, outcomes, strict=True):
            _show(compiled, file, outcome)
    if not all(outcome.is_whole for outcome in outcomes):
        raise typer.Exit(ExitCode.REFUSED)


def try_file(
    dataset: Dataset,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of it, here.")],
    folder: Folder = CONTRACTS,
    as_json: Json = False,
) -> None:
    """Say what would become of a file, row by row, as if it landed and the table were empty.

    It is refused (3) where something of it would be.

    Example: data-pipeline try orders orders.csv
    """
    contract = _contract(folder, dataset)
    outcome = attempt(contract_of(contract.document), file)
    if as_json:
        print_json(_document(contract, file, outcome))
    else:
        _show(contract, file, outcome)
    if not outcome.is_whole:
        raise typer.Exit(ExitCode.REFUSED)


def _paths(folder: Path) -> list[Path]:
    found = sorted(folder.glob(f"*{SUFFIX}"))
    if not found:
        raise TrialError(f"{folder}: no contract found; run this in a clone of the project, or add a <dataset>{SUFFIX}")
    return found


def _compiled(path: Path) -> list[CompiledContract]:
    if not path.is_file():
        raise TrialError(f"{path}: there is no such file")
    return compile_contracts(path)


def _contract(folder: Path, dataset: str) -> CompiledContract:
    wrong, known = [], []
    for path in _paths(folder):
        try:
            compiled = compile_contracts(path)
        except ContractError as error:
            wrong.append(str(error))
            continue
        for contract in compiled:
            if contract.name == dataset:
                return contract
            known.append(contract.name)
    raise TrialError("\n".join([f"no contract describes {dataset!r}; there are: {', '.join(known)}", *wrong]))


def _fields(path: Path, contract: CompiledContract) -> list[tuple[str, object]]:
    document = contract.document
    fields: list[tuple[str, object]] = [
        ("file", path),
        ("version", document["version"]),
        ("columns", ", ".join(f"{column['name']} {column['type']}" for column in document["columns"])),
        ("key", ", ".join(document["primary_key"]) or "none"),
        ("partitions", ", ".join(document["partition_by"]) or "none"),
        ("write mode", document["write_mode"]),
    ]
    return [*fields, *(("not enforced", notice) for notice in contract.notices)]


def _document(contract: CompiledContract, file: Path, outcome: Outcome) -> dict[str, object]:
    rows = [{"line": row.line, "reasons": list(row.reasons), "record": row.record} for row in outcome.refused]
    return {
        "file": file,
        "dataset": contract.name,
        "published": outcome.is_whole,
        **{name: getattr(outcome, name) for name in ("problem", "rows_read", "rows_curated", "rows_duplicate")},
        **{name: getattr(outcome, name) for name in ("rows_superseded", "rows_deleted")},
        "rows_quarantined": outcome.rows_quarantined,
        "reasons": dict(outcome.reasons),
        "violations": list(outcome.violations),
        "refused": rows[:SHOWN_ROWS],
    }


def _show(contract: CompiledContract, file: Path, outcome: Outcome) -> None:
    print_record(console, f"{file} as {contract.name}: {_verdict(outcome)}", _counts(outcome))
    for row in outcome.refused[:SHOWN_ROWS]:
        record = (row.record or "")[:SHOWN_CHARACTERS]
        print_record(console, f"line {row.line}", [("reasons", ", ".join(row.reasons)), ("record", record)])
    if len(outcome.refused) > SHOWN_ROWS:
        say(f"and {len(outcome.refused) - SHOWN_ROWS:,} rows more")


def _verdict(outcome: Outcome) -> str:
    if outcome.problem is not None or outcome.violations:
        return "nothing of it would be published"
    return "some rows would be refused" if outcome.refused else "published"


def _counts(outcome: Outcome) -> list[tuple[str, object]]:
    fields: list[tuple[str, object]] = [] if outcome.problem is None else [("problem", outcome.problem)]
    fields += [(name, f"{getattr(outcome, name):,}") for name in ("rows_read", "rows_curated", "rows_duplicate")]
    changes = {name: getattr(outcome, name) for name in ("rows_superseded", "rows_deleted")}
    fields += [(name, f"{rows:,}") for name, rows in changes.items() if rows]
    fields.append(("rows_quarantined", f"{outcome.rows_quarantined:,}"))
    fields += [(f"reason {reason}", f"{rows:,}") for reason, rows in outcome.reasons]
    return [*fields, *(("broken rule", violation) for violation in outcome.violations)]
