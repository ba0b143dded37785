"""The Data Catalog and Athena: what people and functions ask for tables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.compute import Surroundings, glue_logs
from components.iam import Place, Statement, allow, allow_unscoped
from components.queries import Query
from components.security import ServiceRole, ServiceRoleArgs
from components.storage import Zone

ATHENA_ENGINE = "Athena engine version 3"
BYTES_PER_MEGABYTE = 1_000_000
# s3://<bucket>/tables/<dataset>: the bucket is level one, so a dataset's folder is level three.
TABLE_LEVEL = 3


def database_name(stack: str) -> str:
    """Name the Glue database; people type it in SQL."""
    return f"data_pipeline_{stack.replace('-', '_')}"


def workgroup_name(stack: str) -> str:
    """Name the Athena workgroup; people choose it in the console."""
    return f"data-pipeline-{stack}"


def crawler_prefix(stack: str) -> str:
    """Begin the name of every crawler; the dataset follows.

    No stack's name has a `_`, so the prefix of `dev` is not one of the crawlers of `dev-x`.
    """
    return f"data-pipeline-{stack}_"


def failed_crawl_pattern(stack: str) -> dict[str, object]:
    """Match the crawls of a stack that failed."""
    return {
        "source": ["aws.glue"],
        "detail-type": ["Glue Crawler State Change"],
        # Glue writes a crawl's state as no other state of its.
        "detail": {"crawlerName": [{"prefix": crawler_prefix(stack)}], "state": ["Failed"]},
    }


def crawler_configuration() -> str:
    """Say how a crawler treats a dataset's folder: one table, whose partitions follow the table's schema."""
    return json.dumps(
        {
            "Version": 1.0,
            "CrawlerOutput": {
                "Partitions": {"AddOrUpdateBehavior": "InheritFromTable"},
                "Tables": {"AddOrUpdateBehavior": "MergeNewColumns"},
            },
            "Grouping": {
                "TableGroupingPolicy": "CombineCompatibleSchemas",
                "TableLevelConfiguration": TABLE_LEVEL,
            },
        },
        sort_keys=True,
    )


def daily(time_of_day: str) -> str:
    """Write HH:MM (UTC) as a Glue schedule."""
    hour, minute = time_of_day.split(":")
    return f"cron({int(minute)} {int(hour)} * * ? *)"


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


@dataclass(frozen=True, kw_only=True)
class DatasetCrawlerArgs:
    """Whose table the crawler keeps, and when."""

    dataset: str
    surroundings: Surroundings
    catalog: Catalog
    curated: Zone
    security_configuration: Input[str]
    crawl_daily_at_utc: str | None


class DatasetCrawler(pulumi.ComponentResource):
    """Creates and evolves one dataset's table, and can see no other's files."""

    crawler: aws.glue.Crawler

    def __init__(self, name: str, args: DatasetCrawlerArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:catalog:DatasetCrawler", name, None, opts)
        child = ResourceOptions(parent=self)
        around = args.surroundings
        folder = f"tables/{args.dataset}/"
        role = ServiceRole(
            f"{name}-role",
            ServiceRoleArgs(
                service="glue.amazonaws.com",
                account=around.place.account,
                statements=[
                    args.curated.read(folder),
                    args.curated.find_under(folder),
                    args.curated.locate(),
                    around.key.decrypt("s3"),
                    # Glue answers GetTables only to those who may see every table of the database.
                    args.catalog.use_tables(
                        "GetDatabase", "GetTable", "GetTables", "GetPartition", "GetPartitions", "BatchGetPartition"
                    ),
                    args.catalog.use_tables(
                        "CreateTable",
                        "UpdateTable",
                        "BatchCreatePartition",
                        "UpdatePartition",
                        "BatchUpdatePartition",
                        table=args.dataset,
                    ),
                    *glue_logs(around.place, "/aws-glue/crawlers"),
                    allow_unscoped(["glue:GetSecurityConfiguration"]),
                ],
                permissions_boundary_arn=around.permissions_boundary_arn,
            ),
            child,
        )
        # Glue names the group after role and security configuration; its own would keep logs forever.
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=Output.concat("/aws-glue/crawlers-role/", role.role.name, "-", args.security_configuration),
            retention_in_days=around.log_retention_days,
            kms_key_id=around.key.key.arn,
            opts=child,
        )
        schedule = None if args.crawl_daily_at_utc is None else daily(args.crawl_daily_at_utc)
        self.crawler = aws.glue.Crawler(
            name,
            name=f"{crawler_prefix(around.stack)}{args.dataset}",
            role=role.role.arn,
            database_name=args.catalog.database.name,
            s3_targets=[{"path": Output.concat("s3://", args.curated.bucket.bucket, "/", folder)}],
            configuration=crawler_configuration(),
            schema_change_policy={"update_behavior": "UPDATE_IN_DATABASE", "delete_behavior": "LOG"},
            recrawl_policy={"recrawl_behavior": "CRAWL_EVERYTHING"},
            schedule=schedule,
            security_configuration=args.security_configuration,
            opts=ResourceOptions(parent=self, depends_on=[role.policy, logs]),
        )
        self.register_outputs({"name": self.crawler.name})
