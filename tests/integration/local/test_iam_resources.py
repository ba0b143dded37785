"""Glue and Athena requests are authorised on the resources that AWS authorises them on."""

from typing import Any

import pytest

from local.iam.resources import implied, resource_of

GLUE = "arn:aws:glue:us-east-1:1:"


@pytest.mark.parametrize(
    ("action", "request_body", "resource"),
    [
        ("StartCrawler", {"Name": "c"}, f"{GLUE}crawler/c"),
        ("GetCrawler", {"Name": "c"}, f"{GLUE}crawler/c"),
        ("GetCrawlers", {}, "*"),
        ("StartJobRun", {"JobName": "j"}, f"{GLUE}job/j"),
        ("GetJobRun", {"JobName": "j", "RunId": "r"}, f"{GLUE}job/j"),
        ("BatchStopJobRun", {"JobName": "j", "JobRunIds": []}, f"{GLUE}job/j"),
        ("CreateJob", {"Name": "j"}, f"{GLUE}job/j"),
        ("GetTable", {"DatabaseName": "d", "Name": "t"}, f"{GLUE}table/d/t"),
        ("CreateTable", {"DatabaseName": "d", "TableInput": {"Name": "t"}}, f"{GLUE}table/d/t"),
        ("GetTables", {"DatabaseName": "d"}, f"{GLUE}table/d/*"),
        ("BatchCreatePartition", {"DatabaseName": "d", "TableName": "t"}, f"{GLUE}table/d/t"),
        ("GetDatabase", {"Name": "d"}, f"{GLUE}database/d"),
        ("CreateDatabase", {"DatabaseInput": {"Name": "d"}}, f"{GLUE}database/d"),
        ("GetDatabases", {}, f"{GLUE}catalog"),
        ("CreateSecurityConfiguration", {"Name": "s"}, "*"),
        ("TagResource", {"ResourceArn": f"{GLUE}job/j"}, f"{GLUE}job/j"),
    ],
)
def test_a_glue_request_is_about(action: str, request_body: dict[str, Any], resource: str) -> None:
    assert resource_of("glue", action, request_body, "us-east-1", "1") == resource


@pytest.mark.parametrize(
    ("request_body", "resource"),
    [
        ({"WorkGroup": "w"}, "workgroup/w"),
        ({"QueryExecutionId": "unknown"}, "workgroup/primary"),
        ({"QueryExecutionIds": ["unknown"]}, "workgroup/primary"),
        ({"NamedQueryIds": ["unknown"]}, "workgroup/primary"),
        ({"Name": "w", "Configuration": {}}, "workgroup/w"),
        ({"CatalogName": "c"}, "datacatalog/c"),
    ],
)
def test_an_athena_request_is_about(request_body: dict[str, Any], resource: str) -> None:
    found = resource_of("athena", "Any", request_body, "us-east-1", "1")
    assert found == f"arn:aws:athena:us-east-1:1:{resource}"


def test_a_table_is_only_reached_through_its_database_and_the_catalog() -> None:
    assert implied("glue", f"{GLUE}table/d/t") == [f"{GLUE}database/d", f"{GLUE}catalog"]
    assert implied("glue", f"{GLUE}database/d") == [f"{GLUE}catalog"]
    assert implied("glue", f"{GLUE}job/j") == []
    assert implied("s3", "arn:aws:s3:::b/table/x") == []
