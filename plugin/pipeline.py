"""The whole pipeline for programs in other languages: plain arguments in, plain outputs out."""

import tempfile
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi import Output, ResourceOptions

from components import data_pipeline, user_files
from components.provider import aws_provider
from config import model
from config.load import parse
from contracts.compiler.compile import SUFFIX
from plugin.names import token
from plugin.settings import PipelineConfig


class ArgumentError(pulumi.RunError):
    """Arguments that cannot be used; the message names the component, the argument and what is allowed."""


class DataPipelineArgs(TypedDict):
    """The settings, and where the contracts and the queries are; each of these as texts or as a folder."""

    settings: PipelineConfig
    """What differs from the defaults."""
    contracts: NotRequired[list[str]]
    """Texts of contracts in the Open Data Contract Standard."""
    contracts_folder: NotRequired[str]
    """A folder with contracts, `*.odcs.yaml`; from the folder in which `pulumi` was called, if it is relative."""
    queries: NotRequired[dict[str, str]]
    """Named queries by their names: a line `-- <what the query tells>`, and SQL."""
    queries_folder: NotRequired[str]
    """A folder with queries, `<name>.sql`; from the folder in which `pulumi` was called, if it is relative."""
    stack_name: NotRequired[str]
    """What physical names are made of, for a second pipeline in an account. Default: the stack's name."""


class DataPipeline(pulumi.ComponentResource):
    """Files that land become clean, deduplicated, partitioned tables, with every row accounted for."""

    stack: Output[str]
    """What physical names are made of."""
    environment: Output[str]
    """Which rules the stack keeps."""
    raw_bucket: Output[str]
    """Where files land."""
    curated_bucket: Output[str]
    """Where the tables are."""
    quarantine_bucket: Output[str]
    """Where refused rows and files are."""
    artifacts_bucket: Output[str]
    """Where code and contracts are."""
    query_results_bucket: Output[str]
    """Where Athena writes results."""
    ledger_table: Output[str]
    """The DynamoDB table that knows every file and every batch."""
    database: Output[str]
    """The Glue database of the tables."""
    workgroup: Output[str]
    """The Athena workgroup of the named queries."""
    state_machine_arn: Output[str]
    """What brings a batch from staging to the table."""
    event_bus_name: Output[str]
    """Where it is said that batches were published or refused."""
    notifications_topic_arn: Output[str]
    """The SNS topic of published and refused batches."""
    alarms_topic_arn: Output[str]
    """The SNS topic of alarms."""
    owners_topic_arn: Output[str]
    """The SNS topic that the channels of the contracts hear."""
    arrivals_queue_url: Output[str]
    """The SQS queue of landed files."""
    arrivals_dead_letters_url: Output[str]
    """Landed files that nobody could record."""
    ticks_queue_url: Output[str]
    """The SQS queue of datasets whose pending files are due."""
    ticks_dead_letters_url: Output[str]
    """Ticks that nobody could carry out."""
    undelivered_url: Output[str]
    """Events that reached nobody."""
    job_name: Output[str]
    """The Glue job of large batches."""
    max_files_per_batch: Output[int]
    """Files in one batch at most."""
    max_bytes_per_batch: Output[float]
    """Bytes to read in one batch at most; more than an integer holds in some languages."""
    small_bytes_per_batch: Output[float]
    """Bytes to read in a batch that the function stage does, at most; those of larger ones are Glue's."""
    max_workers: Output[int]
    """Workers of one run of the Glue job at most."""
    datasets: Output[list[str]]
    """The datasets that are deployed."""
    functions: Output[dict[str, str]]
    """Names of the Lambda functions, by what they do."""
    crawlers: Output[dict[str, str]]
    """Names of the Glue crawlers, by dataset."""
    dashboard_name: Output[str] | None
    """The dashboard, if there is one."""

    def __init__(self, name: str, args: DataPipelineArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(token("DataPipeline"), name, None, opts)
        settings = self._settings(name, args)
        with tempfile.TemporaryDirectory() as empty:
            files = user_files.read_folders(*_folders(name, args, Path(empty)), settings)
        child = ResourceOptions(parent=self)
        if self.get_provider("aws:index:provider") is None:
            child.provider = aws_provider(settings, f"{name}-aws", ResourceOptions(parent=self))
        made = data_pipeline.DataPipeline(
            name, data_pipeline.DataPipelineArgs(settings=settings, files=files), child
        ).outputs
        for output, value in made.items():
            setattr(self, output, None if value is None else Output.from_input(value))
        self.register_outputs({})

    def _settings(self, name: str, args: DataPipelineArgs) -> model.PipelineConfig:
        given = self.get_provider("aws:index:provider") is not None
        settings = parse(
            _whole(args["settings"]),
            f"{name}: settings",
            stack=args.get("stack_name") or pulumi.get_stack(),
            region=None if given else pulumi.Config("aws").get("region"),
        )
        if given and (settings.tags or settings.security.account_id):
            raise ArgumentError(
                f"{name}: settings: tags and security.account_id are allowed only without a provider of your own; "
                "say defaultTags and allowedAccountIds of that provider"
            )
        return settings


def _folders(name: str, args: DataPipelineArgs, empty: Path) -> tuple[Path, Path]:
    """Find the folder of contracts and that of queries; texts are put into an `empty` one."""
    for texts, folder in (("contracts", "contractsFolder"), ("queries", "queriesFolder")):
        if texts in args and f"{texts}_folder" in args:
            raise ArgumentError(f"{name}: {texts} and {folder} are both given; allowed is one of them")
    if "contracts" not in args and "contracts_folder" not in args:
        raise ArgumentError(f"{name}: contracts or contractsFolder is needed: a pipeline has one dataset at least")
    contracts = {f"contracts[{number}]{SUFFIX}": text for number, text in enumerate(args.get("contracts", []))}
    queries = {f"{query}.sql": text for query, text in args.get("queries", {}).items()}
    for file, text in {**contracts, **queries}.items():
        if Path(file).name != file:
            raise ArgumentError(
                f"{name}: queries: {file!r} is no name of a query; allowed are small letters, digits, _"
            )
        (empty / file).write_text(text, encoding="utf-8")
    folders = [Path(args.get("contracts_folder", empty)), Path(args.get("queries_folder", empty))]
    if missing := [str(folder) for folder in folders if not folder.is_dir()]:
        raise ArgumentError(f"{name}: {' and '.join(missing)}: there is no such folder in {Path.cwd()}")
    return folders[0], folders[1]


def _whole(value: Any) -> Any:
    """Make whole numbers integers: Pulumi hands all numbers over as floats, and no setting has a fraction."""
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
