"""Reads the facts of a deployment: from the ledger, S3, CloudWatch, SQS and the catalog. No query is asked."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from boto3.dynamodb.conditions import Key
from botocore.exceptions import BotoCoreError, ClientError
from pipeline_core.batches import Batch, Batches
from pipeline_core.conditions import expressions
from pipeline_core.contract import Contract
from pipeline_core.documents import read
from pipeline_core.fields import DocumentError, Fields
from pipeline_core.layout import CONTRACT_INDEX_KEY, contract_key
from pipeline_core.ledger import PUBLISHED, Ledger
from pipeline_core.report import FATES, SPARK

from lambdas.freshness.logic import STATE, Seen
from ops.alarms import ON, Alarm, alarms
from ops.cost.batch import run_dollars
from ops.page import lineage, quarantine
from ops.page.facts import About, Dataset, Facts, Queue, RefusedFile, Run, moment, newest
from ops.state import QUEUES, waiting

PARALLEL = 16
RUNS = 50
"""So many batches are shown, the newest of all datasets."""
LOOKED_UP = 20
"""So many of them with the files that they were made of, and with what they refused."""
MAX_PENDING = 100
"""Pending files of a dataset are counted up to this."""

Found = TypeVar("Found")
Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """The outputs of a stack that the page needs."""

    stack: str
    environment: str
    curated_bucket: str
    quarantine_bucket: str
    artifacts_bucket: str
    ledger_table: str
    database: str
    datasets: list[str]
    arrivals_dead_letters_url: str
    ticks_dead_letters_url: str
    undelivered_url: str


class Gatherer:
    """Reads what there is. What it may not, or cannot read, it notes, and goes on: half a page is better than none."""

    def __init__(self, deployed: Deployed, *, has_rows: bool = True) -> None:
        """Take the deployment; `has_rows` says whether rows in quarantine are read, which are anybody's data."""
        self._deployed, self._has_rows = deployed, has_rows
        self._ledger = Ledger(deployed.ledger_table)
        self._unread: dict[str, None] = {}

    def facts(self, account: str, region: str, endpoint: str) -> Facts:
        """Read everything; account, region and endpoint are shown as they are given."""
        deployed, at = self._deployed, datetime.now(UTC)
        with ThreadPoolExecutor(PARALLEL) as pool:

            def each(function: Callable[[Item], Found], items: Iterable[Item]) -> list[Found]:
                return list(pool.map(function, items))

            seen = self._try("which datasets are late", self._seen, Seen(since={}))
            nobody: Mapping[str, About] = {}
            abouts = self._try("who the datasets belong to", self._abouts, nobody)
            datasets = each(lambda name: self._dataset(name, seen, abouts.get(name, About())), deployed.datasets)
            batches = each(self._runs, datasets)
            runs, has_more = newest([run for found in batches for run in found], RUNS)
            icebergs = {known.name for known in datasets if known.contract is not None and known.contract.is_iceberg}
            runs = tuple(each(lambda run: self._ended(run) if run.dataset in icebergs else run, runs))
            looked_up = each(self._looked_up, runs[:LOOKED_UP])
            snapshots = dict(
                zip(
                    names := sorted({run.dataset for run in looked_up} & icebergs),
                    each(self._snapshots, names),
                    strict=True,
                )
            )
            shown = [replace(run, snapshot=snapshots.get(run.dataset, {}).get(run.batch_id, "")) for run in looked_up]
            none: tuple[tuple[RefusedFile, ...], bool] = ((), False)
            refused, more_refused = self._try(
                "files in quarantine", lambda: quarantine.refused_files(deployed.quarantine_bucket), none
            )
            return Facts(
                stack=deployed.stack,
                environment=deployed.environment,
                account=account,
                region=region,
                endpoint=endpoint,
                database=deployed.database,
                made_at=at,
                datasets=tuple(datasets),
                runs=(*shown, *runs[LOOKED_UP:]),
                has_more_runs=has_more,
                alarms=self._try("alarms", self._alarms, ()),
                queues=tuple(found for found in each(self._queue, QUEUES.items()) if found is not None),
                refused_files=refused,
                has_more_refused_files=more_refused,
                # Last: what could not be read is known by then.
                unread=tuple(self._unread),
            )

    def _try(self, what: str, read_it: Callable[[], Found], default: Found) -> Found:
        try:
            return read_it()
        except (ClientError, BotoCoreError, DocumentError, OSError, TypeError, KeyError, ValueError) as error:
            self._unread[f"{what}: {error}"] = None
            return default

    def _seen(self) -> Seen:
        return Seen.from_item(self._ledger.table.get_item(Key=STATE).get("Item", {}))

    def _abouts(self) -> Mapping[str, About]:
        text = read(self._deployed.artifacts_bucket, CONTRACT_INDEX_KEY)
        index = Fields.from_json(text or "{}", CONTRACT_INDEX_KEY)
        return {item.text("dataset"): About.from_fields(item) for item in index.items("about", ())}

    def _dataset(self, name: str, seen: Seen, about: About) -> Dataset:
        contract = self._try(f"the contract of {name}", lambda: self._contract(name), None)
        dataset = Dataset(
            name=name,
            contract=contract,
            about=about,
            watched_since=moment(seen.since.get(name, "")),
            is_reported_late=name in seen.late,
        )

        def known() -> Dataset:
            batches = Batches(self._ledger)
            state = batches.state(name)
            pending = len(self._ledger.pending(name, MAX_PENDING))
            return replace(
                dataset,
                published_at=moment(batches.published_at(name)),
                publishes=state.published,
                pending=pending,
                has_more_pending=pending == MAX_PENDING,
                running=tuple(sorted(state.running)),
                ignored=self._ledger.ignored(name),
            )

        return self._try(f"the ledger's items of {name}", known, dataset)

    def _contract(self, name: str) -> Contract | None:
        text = read(self._deployed.artifacts_bucket, contract_key(name))
        return None if text is None else Contract.from_json(text)

    def _runs(self, dataset: Dataset) -> list[Run]:
        """The last batches of a dataset, and those that run, however old they are."""

        def found() -> list[Run]:
            # The last ones: their keys sort by time.
            last = Key("pk").eq(f"dataset#{dataset.name}") & Key("sk").begins_with("batch#")
            query = expressions(key=last)
            answer = self._ledger.table.query(**query, ScanIndexForward=False, Limit=RUNS + 1)
            items: list[Mapping[str, Any]] = list(answer["Items"])
            known = {str(item["batch_id"]) for item in items}
            for batch_id in set(dataset.running) - known:
                key = {"pk": f"dataset#{dataset.name}", "sk": f"batch#{batch_id}"}
                items += filter(None, [self._ledger.table.get_item(Key=key).get("Item")])
            return [run_of(item) for item in items]

        return self._try(f"the batches of {dataset.name}", found, [])

    def _ended(self, run: Run) -> Run:
        """A batch of an Iceberg table, which may have been rolled back."""
        if run.status != PUBLISHED:
            return run
        bucket = self._deployed.artifacts_bucket
        return self._try(f"the run of {run.batch_id}", lambda: lineage.rolled_back(run, bucket), run)

    def _looked_up(self, run: Run) -> Run:
        """A batch with the files that it was made of, and with what it refused."""
        deployed = self._deployed
        run = self._try(f"the files of {run.batch_id}", lambda: lineage.with_files(run, deployed.artifacts_bucket), run)
        if not self._has_rows:
            return run
        return self._try(
            f"the quarantined rows of {run.batch_id}",
            lambda: replace(run, examples=quarantine.examples(run, deployed.quarantine_bucket)),
            run,
        )

    def _snapshots(self, name: str) -> Mapping[str, str]:
        deployed = self._deployed
        return self._try(f"the snapshots of {name}", lambda: lineage.snapshots(deployed.database, name), {})

    def _alarms(self) -> tuple[Alarm, ...]:
        return tuple(sorted(alarms(self._deployed.stack), key=lambda alarm: alarm.state != ON))

    def _queue(self, queue: tuple[str, str]) -> Queue | None:
        name, output = queue

        def found() -> Queue:
            return Queue(name=name, waiting=waiting(getattr(self._deployed, output)))

        return self._try(f"the queue {name}", found, None)


def run_of(item: Mapping[str, Any]) -> Run:
    """Read a batch from its item of the ledger."""
    batch, document = Batch.from_item(item), Fields(item, "the ledger's item of a batch")
    details = document.fields("details") if "details" in document else Fields({}, "no details")
    created = moment(batch.created_at)
    assert created is not None, "a batch is written with the time at which it was opened"
    run = Run(
        batch_id=batch.batch_id,
        dataset=batch.dataset,
        status=batch.status,
        created_at=created,
        finished_at=moment(batch.finished_at),
        files=details.integer("files", 0),
        bytes=details.integer("bytes", 0),
        workers=details.integer("workers", 0),
    )
    if batch.error is not None:
        return replace(run, error=str(batch.error))
    if batch.verdict is None:
        end = document.fields("verdict") if "verdict" in document else Fields({}, "no end")
        return replace(run, error=end.text("reason", ""))
    verdict = batch.verdict
    return replace(
        run,
        purpose=verdict.purpose,
        contract_version=verdict.contract_version,
        engine=verdict.engine,
        files=verdict.files,
        bytes=verdict.bytes,
        rows_read=verdict.rows_read,
        rows={fate: getattr(verdict, f"rows_{fate}") for fate in FATES},
        files_quarantined=verdict.files_quarantined,
        violations=verdict.violations,
        report=verdict.report,
        dollars=_dollars(verdict.engine, verdict.files, verdict.bytes, run.workers),
    )


def _dollars(engine: str, files: int, size: int, workers: int) -> float | None:
    """What the cost model says of a batch; None for one of a release that did not write down what staged it."""
    if not engine or (engine == SPARK and workers < 2):
        return None
    return run_dollars(engine, files, size, workers)
