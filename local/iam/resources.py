"""Which resources a request to Glue or Athena is authorised on: MiniStack's answers, corrected to those of AWS.

MiniStack takes any `Name` of a Glue request for a table, and a query's id for nothing (`*`), so policies that
are right on AWS would be refused, and policies that AWS refuses would pass.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions
from ministack.services import athena, glue

from local.patches import monkeypatch

_CRAWLER_ACTIONS = ("Crawler", "Crawlers")
_JOB_ACTIONS = ("Job", "JobRun", "JobRuns", "Jobs")


def install() -> None:
    """Correct MiniStack's `extract_resource_arn`.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    parameters = "service, method, path, headers, body, query_params, region, account_id"
    monkeypatch.value(athena, "_executions", object)
    monkeypatch.value(glue, "_tables", object)

    def extract(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        region: str,
        account_id: str,
    ) -> str:
        action = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
        if service in {"glue", "athena"} and action:
            return resource_of(service, action, _parsed(body), region, account_id)
        found: str = original(service, method, path, headers, body, query_params, region, account_id)
        return found

    original = monkeypatch.replace(iam_actions, "extract_resource_arn", parameters, extract)


def resource_of(service: str, action: str, request: dict[str, Any], region: str, account_id: str) -> str:
    """The most specific ARN that AWS authorises a Glue or Athena request on ('*' if it offers none)."""
    prefix = f"arn:aws:{service}:{region}:{account_id}:"
    if service == "athena":
        return _athena_resource(prefix, request)
    if action.endswith(_CRAWLER_ACTIONS):
        name = request.get("Name") or request.get("CrawlerName")
        return f"{prefix}crawler/{name}" if name else "*"
    if action.endswith(_JOB_ACTIONS):
        name = request.get("JobName") or request.get("Name")
        return f"{prefix}job/{name}" if name else "*"
    if action.endswith(("SecurityConfiguration", "SecurityConfigurations")):
        return "*"
    if arn := request.get("ResourceArn"):
        return str(arn)
    return _catalog_resource(prefix, action, request)


def implied(service: str, resource: str) -> list[str]:
    """The other resources that a Glue catalog request on `resource` is authorised on: its parents."""
    if service != "glue":
        return []
    prefix, _, name = resource.partition(":table/")
    if name:
        return [f"{prefix}:database/{name.split('/')[0]}", f"{prefix}:catalog"]
    prefix, _, name = resource.partition(":database/")
    return [f"{prefix}:catalog"] if name else []


def _athena_resource(prefix: str, request: dict[str, Any]) -> str:
    workgroup = request.get("WorkGroup")
    if not workgroup and (query := request.get("QueryExecutionId")):
        workgroup = (athena._executions.get(query) or {}).get("WorkGroup")
    if not workgroup and (ids := request.get("QueryExecutionIds")):
        workgroup = (athena._executions.get(ids[0]) or {}).get("WorkGroup")
    named = request.get("NamedQueryId") or next(iter(request.get("NamedQueryIds") or []), None)
    if not workgroup and named:
        workgroup = (athena._named_queries.get(named) or {}).get("WorkGroup")
    if not workgroup and isinstance(request.get("Name"), str) and "Configuration" in request:
        workgroup = request["Name"]
    if not workgroup and (catalog := request.get("CatalogName")):
        return f"{prefix}datacatalog/{catalog}"
    return f"{prefix}workgroup/{workgroup or 'primary'}"


def _catalog_resource(prefix: str, action: str, request: dict[str, Any]) -> str:
    database = request.get("DatabaseName")
    table = request.get("TableName") or (request.get("TableInput") or {}).get("Name")
    if action in {"GetTable", "DeleteTable"}:
        table = request.get("Name")
    if action == "GetTables" and database:
        table = request.get("Expression") or "*"
    if database and table:
        return f"{prefix}table/{database}/{table}"
    if not database and "Database" in action:
        database = request.get("Name") or (request.get("DatabaseInput") or {}).get("Name")
    return f"{prefix}database/{database}" if database else f"{prefix}catalog"


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
