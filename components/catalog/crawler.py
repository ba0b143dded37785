"""The crawler of a dataset: it keeps the catalog after what processing publishes."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pipeline_core.layout import table_prefix
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
class DatasetCrawlerArgs:
    """Whose table the crawler keeps, and when."""

    dataset: str
    context: StackContext
    catalog: Catalog
    curated: Zone
    security_configuration: Input[str]
    crawl_daily_at_utc: str | None


class DatasetCrawler(pulumi.ComponentResource):
    """Creates and evolves one dataset's table, and can see no other's files.

    Example:
        DatasetCrawler(
            "crawler-flights",
            DatasetCrawlerArgs(
                dataset="flights",
                context=context,
                catalog=catalog,
                curated=storage.curated,
                security_configuration=security.configuration.name,
                crawl_daily_at_utc="03:00",
            ),
        )
    """

    crawler: aws.glue.Crawler

    def __init__(self, name: str, args: DatasetCrawlerArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:catalog:DatasetCrawler", name, None, opts)
        child = ResourceOptions(parent=self)
        context = args.context
        folder = table_prefix(args.dataset)
        role = ServiceRole(
            f"{name}-role",
            ServiceRoleArgs(
                service="glue.amazonaws.com",
                account=context.location.account,
                statements=[
                    args.curated.read(folder),
                    args.curated.find_under(folder),
                    args.curated.locate(),
                    context.key.decrypt("s3"),
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
                    *glue_logs(context.location, "/aws-glue/crawlers"),
                    allow_unscoped(["glue:GetSecurityConfiguration"]),
                ],
                permissions_boundary_arn=context.permissions_boundary_arn,
            ),
            child,
        )
        # Glue names the group after role and security configuration; its own would keep logs forever.
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=Output.concat("/aws-glue/crawlers-role/", role.role.name, "-", args.security_configuration),
            retention_in_days=context.log_retention_days,
            kms_key_id=context.key.key.arn,
            opts=child,
        )
        schedule = None if args.crawl_daily_at_utc is None else daily(args.crawl_daily_at_utc)
        self.crawler = aws.glue.Crawler(
            name,
            name=f"{crawler_prefix(context.stack)}{args.dataset}",
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
