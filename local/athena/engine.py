"""The emulator's Athena API: queries run by the quick engine or by Trino, with the caller's permissions.

MiniStack hands the text to DuckDB as it is, ignores execution parameters, workgroup enforcement and the scan limit, and
lets anyone read anything. Hive's DDL (CREATE EXTERNAL TABLE, DROP TABLE) stays MiniStack's.
"""

from __future__ import annotations

import contextvars
import json
import logging
import threading
import time
from typing import Any, Final

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import athena, s3

from local.athena import results, statements
from local.athena.answers import CUTOFF_REASON, CutOffError, Engine, QueryFailedError, Request
from local.glue.mirror import Location
from local.iam import roles
from local.iam.decisions import caller
from local.patches import monkeypatch

Json = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

MAX_SQL_BYTES: Final = 262_144
"""What Athena takes of a query (API reference, StartQueryExecution, read 2026-11)."""

_ENGINE: Final = "Athena engine version 3"
_SYSTEM, _USER = 1, 2
_INTERNAL_ERROR, _USER_ERROR = 200, 1000
"""ErrorType of an AthenaError (Athena user guide, "Athena error catalog", 2026-11): the kinds that are sure."""

_log: Final = logging.getLogger(__name__)


def install(engine: Engine) -> None:
    """Have `engine` run what StartQueryExecution is asked.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    for store in ("_executions", "_workgroups", "_prepared_statements"):
        monkeypatch.value(athena, store, object)
    monkeypatch.function(s3, "_put_object", "bucket_name, key, body, headers")
    service = Service(engine)
    tokens: dict[str, str] = {}

    def start(data: Json) -> Response:
        token = data.get("ClientRequestToken", "")
        if token in tokens:
            return json_response({"QueryExecutionId": tokens[token]})  # type: ignore[no-any-return]  # MiniStack has no types
        sql = data.get("QueryString", "")
        answer = original(_enforced(data)) if statements.is_hive_ddl(sql) else service.start(data)
        if answer[0] < 400 and token:
            tokens[token] = json.loads(answer[2])["QueryExecutionId"]
        return answer

    def get_results(data: Json) -> Response:
        execution = athena._executions.get(data.get("QueryExecutionId"))
        if execution is not None and execution["Status"]["State"] == "SUCCEEDED":
            place = Location.parse(execution["ResultConfiguration"]["OutputLocation"])
            try:
                roles.authorize(caller(), "s3:GetObject", f"arn:aws:s3:::{place.bucket}/{place.key}")
            except roles.AccessDeniedError as error:
                return _refused(f"Access denied when reading the results: {error}")
        return results.with_precision(original_results(data), execution)

    original = monkeypatch.replace(athena, "_start_query_execution", "data", start)
    original_results = monkeypatch.replace(athena, "_get_query_results", "data", get_results)


class Service:
    """Starts queries and runs each in a thread of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

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
        text = data.get("QueryString", "")
        if not 1 <= len(text.encode()) <= MAX_SQL_BYTES:
            return _refused(
                "1 validation error detected: Value at 'queryString' failed to satisfy constraint: Member must have "
                f"length less than or equal to {MAX_SQL_BYTES}"
                if text
                else "queryString must not be empty"
            )
        execution = _new_execution(data, location)
        try:
            statement = statements.parse(text)
            if statement.is_for_engine:
                self._engine.check(statement.sql)
        except QueryFailedError as error:
            return _refused(str(error).removeprefix("SYNTAX_ERROR: "), "MALFORMED_QUERY")
        execution |= {"StatementType": statement.kind, "SubstatementType": statement.verb}
        athena._executions[execution["QueryExecutionId"]] = execution
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._execute, execution, statement, workgroup), daemon=True).start()
        return json_response({"QueryExecutionId": execution["QueryExecutionId"]})  # type: ignore[no-any-return]  # MiniStack has no types

    def _execute(self, execution: Json, statement: statements.Statement, workgroup: Json) -> None:
        status = execution["Status"]
        if status["State"] == "QUEUED":
            status["State"] = "RUNNING"
        began = time.monotonic()
        state, reason, by_system = "FAILED", "", False
        try:
            self._answer(execution, statement, workgroup)
            state = "SUCCEEDED"
        except CutOffError as error:
            execution["Statistics"]["DataScannedInBytes"] = error.scanned
            state, reason = "CANCELLED", CUTOFF_REASON
        except roles.AccessDeniedError as error:
            reason = f"PERMISSION_DENIED: {error}"
        except QueryFailedError as error:
            reason, by_system = str(error), error.by_system
        except Exception:  # noqa: BLE001  # a query must end, whatever happens
            _log.exception("query %s failed in the emulator", execution["QueryExecutionId"])
            reason, by_system = "GENERIC_INTERNAL_ERROR: the emulator failed; its log says how", True
        milliseconds = round((time.monotonic() - began) * 1000)
        execution["Statistics"] |= {
            "EngineExecutionTimeInMillis": milliseconds,
            "TotalExecutionTimeInMillis": milliseconds,
        }
        status["CompletionDateTime"] = time.time()
        if status["State"] != "RUNNING":
            return
        status["StateChangeReason"] = reason
        if state == "FAILED":
            status["AthenaError"] = {
                "ErrorCategory": _SYSTEM if by_system else _USER,
                "ErrorType": _INTERNAL_ERROR if by_system else _USER_ERROR,
                "Retryable": by_system,
                "ErrorMessage": reason,
            }
        status["State"] = state

    def _answer(self, execution: Json, statement: statements.Statement, workgroup: Json) -> None:
        sql, parameters = statements.resolve(
            statement, execution["WorkGroup"], execution.get("ExecutionParameters") or [], athena._prepared_statements
        )
        if sql is not None:
            request = Request(
                sql=sql,
                parameters=tuple(parameters),
                database=execution["QueryExecutionContext"]["Database"],
                limit=(workgroup.get("Configuration") or {}).get("BytesScannedCutoffPerQuery"),
                cancelled=lambda: execution["Status"]["State"] == "CANCELLED",
            )
            answer = self._engine.run(request)
            execution["Statistics"]["DataScannedInBytes"] = answer.scanned
            results.keep(execution, answer)
        if execution["Status"]["State"] == "RUNNING":
            results.write(execution)


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
        "_results": None,
        "_column_types": None,
        "_error": None,
    }
    if parameters := data.get("ExecutionParameters"):
        execution["ExecutionParameters"] = list(parameters)
    return execution


def _refused(message: str, code: str = "INVALID_INPUT") -> Response:
    answer = error_response_json("InvalidRequestException", message, 400)
    status, headers, body = answer
    return status, headers, json.dumps({**json.loads(body), "AthenaErrorCode": code}).encode()
