"""Glue and Athena."""

from __future__ import annotations

from local.resources.base import Created, Handler, Json, ResourceRequest, pascal


def database(declared: ResourceRequest) -> Created:
    """A database of the Glue catalog."""
    name = declared.physical(255)
    given: Json = declared.pick(Description="description", LocationUri="locationUri", Parameters="parameters")
    declared.client("glue").create_database(DatabaseInput={"Name": name, **given}, Tags=declared.tags)
    arn = declared.aws.arn("glue", f"database/{name}")
    outputs = {"name": name, "arn": arn, "catalogId": declared.aws.account}
    return Created(f"{declared.aws.account}:{name}", outputs | declared.tagged())


def catalog_table(declared: ResourceRequest) -> Created:
    """A table of the Glue catalog."""
    inputs = declared.inputs
    declared.knows(
        "name", "databaseName", "description", "tableType", "parameters", "partitionKeys", "storageDescriptor"
    )
    name, database_name = declared.physical(255), inputs["databaseName"]
    storage = pascal(inputs["storageDescriptor"])
    # The provider spells this member of the API its own way.
    storage["SerdeInfo"] = storage.pop("SerDeInfo", {})
    table: Json = {
        "Name": name,
        "StorageDescriptor": storage,
        "PartitionKeys": pascal(inputs.get("partitionKeys") or []),
        **declared.pick(Description="description", TableType="tableType", Parameters="parameters"),
    }
    glue = declared.client("glue")
    (glue.update_table if declared.before else glue.create_table)(DatabaseName=database_name, TableInput=table)
    arn = declared.aws.arn("glue", f"table/{database_name}/{name}")
    return Created(
        f"{declared.aws.account}:{database_name}:{name}",
        {"name": name, "arn": arn, "catalogId": declared.aws.account},
    )


def crawler(declared: ResourceRequest) -> Created:
    """A Glue crawler."""
    inputs = declared.inputs
    name = declared.physical(255)
    targets: Json = {}
    if paths := inputs.get("s3Targets"):
        targets["S3Targets"] = [pascal(target) for target in paths]
    if tables := inputs.get("catalogTargets"):
        targets["CatalogTargets"] = [pascal(target) for target in tables]
    request: Json = declared.pick(
        DatabaseName="databaseName",
        Description="description",
        Schedule="schedule",
        Classifiers="classifiers",
        TablePrefix="tablePrefix",
        Configuration="configuration",
        CrawlerSecurityConfiguration="securityConfiguration",
    )
    for key in ("schemaChangePolicy", "recrawlPolicy"):
        if value := inputs.get(key):
            request[key[0].upper() + key[1:]] = pascal(value)
    if lineage := inputs.get("lineageConfiguration"):
        request["LineageConfiguration"] = pascal(lineage)
    declared.client("glue").create_crawler(
        Name=name, Role=_role_arn(declared, inputs["role"]), Targets=targets, Tags=declared.tags, **request
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
    command = inputs["command"]
    request: Json = declared.pick(
        Description="description",
        DefaultArguments="defaultArguments",
        NonOverridableArguments="nonOverridableArguments",
        MaxRetries="maxRetries",
        Timeout="timeout",
        GlueVersion="glueVersion",
        NumberOfWorkers="numberOfWorkers",
        WorkerType="workerType",
        MaxCapacity="maxCapacity",
        SecurityConfiguration="securityConfiguration",
        ExecutionClass="executionClass",
        JobMode="jobMode",
    )
    if limits := inputs.get("executionProperty"):
        request["ExecutionProperty"] = pascal(limits)
    declared.client("glue").create_job(
        Name=name,
        Role=inputs["roleArn"],
        Command={
            "Name": command.get("name") or "glueetl",
            "ScriptLocation": command["scriptLocation"],
            "PythonVersion": command.get("pythonVersion") or "3",
        },
        Tags=declared.tags,
        **request,
    )
    outputs = {"name": name, "arn": declared.aws.arn("glue", f"job/{name}")}
    return Created(name, outputs | declared.tagged())


def security_configuration(declared: ResourceRequest) -> Created:
    """How Glue encrypts what it writes."""
    name = declared.physical(255)
    given = declared.inputs["encryptionConfiguration"]
    logs = given["cloudwatchEncryption"]
    bookmarks = given["jobBookmarksEncryption"]
    s3 = given["s3Encryption"]
    encryption: Json = {
        "CloudWatchEncryption": _mode("CloudWatchEncryptionMode", "cloudwatchEncryptionMode", logs),
        "JobBookmarksEncryption": _mode("JobBookmarksEncryptionMode", "jobBookmarksEncryptionMode", bookmarks),
        "S3Encryption": [_mode("S3EncryptionMode", "s3EncryptionMode", s3)],
    }
    declared.client("glue").create_security_configuration(Name=name, EncryptionConfiguration=encryption)
    return Created(name, {"name": name})


def _mode(parameter: str, given: str, settings: Json) -> Json:
    mode: Json = {parameter: settings.get(given) or "DISABLED"}
    if settings.get("kmsKeyArn"):
        mode["KmsKeyArn"] = settings["kmsKeyArn"]
    return mode


def workgroup(declared: ResourceRequest) -> Created:
    """An Athena workgroup."""
    inputs = declared.inputs
    name = declared.physical(128)
    configuration: Json = pascal(inputs.get("configuration") or {})
    for key in ("BytesScannedCutoffPerQuery",):
        if key in configuration:
            configuration[key] = int(configuration[key])
    configuration.setdefault("EnforceWorkgroupConfiguration", True)
    # The provider spells some members of the API its own way.
    configuration["EnforceWorkGroupConfiguration"] = configuration.pop("EnforceWorkgroupConfiguration")
    if "PublishCloudwatchMetricsEnabled" in configuration:
        configuration["PublishCloudWatchMetricsEnabled"] = configuration.pop("PublishCloudwatchMetricsEnabled")
    result = configuration.get("ResultConfiguration") or {}
    if encryption := result.get("EncryptionConfiguration"):
        result["EncryptionConfiguration"] = {
            "EncryptionOption": encryption["EncryptionOption"],
            **({"KmsKey": encryption["KmsKeyArn"]} if encryption.get("KmsKeyArn") else {}),
        }
    declared.client("athena").create_work_group(
        Name=name,
        Configuration=configuration,
        Description=inputs.get("description") or "",
        Tags=declared.tag_list,
    )
    arn = declared.aws.arn("athena", f"workgroup/{name}")
    return Created(name, {"name": name, "arn": arn} | declared.tagged())


def named_query(declared: ResourceRequest) -> Created:
    """A query that is kept by name in a workgroup."""
    name = declared.physical(128)
    if declared.before:
        declared.client("athena").delete_named_query(NamedQueryId=declared.before.id)
    made = declared.client("athena").create_named_query(
        Name=name,
        Database=declared.inputs["database"],
        QueryString=declared.inputs["query"],
        **declared.pick(WorkGroup="workgroup", Description="description"),
    )
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
