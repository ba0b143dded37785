"""The Data Catalog and Athena: what people and functions ask for tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.catalog.queries import Query
from components.catalog.tables import OwnTables, OwnTablesArgs
from components.names import database_name, stack_name
from components.security.iam import Location, Statement, allow
from components.storage.storage import Storage

ATHENA_ENGINE = "Athena engine version 3"
BYTES_PER_MEGABYTE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class CatalogArgs:
    """What the tables are made of, what a query may cost, and which datasets and named queries there are."""

    stack: str
    location: Location
    kms_key_arn: Input[str]
    storage: Storage
    scanned_bytes_cutoff_mb: int
    allow_destroy: bool
    datasets: Sequence[str]
    queries: Mapping[str, Query]


class Catalog(pulumi.ComponentResource):
    """The database of the curated tables, and a workgroup that nobody can talk out of its limits.

    Example:
        catalog = Catalog(
            "lake",
            CatalogArgs(
                stack="dev",
                location=location,
                kms_key_arn=key.key.arn,
                storage=storage,
                scanned_bytes_cutoff_mb=10_000,
                allow_destroy=True,
                datasets=["flights"],
                queries={},
            ),
        )
        pulumi.export("database", catalog.database.name)
    """

    database: aws.glue.CatalogDatabase
    workgroup: aws.athena.Workgroup

    def __init__(self, name: str, args: CatalogArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:catalog:Catalog", name, None, opts)
        child = ResourceOptions(parent=self)
        self._location = args.location
        self.database = aws.glue.CatalogDatabase(
            f"{name}-database",
            name=database_name(args.stack),
            description=f"Curated tables of the data pipeline, {args.stack}",
            opts=child,
        )
        self.workgroup = aws.athena.Workgroup(
            f"{name}-workgroup",
            name=stack_name(args.stack),
            description=f"Queries on the curated tables, {args.stack}",
            configuration={
                "enforce_workgroup_configuration": True,
                "publish_cloudwatch_metrics_enabled": True,
                "bytes_scanned_cutoff_per_query": args.scanned_bytes_cutoff_mb * BYTES_PER_MEGABYTE,
                "engine_version": {"selected_engine_version": ATHENA_ENGINE},
                "result_configuration": {
                    "output_location": Output.concat("s3://", args.storage.query_results.bucket.bucket, "/results/"),
                    "expected_bucket_owner": args.location.account,
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
        OwnTables(
            f"{name}-tables",
            OwnTablesArgs(
                database_name=self.database.name,
                datasets=args.datasets,
                quarantine_bucket=args.storage.quarantine.bucket.bucket,
                artifacts_bucket=args.storage.artifacts.bucket.bucket,
            ),
            child,
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

    def find_database(self) -> Statement:
        """Look at the database itself, as PyIceberg does with each commit: it might be one of S3 Tables."""
        catalog, database, _ = self._tables("*")
        return allow(["glue:GetDatabase"], [catalog, database])

    def find_default(self) -> Statement:
        """Look for the database `default`, as Athena does for whoever asks it anything.

        Athena user guide, "Configure access to databases and tables", 2026-11.
        """
        return allow(
            ["glue:GetDatabase"],
            [self._location.arn("glue", "catalog"), self._location.arn("glue", "database/default")],
        )

    def _tables(self, table: str) -> list[Output[str]]:
        # A table's permission counts only together with its database's and the catalog's.
        return [
            self._location.arn("glue", "catalog"),
            self._location.arn("glue", Output.concat("database/", self.database.name)),
            self._location.arn("glue", Output.concat("table/", self.database.name, f"/{table}")),
        ]
