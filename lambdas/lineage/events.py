"""The two events of a batch, made with OpenLineage's own classes from what the pipeline has written down of it.

Both are the same whenever they are made again: their times, counts and ids are those of the ledger and of documents
that are written once.
"""

from dataclasses import asdict, dataclass, field

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    DatasetFacet,
    InputDatasetFacet,
    OutputDatasetFacet,
    RunFacet,
    data_quality_assertions_dataset,
    error_message_run,
    input_statistics_input_dataset,
    job_type_job,
    output_statistics_output_dataset,
    processing_engine_run,
)
from pipeline_core import layout
from pipeline_core.batches import RELEASED, Batch
from pipeline_core.contract import Contract
from pipeline_core.ledger import PUBLISHED, QUARANTINED
from pipeline_core.manifest import REPLACE, ROWS, Manifest
from pipeline_core.report import SPARK, Report, judgements

from lambdas.lineage.facets import (
    BATCH_FACET,
    DataPipelineBatchRunFacet,
    located,
    quarantined_rows_facets,
    raw_facets,
    table_facets,
)
from lambdas.lineage.names import Names, is_at, place_of, places_of

ABORTED = "ABORTED"
"""The error of a batch whose execution was stopped by a person, as Step Functions calls it."""

QUARANTINED_ROWS, QUARANTINED_FILES = "quarantined_rows", "quarantined_files"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the pipeline has written down of a batch: its ledger item and its documents.

    `report` is there once the batch was decided on. `snapshot` is that of an Iceberg table which the batch has made.
    """

    batch: Batch
    manifest: Manifest
    contract: Contract
    report: Report | None = None
    snapshot: str = ""


@dataclass(frozen=True, kw_only=True)
class Events:
    """Writes the events of a stack's batches. `schema_url` is the address of the own facet's schema.

    `glue_version` is that of the job. `python` is the version of the functions' runtime.
    """

    names: Names
    artifacts_bucket: str
    glue_version: str
    python: str
    schema_url: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "schema_url", layout.uri(self.artifacts_bucket, layout.LINEAGE_FACET_KEY))

    def start(self, told: Told) -> RunEvent:
        """Say that a batch begins: what it reads, and what it is to write."""
        inputs = self._inputs(told)
        facets: dict[str, RunFacet] = {BATCH_FACET: self._batch_facet(told)}
        return self._event(told, RunState.START, told.batch.created_at, facets, inputs, [self._table(told, inputs)])

    def end(self, told: Told) -> RunEvent:
        """Say how a batch has ended. What was not written is no output of it."""
        state, inputs = state_of(told.batch), self._inputs(told)
        batch_facet = self._batch_facet(told)
        batch_facet.outcome = told.batch.status
        facets: dict[str, RunFacet] = {BATCH_FACET: batch_facet}
        if told.report:
            facets["processing_engine"] = self._engine(told.report)
        if state is not RunState.COMPLETE:
            facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(
                message=error_of(told.batch), programmingLanguage="Python"
            )
        outputs = [self._table(told, inputs)] if state is RunState.COMPLETE else []
        outputs += self._quarantine(told)
        return self._event(told, state, told.batch.finished_at, facets, inputs, outputs)

    def _event(
        self,
        told: Told,
        state: RunState,
        time: str,
        facets: dict[str, RunFacet],
        inputs: list[InputDataset],
        outputs: list[OutputDataset],
    ) -> RunEvent:
        batch = told.batch
        kind = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="DATA_PIPELINE", jobType="BATCH")
        return RunEvent(
            eventType=state,
            eventTime=time,
            run=Run(runId=self.names.run_id(batch.batch_id, batch.created_at), facets=facets),
            job=Job(namespace=self.names.job_namespace, name=self.names.job(batch.dataset), facets={"jobType": kind}),
            inputs=inputs,
            outputs=outputs,
        )

    def _inputs(self, told: Told) -> list[InputDataset]:
        """What a batch reads: raw files by their prefixes, or rows that are in quarantine."""
        manifest, contract = told.manifest, told.contract
        files = {(file.key, file.version): file for file in manifest.files}
        if manifest.purpose == ROWS:
            namespace, name = is_at(self.names.table(QUARANTINED_ROWS))
            location = located(self.names.quarantine_location(layout.ROWS))
            facets = {**quarantined_rows_facets(), "symlinks": location}
            read = None if told.report is None else told.report.counts.rows_read
            statistics = _read(rows=read, size=None, files=None)
            return [InputDataset(namespace, name, facets=facets, inputFacets={"inputStatistics": statistics})]
        found = []
        for place in places_of((key for key, _ in files), contract):
            here = {identity for identity in files if place_of(identity[0], contract) == place}
            rows = (
                None
                if told.report is None
                else sum(file.rows_read for file in told.report.files if (file.key, file.version) in here)
            )
            size = sum(files[identity].size for identity in here)
            input_facets: dict[str, InputDatasetFacet] = {
                "inputStatistics": _read(rows=rows, size=size, files=len(here))
            }
            if told.report and contract.quality:
                input_facets["dataQualityAssertions"] = _assertions(told.report, contract)
            namespace, name = is_at(self.names.place(place))
            found.append(InputDataset(namespace, name, facets=raw_facets(contract), inputFacets=input_facets))
        return found

    def _table(self, told: Told, inputs: list[InputDataset]) -> OutputDataset:
        """The dataset's table, and what was written to it."""
        dataset, report = told.batch.dataset, told.report
        namespace, name = is_at(self.names.table(dataset))
        location = self.names.table_location(dataset)
        facets = table_facets(told.contract, location, inputs, told.snapshot)
        written: dict[str, OutputDatasetFacet] = (
            {} if report is None else {"outputStatistics": _written(report.counts.rows_written, len(report.curated))}
        )
        return OutputDataset(namespace, name, facets=facets, outputFacets=written)

    def _quarantine(self, told: Told) -> list[OutputDataset]:
        """The tables of what was refused, where the batch has put something there."""
        report = told.report
        # A replacement that is refused leaves what is published and what is in quarantine as they are.
        if report is None or (told.batch.status == QUARANTINED and told.manifest.purpose == REPLACE):
            return []
        refused = sum(file.problem is not None for file in report.files)
        found = []
        for name, prefix, rows, files in (
            (QUARANTINED_ROWS, layout.ROWS, report.counts.rows_quarantined, len(report.quarantined)),
            (QUARANTINED_FILES, layout.REASONS, refused, refused),
        ):
            if rows:
                namespace, table = is_at(self.names.table(name))
                facets: dict[str, DatasetFacet] = {"symlinks": located(self.names.quarantine_location(prefix))}
                written: dict[str, OutputDatasetFacet] = {"outputStatistics": _written(rows, files)}
                found.append(OutputDataset(namespace, table, facets=facets, outputFacets=written))
        return found

    def _batch_facet(self, told: Told) -> DataPipelineBatchRunFacet:
        batch, report = told.batch, told.report
        facet = DataPipelineBatchRunFacet(
            batchId=batch.batch_id,
            purpose=told.manifest.purpose or "landed",
            contractVersion=told.contract.version,
            execution=self.names.execution_arn(batch.batch_id),
            manifest=layout.uri(self.artifacts_bucket, layout.batch_key(batch.dataset, batch.batch_id, "manifest")),
        )
        if report is not None:
            facet.engine = report.engine
            facet.filesQuarantined = sum(file.problem is not None for file in report.files)
            facet.rows = {name.removeprefix("rows_"): rows for name, rows in asdict(report.counts).items()}
            facet.reasons = dict(report.reasons)
        return facet.at(self.schema_url)

    def _engine(self, report: Report) -> processing_engine_run.ProcessingEngineRunFacet:
        if report.engine == SPARK:
            return processing_engine_run.ProcessingEngineRunFacet(version=self.glue_version, name="AWS Glue")
        return processing_engine_run.ProcessingEngineRunFacet(version=self.python, name="AWS Lambda")


def state_of(batch: Batch) -> RunState:
    """Say how a batch ended, in OpenLineage's words: ABORT if a person stopped it, FAIL if it did not publish.

    Files of a batch that was given up may be tried again; then it is in another batch, which is a run of its own.

    Raises:
        RuntimeError: it has not ended.
    """
    if not batch.finished_at:
        raise RuntimeError(f"{batch.batch_id} is {batch.status}: its run is on record, and the ledger says it goes on")
    if batch.status == PUBLISHED:
        return RunState.COMPLETE
    stopped = batch.cancelled_at or (batch.error is not None and batch.error.error == ABORTED)
    return RunState.ABORT if batch.status == RELEASED and stopped else RunState.FAIL


def error_of(batch: Batch) -> str:
    """Say why a batch did not publish: the rules that it broke, or the error for which it was given up."""
    if batch.verdict is not None:
        return "; ".join(batch.verdict.violations)
    if batch.cancelled_at:
        return f"cancelled by a person at {batch.cancelled_at}"
    return str(batch.error or "") or f"the batch is {batch.status}"


def _read(rows: int | None, size: int | None, files: int | None) -> InputDatasetFacet:
    return input_statistics_input_dataset.InputStatisticsInputDatasetFacet(rowCount=rows, size=size, fileCount=files)


def _written(rows: int, files: int) -> OutputDatasetFacet:
    return output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows, fileCount=files)


def _assertions(report: Report, contract: Contract) -> InputDatasetFacet:
    """The contract's quality rules, which are about the whole batch, and what they measured."""
    return data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
        assertions=[
            data_quality_assertions_dataset.Assertion(
                assertion=judged.rule.metric,
                success=judged.holds,
                column=judged.rule.column,
                severity="error",
                name=judged.rule.name,
                expected=f"{judged.rule.operator} {judged.rule.value} {judged.rule.unit}",
                actual=f"{judged.measured} {judged.rule.unit}",
                params=None,
            )
            for judged in judgements(report, contract)
        ]
    )
