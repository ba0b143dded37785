"""Athena that answers Trino SQL, with the caller's permissions, the workgroup's limits and honest statistics.

MiniStack hands the text to DuckDB as it is, ignores execution parameters, workgroup enforcement and the scan limit, and
lets anyone read anything. Statements that return rows are handled here; the rest (DDL, SHOW) stays MiniStack's.
"""

from __future__ import annotations

import contextvars
import json
import threading
import time
from pathlib import Path
from typing import Any, Final

import duckdb
from ministack.core.responses import error_response_json, get_account_id, get_region, json_response, new_uuid
from ministack.services import athena, glue, s3

from local.athena import comparisons, sql
from local.athena.projection import is_projected
from local.athena.tables import CatalogTable, FileCache, StoredFile, UnreadableError, create_view, location_of, run
from local.glue.mirror import Location
from local.iam import roles
from local.iam.decisions import caller
from local.patches import monkeypatch

Json = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

CUTOFF_REASON: Final = "Bytes scanned limit was exceeded"
"""What Athena gives as the reason when a query would scan more than its workgroup allows."""

_ENGINE: Final = "Athena engine version 3"
_ROW_STATEMENTS: Final = ("select", "with", "values", "(", "table")


def install(directory: Path) -> None:
    """Install the adapter; `directory` receives copies of the files that queries read.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    for store in ("_executions", "_workgroups"):
        monkeypatch.value(athena, store, object)
    for store in ("_tables", "_partitions"):
        monkeypatch.value(glue, store, object)
    monkeypatch.value(s3, "_buckets", object)
    monkeypatch.function(s3, "_get_object_data", "bucket_name, key, version_id")
    monkeypatch.function(s3, "_put_object", "bucket_name, key, body, headers")
    engine = Engine(FileCache(directory))
    tokens: dict[str, str] = {}

    def start(data: Json) -> Response:
        token = data.get("ClientRequestToken", "")
        if token in tokens:
            return json_response({"QueryExecutionId": tokens[token]})  # type: ignore[no-any-return]  # MiniStack has no types
        answer = engine.start(data) if returns_rows(data.get("QueryString", "")) else original(_enforced(data))
        if answer[0] < 400 and token:
            tokens[token] = json.loads(answer[2])["QueryExecutionId"]
        return answer

    def results(data: Json) -> Response:
        execution = athena._executions.get(data.get("QueryExecutionId"))
        if execution is not None and execution["Status"]["State"] == "SUCCEEDED":
            place = Location.parse(execution["ResultConfiguration"]["OutputLocation"])
            try:
                roles.authorize(caller(), "s3:GetObject", f"arn:aws:s3:::{place.bucket}/{place.key}")
            except roles.AccessDeniedError as error:
                return _refused(f"Access denied when reading the results: {error}")
        return original_results(data)  # type: ignore[no-any-return]  # MiniStack has no types

    original = monkeypatch.replace(athena, "_start_query_execution", "data", start)
    original_results = monkeypatch.replace(athena, "_get_query_results", "data", results)


def returns_rows(query: str) -> bool:
    """Whether a statement is one that this adapter runs."""
    lines = [line for line in query.strip().splitlines() if not line.lstrip().startswith("--")]
    return "\n".join(lines).lstrip().lower().startswith(_ROW_STATEMENTS)


class Engine:
    """Starts queries and runs each in a thread of its own."""

    def __init__(self, cache: FileCache) -> None:
        self._cache = cache

    def start(self, data: Json) -> Response:
        """StartQueryExecution."""
        data = _enforced(data)
        workgroup = athena._workgroups.get(data["WorkGroup"])
        if workgroup is None:
            return _refused(f"WorkGroup {data['WorkGroup']} is not found.")
        if workgroup.get("State") == "DISABLED":
            return _refused(f"WorkGroup {data['WorkGroup']} is disabled.")
        location = (data.get("ResultConfiguration") or {}).get("OutputLocation")
        if not location:
            return _refused(
                "No output location provided. An output location is required either through the Workgroup result "
                "configuration setting or as an API input."
            )
        try:
            statement = sql.parse(data["QueryString"])
        except sql.SqlError as error:
            return _refused(str(error), "MALFORMED_QUERY")
        execution = _new_execution(data, location)
        athena._executions[execution["QueryExecutionId"]] = execution
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._execute, execution, statement, workgroup), daemon=True).start()
        return json_response({"QueryExecutionId": execution["QueryExecutionId"]})  # type: ignore[no-any-return]  # MiniStack has no types

    def _execute(self, execution: Json, statement: Any, workgroup: Json) -> None:
        status = execution["Status"]
        status["State"] = "RUNNING"
        began = time.monotonic()
        try:
            scanned = self._answer(execution, statement, workgroup)
            execution["Statistics"]["DataScannedInBytes"] = scanned
            _write_results(execution)
            state, reason = "SUCCEEDED", ""
        except _CutOffError as error:
            execution["Statistics"]["DataScannedInBytes"] = error.scanned
            state, reason = "CANCELLED", CUTOFF_REASON
        except roles.AccessDeniedError as error:
            state, reason = "FAILED", f"PERMISSION_DENIED: {error}"
        except (sql.SqlError, UnreadableError) as error:
            state, reason = "FAILED", str(error)
        except duckdb.Error as error:
            state, reason = "FAILED", f"{error} (the emulator runs Trino SQL, translated, on DuckDB)"
        milliseconds = round((time.monotonic() - began) * 1000)
        execution["Statistics"] |= {
            "EngineExecutionTimeInMillis": milliseconds,
            "TotalExecutionTimeInMillis": milliseconds,
        }
        status["CompletionDateTime"] = time.time()
        if status["State"] == "RUNNING":
            status["StateChangeReason"] = reason
            status["State"] = state

    def _answer(self, execution: Json, statement: Any, workgroup: Json) -> int:
        sql.bind(statement, execution.get("ExecutionParameters") or [])
        uses = sql.tables(statement, execution["QueryExecutionContext"]["Database"])
        with duckdb.connect(":memory:") as connection:
            connection.execute("SET TimeZone = 'UTC'; SET integer_division = true; SET threads = 2")
            relations = {}
            scanned = 0
            for position, use in enumerate(uses):
                view = f"table_{position}"
                relations[use.database, use.name] = view
                scanned += self._view(connection, view, use, statement, alone=len(uses) == 1)
            limit = (workgroup.get("Configuration") or {}).get("BytesScannedCutoffPerQuery")
            if limit and scanned > limit:
                raise _CutOffError(scanned)
            query = sql.to_duckdb(statement, relations, uses)
            columns, types, rows = run(connection, query)
        execution["_results"] = {"columns": columns, "rows": rows}
        execution["_column_types"] = types
        return scanned

    def _view(
        self, connection: duckdb.DuckDBPyConnection, view: str, use: sql.TableUse, statement: Any, *, alone: bool
    ) -> int:
        arn = f"arn:aws:glue:{get_region()}:{get_account_id()}:table/{use.database}/{use.name}"
        roles.authorize(caller(), "glue:GetTable", arn)
        found = glue._tables.get(f"{use.database}/{use.name}")
        if found is None:
            raise sql.SqlError(
                f"TABLE_NOT_FOUND: line 1:1: Table 'awsdatacatalog.{use.database}.{use.name}' does not exist"
            )
        if found.get("PartitionKeys") and not is_projected(found):
            roles.authorize(caller(), "glue:GetPartitions", arn)
        table = CatalogTable.of(found, glue._partitions.get(f"{use.database}/{use.name}") or [])
        comparisons.check(statement, use, {**table.columns, **table.keys}, alone=alone)
        files = []
        for partition in table.left(sql.partition_filter(use, list(table.keys))):
            files += [(self._cache.path(file), partition) for file in _files(location_of(partition.location))]
        touched = sql.touched_columns(statement, use, table.columns)
        return create_view(connection, view, table, files, touched)


class _CutOffError(Exception):
    def __init__(self, scanned: int) -> None:
        super().__init__(CUTOFF_REASON)
        self.scanned = scanned


def _files(location: Location) -> list[StoredFile]:
    """The objects of a partition that Athena reads, each allowed to the caller."""
    bucket_arn = f"arn:aws:s3:::{location.bucket}"
    roles.authorize(caller(), "s3:ListBucket", bucket_arn, {"s3:prefix": location.key})
    objects = (s3._buckets.get(location.bucket) or {}).get("objects") or {}
    files = []
    for key in sorted(key for key in list(objects) if key.startswith(location.key)):
        relative = key[len(location.key) :]
        if not relative or key.endswith("/") or any(part.startswith(("_", ".")) for part in relative.split("/")):
            continue
        roles.authorize(caller(), "s3:GetObject", f"{bucket_arn}/{key}")
        etag = str(objects[key].get("etag", ""))
        files.append(StoredFile(f"s3://{location.bucket}/{key}", etag, _reader(location.bucket, key)))
    return files


def _reader(bucket: str, key: str) -> Any:
    return lambda: bytes(s3._get_object_data(bucket, key) or b"")


def _enforced(data: Json) -> Json:
    """The request with the workgroup's result configuration where the workgroup enforces it or none was given."""
    data = {**data, "WorkGroup": data.get("WorkGroup") or "primary"}
    configuration = (athena._workgroups.get(data["WorkGroup"]) or {}).get("Configuration") or {}
    own = configuration.get("ResultConfiguration") or {}
    given = data.get("ResultConfiguration") or {}
    if own and (configuration.get("EnforceWorkGroupConfiguration") or not given.get("OutputLocation")):
        data["ResultConfiguration"] = dict(own)
    return data


def _new_execution(data: Json, location: str) -> Json:
    query_id = new_uuid()
    context = data.get("QueryExecutionContext") or {}
    execution: Json = {
        "QueryExecutionId": query_id,
        "Query": data["QueryString"],
        "StatementType": "DML",
        "ResultConfiguration": {
            **(data.get("ResultConfiguration") or {}),
            "OutputLocation": f"{location.rstrip('/')}/{query_id}.csv",
        },
        "QueryExecutionContext": {
            "Database": context.get("Database", "default").lower(),
            "Catalog": context.get("Catalog", "awsdatacatalog"),
        },
        "Status": {"State": "QUEUED", "SubmissionDateTime": time.time()},
        "Statistics": {
            "DataScannedInBytes": 0,
            "EngineExecutionTimeInMillis": 0,
            "TotalExecutionTimeInMillis": 0,
            "QueryQueueTimeInMillis": 0,
            "QueryPlanningTimeInMillis": 0,
            "ServiceProcessingTimeInMillis": 0,
        },
        "WorkGroup": data["WorkGroup"],
        "EngineVersion": {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": _ENGINE},
        "SubstatementType": "SELECT",
        "_results": None,
        "_column_types": None,
        "_error": None,
    }
    if parameters := data.get("ExecutionParameters"):
        execution["ExecutionParameters"] = list(parameters)
    return execution


def _write_results(execution: Json) -> None:
    """Write the result's CSV as Athena does, with the caller's permission.

    Raises:
        AccessDeniedError: if the caller may not write there, or there is no such bucket.
    """
    place = Location.parse(execution["ResultConfiguration"]["OutputLocation"])
    roles.authorize(caller(), "s3:PutObject", f"arn:aws:s3:::{place.bucket}/{place.key}")
    rows = [execution["_results"]["columns"], *execution["_results"]["rows"]]
    lines = [",".join(map(_quoted, row)) for row in rows]
    body = ("\n".join(lines) + "\n").encode()
    metadata = json.dumps(execution["_column_types"]).encode()
    for key, content in ((place.key, body), (f"{place.key}.metadata", metadata)):
        answer = s3._put_object(place.bucket, key, content, {"content-length": str(len(content))})
        if isinstance(answer, tuple) and answer[0] >= 300:
            raise roles.AccessDeniedError(f"the results could not be written to s3://{place.bucket}/{key}: {answer[0]}")


def _quoted(value: str | None) -> str:
    # NULL is nothing at all, an empty string is a pair of quotes.
    return "" if value is None else '"' + value.replace('"', '""') + '"'


def _refused(message: str, code: str = "") -> Response:
    extra = {"AthenaErrorCode": code} if code else {}
    return error_response_json("InvalidRequestException", message, 400, extra=extra)  # type: ignore[no-any-return]  # MiniStack has no types
