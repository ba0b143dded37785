"""The Data Catalog and Athena: what people and functions ask for tables."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.catalog.queries import Query
from components.security.iam import Place, Statement, allow
from components.storage.zone import Zone

ATHENA_ENGINE = "Athena engine version 3"
BYTES_PER_MEGABYTE = 1_000_000


def database_name(stack: str) -> str:
    """Name the Glue database; people type it in SQL."""
    return f"data_pipeline_{stack.replace('-', '_')}"


def workgroup_name(stack: str) -> str:
    """Name the Athena workgroup; people choose it in the console."""
    return f"data-pipeline-{stack}"


@dataclass(frozen=True, kw_only=True)
class CatalogArgs:
    """Where results go, what a query may cost, and which queries have a name."""

    stack: str
    place: Place
    kms_key_arn: Input[str]
    query_results: Zone
    scanned_bytes_cutoff_mb: int
    allow_destroy: bool
    queries: Mapping[str, Query]


class Catalog(pulumi.ComponentResource):
    """The database of the curated tables, and a workgroup that nobody can talk out of its limits."""

    database: aws.glue.CatalogDatabase
    workgroup: aws.athena.Workgroup

    def __init__(self, name: str, args: CatalogArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:catalog:Catalog", name, None, opts)
        child = ResourceOptions(parent=self)
        self._place = args.place
        self.database = aws.glue.CatalogDatabase(
            f"{name}-database",
            name=database_name(args.stack),
            description=f"Curated tables of the data pipeline, {args.stack}",
            opts=child,
        )
        self.workgroup = aws.athena.Workgroup(
            f"{name}-workgroup",
            name=workgroup_name(args.stack),
            description=f"Queries on the curated tables, {args.stack}",
            configuration={
                "enforce_workgroup_configuration": True,
                "publish_cloudwatch_metrics_enabled": True,
                "bytes_scanned_cutoff_per_query": args.scanned_bytes_cutoff_mb * BYTES_PER_MEGABYTE,
                "engine_version": {"selected_engine_version": ATHENA_ENGINE},
                "result_configuration": {
                    "output_location": Output.concat("s3://", args.query_results.bucket.bucket, "/results/"),
                    "expected_bucket_owner": args.place.account,
                    "encryption_configuration": {
                        "encryption_option": "SSE_KMS",
                        "kms_key_arn": args.kms_key_arn,
                    },
                },
            },
            force_destroy=args.allow_destroy,
            opts=child,
        )
        for title, query in sorted(args.queries.items()):
            aws.athena.NamedQuery(
                f"{name}-query-{title}",
                name=title,
                description=query.description,
                database=self.database.name,
                workgroup=self.workgroup.name,
                query=query.sql,
                opts=child,
            )
        self.register_outputs({"database": self.database.name, "workgroup": self.workgroup.name})

    def run_queries(self) -> Statement:
        """Run queries, and look the named ones up, in the workgroup."""
        verbs = [
            "StartQueryExecution",
            "GetQueryExecution",
            "GetQueryResults",
            "StopQueryExecution",
            "ListNamedQueries",
            "BatchGetNamedQuery",
        ]
        return allow([f"athena:{verb}" for verb in verbs], [self.workgroup.arn])

    def use_tables(self, *actions: str, table: str = "*") -> Statement:
        """Allow Glue `actions` (without their prefix) on the database's tables, or on one `table`."""
        return allow([f"glue:{action}" for action in actions], self._tables(table))

    def find_default(self) -> Statement:
        """Look for the database `default`, as Athena does for whoever asks it anything.

        Athena user guide, "Configure access to databases and tables", 2026-11.
        """
        return allow(
            ["glue:GetDatabase"], [self._place.arn("glue", "catalog"), self._place.arn("glue", "database/default")]
        )

    def _tables(self, table: str) -> list[Output[str]]:
        # A table's permission counts only together with its database's and the catalog's.
        return [
            self._place.arn("glue", "catalog"),
            self._place.arn("glue", Output.concat("database/", self.database.name)),
            self._place.arn("glue", Output.concat("table/", self.database.name, f"/{table}")),
        ]
