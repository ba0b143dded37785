"""Crawlers, for the datasets that ask for one: they register the partitions that others put into a table's folder.

Tables and columns are made by processing, of the contract; a crawler changes neither.
"""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pipeline_core.layout import TABLES, table_prefix
from pulumi import Input, Output, ResourceOptions

from components.catalog.catalog import Catalog
from components.context import StackContext
from components.names import crawler_prefix
from components.security.iam import allow_unscoped, glue_logs
from components.security.role import ServiceRole, ServiceRoleArgs
from components.storage.zone import Zone

# s3://<bucket>/tables/<dataset>: the bucket is level one, so a dataset's folder is level three.
TABLE_LEVEL = 3


def failed_crawl_pattern(stack: str) -> dict[str, object]:
    """Match the crawls of a stack that failed."""
    return {
        "source": ["aws.glue"],
        "detail-type": ["Glue Crawler State Change"],
        # Glue writes a crawl's state as no other state of its.
        "detail": {"crawlerName": [{"prefix": crawler_prefix(stack)}], "state": ["Failed"]},
    }


def crawler_configuration() -> str:
    """Say how a crawler treats a dataset's folder: one table, whose partitions follow the table's schema.

    With LOG as the update behavior it leaves an existing table as it is, and adds partitions only (AWS Glue developer
    guide, "Preventing a crawler from changing an existing schema", 2026-11).
    """
    return json.dumps(
        {
            "Version": 1.0,
            "CrawlerOutput": {
                "Partitions": {"AddOrUpdateBehavior": "InheritFromTable"},
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
class CrawlerRoleArgs:
    """What the crawlers of a stack read, and the catalog that they keep."""

    context: StackContext
    catalog: Catalog
    curated: Zone
    security_configuration: Input[str]


class CrawlerRole(pulumi.ComponentResource):
    """The role of all crawlers of a stack, and their log group.

    One for all: a role for each dataset is four resources for each, and they differ in a folder and a table only. None
    of the crawlers may make a table: one that Glue makes has its own types, or a name with a number behind it.

    Example:
        role = CrawlerRole(
            "crawlers",
            CrawlerRoleArgs(
                context=context,
                catalog=catalog,
                curated=storage.curated,
                security_configuration=security.configuration.name,
            ),
        )
    """

    role: ServiceRole
    log_group: aws.cloudwatch.LogGroup

    def __init__(self, name: str, args: CrawlerRoleArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:catalog:CrawlerRole", name, None, opts)
        child = ResourceOptions(parent=self)
        context = args.context
        self.role = ServiceRole(
            f"{name}-role",
            ServiceRoleArgs(
                service="glue.amazonaws.com",
                account=context.location.account,
                statements=[
                    args.curated.read(TABLES),
                    args.curated.find_under(TABLES),
                    args.curated.locate(),
                    context.key.decrypt("s3"),
                    args.catalog.use_tables(
                        "GetDatabase",
                        "GetTable",
                        "GetTables",
                        "GetPartition",
                        "GetPartitions",
                        "BatchGetPartition",
                        # Glue writes on the table what it has counted, whatever its update behavior is.
                        "UpdateTable",
                        "BatchCreatePartition",
                        "UpdatePartition",
                        "BatchUpdatePartition",
                    ),
                    *glue_logs(context.location, "/aws-glue/crawlers"),
                    allow_unscoped(["glue:GetSecurityConfiguration"]),
                ],
                permissions_boundary_arn=context.permissions_boundary_arn,
            ),
            child,
        )
        # Glue names the group after role and security configuration; its own would keep logs forever.
        self.log_group = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=Output.concat("/aws-glue/crawlers-role/", self.role.role.name, "-", args.security_configuration),
            retention_in_days=context.log_retention_days,
            kms_key_id=context.key.key.arn,
            opts=child,
        )
        self.register_outputs({"arn": self.role.role.arn})


@dataclass(frozen=True, kw_only=True)
class DatasetCrawlerArgs:
    """Whose folder the crawler looks at, as whom, and when."""

    dataset: str
    stack: str
    database_name: Input[str]
    curated: Zone
    role: CrawlerRole
    security_configuration: Input[str]
    crawl_daily_at_utc: str | None


class DatasetCrawler(pulumi.ComponentResource):
    """Registers the partitions of one dataset's folder, and leaves the table's columns and types alone.

    Example:
        DatasetCrawler(
            "crawler-flights",
            DatasetCrawlerArgs(
                dataset="flights",
                stack="dev",
                database_name=catalog.database.name,
                curated=storage.curated,
                role=role,
                security_configuration=security.configuration.name,
                crawl_daily_at_utc="03:00",
            ),
        )
    """

    crawler: aws.glue.Crawler

    def __init__(self, name: str, args: DatasetCrawlerArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:catalog:DatasetCrawler", name, None, opts)
        self.crawler = aws.glue.Crawler(
            name,
            name=f"{crawler_prefix(args.stack)}{args.dataset}",
            role=args.role.role.role.arn,
            database_name=args.database_name,
            s3_targets=[{"path": Output.concat("s3://", args.curated.bucket.bucket, "/", table_prefix(args.dataset))}],
            configuration=crawler_configuration(),
            schema_change_policy={"update_behavior": "LOG", "delete_behavior": "LOG"},
            recrawl_policy={"recrawl_behavior": "CRAWL_EVERYTHING"},
            schedule=None if args.crawl_daily_at_utc is None else daily(args.crawl_daily_at_utc),
            security_configuration=args.security_configuration,
            opts=ResourceOptions(parent=self, depends_on=[args.role.role.policy, args.role.log_group]),
        )
        self.register_outputs({"name": self.crawler.name})
