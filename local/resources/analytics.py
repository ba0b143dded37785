"""Glue and Athena."""

from __future__ import annotations

from local.resources.base import Created, Handler, ResourceRequest


def database(declared: ResourceRequest) -> Created:
    """A database of the Glue catalog."""
    name = declared.physical(255)
    described = declared.shaped("glue", "DatabaseInput") | {"Name": name}
    declared.client("glue").create_database(DatabaseInput=described, Tags=declared.tags)
    arn = declared.aws.arn("glue", f"database/{name}")
    outputs = {"name": name, "arn": arn, "catalogId": declared.aws.account}
    return Created(f"{declared.aws.account}:{name}", outputs | declared.tagged())


def catalog_table(declared: ResourceRequest) -> Created:
    """A table of the Glue catalog."""
    declared.knows(
        "name", "databaseName", "description", "tableType", "parameters", "partitionKeys", "storageDescriptor"
    )
    name, database_name = declared.physical(255), declared.inputs["databaseName"]
    table = {"PartitionKeys": [], **declared.shaped("glue", "TableInput"), "Name": name}
    glue = declared.client("glue")
    (glue.update_table if declared.before else glue.create_table)(DatabaseName=database_name, TableInput=table)
    arn = declared.aws.arn("glue", f"table/{database_name}/{name}")
    return Created(
        f"{declared.aws.account}:{database_name}:{name}",
        {"name": name, "arn": arn, "catalogId": declared.aws.account},
    )


def crawler(declared: ResourceRequest) -> Created:
    """A Glue crawler."""
    name = declared.physical(255)
    declared.call(
        "glue",
        "create_crawler",
        Name=name,
        Role=_role_arn(declared, declared.inputs["role"]),
        Targets=declared.shaped("glue", "CrawlerTargets"),
        Tags=declared.tags,
    )
    outputs = {"name": name, "arn": declared.aws.arn("glue", f"crawler/{name}")}
    return Created(name, outputs | declared.tagged())


def _role_arn(declared: ResourceRequest, role: str) -> str:
    # A crawler takes its role by name or by ARN.
    return role if role.startswith("arn:") else f"arn:aws:iam::{declared.aws.account}:role/{role}"


def job(declared: ResourceRequest) -> Created:
    """A Glue job."""
    inputs = declared.inputs
    name = declared.physical(255)
    command = {"Name": "glueetl", "PythonVersion": "3"} | declared.shaped("glue", "JobCommand", inputs["command"])
    declared.call("glue", "create_job", Name=name, Role=inputs["roleArn"], Command=command, Tags=declared.tags)
    outputs = {"name": name, "arn": declared.aws.arn("glue", f"job/{name}")}
    return Created(name, outputs | declared.tagged())


def security_configuration(declared: ResourceRequest) -> Created:
    """How Glue encrypts what it writes."""
    name = declared.physical(255)
    declared.call("glue", "create_security_configuration", Name=name)
    return Created(name, {"name": name})


def workgroup(declared: ResourceRequest) -> Created:
    """An Athena workgroup."""
    name = declared.physical(128)
    given = declared.shaped("athena", "WorkGroupConfiguration", declared.inputs.get("configuration") or {})
    configuration = {"EnforceWorkGroupConfiguration": True} | given
    declared.call("athena", "create_work_group", Name=name, Configuration=configuration, Tags=declared.tag_list)
    arn = declared.aws.arn("athena", f"workgroup/{name}")
    return Created(name, {"name": name, "arn": arn} | declared.tagged())


def named_query(declared: ResourceRequest) -> Created:
    """A query that is kept by name in a workgroup."""
    name = declared.physical(128)
    if declared.before:
        declared.client("athena").delete_named_query(NamedQueryId=declared.before.id)
    made = declared.call("athena", "create_named_query", Name=name, QueryString=declared.inputs["query"])
    return Created(made["NamedQueryId"], {"name": name})


HANDLERS: dict[str, Handler] = {
    "aws:glue/catalogDatabase:CatalogDatabase": database,
    "aws:glue/catalogTable:CatalogTable": catalog_table,
    "aws:glue/crawler:Crawler": crawler,
    "aws:glue/job:Job": job,
    "aws:glue/securityConfiguration:SecurityConfiguration": security_configuration,
    "aws:athena/workgroup:Workgroup": workgroup,
    "aws:athena/namedQuery:NamedQuery": named_query,
}
