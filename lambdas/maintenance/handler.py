"""Keeps Iceberg tables in order on a schedule; tells their history and rolls them back for a person."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pipeline_core import settings
from pipeline_core.batches import Batches
from pipeline_core.contract import Contract
from pipeline_core.documents import Contracts, read
from pipeline_core.fields import Fields
from pipeline_core.layout import CONTRACT_INDEX_KEY
from pipeline_core.ledger import Ledger
from pipeline_core.owners import Owners
from pipeline_core.plain_text import log_line
from table_formats import IcebergTable, TablePlace
from table_formats.adopt import adopt, check_can_be_adopted
from table_formats.history import HistoryError, history
from table_formats.maintenance import maintain

from lambdas.maintenance.request import ADOPT, HISTORY, MAINTAIN, MaintenanceRequest
from lambdas.maintenance.rollback import RollBack, for_owners

logger = Logger(json_serializer=log_line)
metrics = Metrics()
tracer = Tracer(patch_modules=settings.TRACED)

LEAST_MILLISECONDS = 120_000
"""With less time left, neither another table is begun nor another commit of merged files: the next call goes on."""


@dataclass(frozen=True)
class Settings:
    """Environment of the function."""

    curated_bucket: str
    artifacts_bucket: str
    ledger_table: str
    database: str
    owners_topic_arn: str


@cache
def _settings() -> Settings:
    return settings.load(Settings)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Do what is asked; see `MaintenanceRequest`. Answers what was done, by dataset, or the states of a table.

    A table that fails does not keep the others from their turn; the call fails in the end, and says which did.
    """
    request, environment = MaintenanceRequest.from_event(event), _settings()
    if request.action == MAINTAIN:
        return _maintain(request, context)
    contract = _contract(request.dataset)
    table = _table(contract)
    if request.action == HISTORY:
        loaded = table.load()
        return {"states": [state.to_document() for state in history(loaded)] if loaded else []}
    if request.action == ADOPT:
        check_can_be_adopted(table, contract)
        adopted = adopt(table, contract)
        logger.info("adopted", extra={"dataset": request.dataset, "files": adopted.files, "rows": adopted.rows})
        return asdict(adopted)
    bucket = environment.artifacts_bucket
    gone = RollBack(ledger=Ledger(environment.ledger_table), artifacts_bucket=bucket).run(table, request.batch_id)
    logger.info("rolled back", extra={"dataset": request.dataset, "to": request.batch_id, "batches": gone})
    # Also where nothing was left to do: the one who did it may not have come to this.
    owners = Owners(topic_arn=environment.owners_topic_arn, artifacts_bucket=bucket)
    message = for_owners(request.dataset, request.batch_id, gone)
    owners.tell(message, owners.channels().hearing(request.dataset, message.severity))
    return {"rolled_back": gone}


def _maintain(request: MaintenanceRequest, context: LambdaContext) -> dict[str, Any]:
    now = datetime.now(UTC)
    done, failed, behind = {}, [], []
    batches = Batches(Ledger(_settings().ledger_table))
    for contract in _contracts(request.dataset, now):
        if context.get_remaining_time_in_millis() < LEAST_MILLISECONDS:
            behind.append(contract.dataset)
            continue
        try:
            publishing = batches.state(contract.dataset).publishing or ""
            found = maintain(
                _table(contract),
                contract,
                now,
                dry_run=request.dry_run,
                publishing=publishing,
                is_time_left=lambda: context.get_remaining_time_in_millis() >= LEAST_MILLISECONDS,
            ).to_document()
        except Exception:
            logger.exception("maintenance failed", extra={"dataset": contract.dataset})
            failed.append(contract.dataset)
            continue
        logger.info("maintained", extra={"dataset": contract.dataset, "done": found})
        done[contract.dataset] = found
        if found["yielded"] or found["left_files"]:
            behind.append(contract.dataset)
    if behind:
        logger.warning("maintenance is behind", extra={"datasets": behind})
    if not request.dataset:
        metrics.add_metric("TablesBehind", MetricUnit.Count, len(behind))
        metrics.flush_metrics()
    if failed:
        raise RuntimeError(f"maintenance failed of {', '.join(failed)}; the log has each one's error")
    return {"done": done, "behind": behind}


def _contracts(dataset: str, now: datetime) -> Iterator[Contract]:
    """The contracts of Iceberg tables; of all, another one is the first each day, so that none is always the last."""
    if dataset:
        yield _contract(dataset)
        return
    bucket = _settings().artifacts_bucket
    index = read(bucket, CONTRACT_INDEX_KEY)
    if index is None:
        raise RuntimeError(f"s3://{bucket}/{CONTRACT_INDEX_KEY} is missing; deploy the stack again")
    names = Fields.from_json(index, CONTRACT_INDEX_KEY).texts("datasets")
    first = now.toordinal() % len(names) if names else 0
    contracts = Contracts(bucket)
    for name in (*names[first:], *names[:first]):
        contract = contracts.get(name)
        if contract is not None and contract.is_iceberg:
            yield contract


def _contract(dataset: str) -> Contract:
    contract = Contracts(_settings().artifacts_bucket).get(dataset)
    if contract is None:
        raise HistoryError(f"no contract is deployed for {dataset!r}")
    if not contract.is_iceberg:
        raise HistoryError(
            f"{dataset}: its table is of the format {contract.table_format}; only Iceberg tables have this"
        )
    return contract


def _table(contract: Contract) -> IcebergTable:
    environment = _settings()
    return IcebergTable(
        TablePlace(database=environment.database, bucket=environment.curated_bucket, dataset=contract.dataset)
    )
