"""Glue Spark jobs that run: the job's script from S3 in a local PySpark process, with the job role's permissions.

MiniStack reports a Spark job SUCCEEDED without running it when there is no Docker. What a job reads and writes by
`s3://` paths goes through a mirror of its own, filled before the run and written back after it (`local.glue.mirror`);
a boto3 call in the job reaches the emulator at once.
"""

from __future__ import annotations

import contextlib
import contextvars
import importlib.util
import json
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from ministack.core.responses import error_response_json, get_region, json_response, new_uuid
from ministack.services import glue

from local.glue import events as glue_events
from local.glue.mirror import Location, Mirror, needed_by
from local.glue.process import Slots, SparkRun
from local.iam import roles
from local.patches import monkeypatch

if TYPE_CHECKING:
    from local.glue.jvm import Jvms

Json = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

_ACTIVE: Final = frozenset({"STARTING", "RUNNING", "STOPPING"})
_POLL_SECONDS: Final = 0.1
_NOT_DATA: Final = frozenset(
    {"--extra-py-files", "--extra-files", "--extra-jars", "--TempDir", "--spark-event-logs-path"}
)
_KEPT_JOB_FIELDS: Final = ("ExecutionProperty", "ExecutionClass", "JobMode", "LogUri", "NotificationProperty")


class RunFailedError(Exception):
    """A run that could not be started or finished; the message becomes its ErrorMessage."""


def install(directory: Path, cache: Path, endpoint: str, runs_of_a_jvm: int) -> None:
    """Install the adapter: runs work in `directory/<run id>`, `cache` outlives them, the emulator is at `endpoint`.

    A JVM serves `runs_of_a_jvm` runs at most.

    Raises:
        PatchedNameMissingError: if MiniStack is another one than this was written for.
    """
    glue_events.check_names()
    monkeypatch.value(glue, "_jobs", object)
    monkeypatch.value(glue, "_job_runs", object)
    monkeypatch.function(glue, "_script_args", "job, job_name, run_id, run_arguments")
    executor = Executor(directory, cache, endpoint, runs_of_a_jvm)

    def start_job_run(data: Json) -> Response:
        job = glue._jobs.get(data.get("JobName"))
        if job is None or job.get("Command", {}).get("Name") == "pythonshell":
            return original(data)  # type: ignore[no-any-return]  # MiniStack has no types
        return executor.start(job, data)

    original = monkeypatch.replace(glue, "_start_job_run", "data", start_job_run)
    monkeypatch.replace(glue, "_batch_stop_job_run", "data", executor.stop)
    _keep_job_fields()


def _keep_job_fields() -> None:
    # MiniStack forgets the concurrency limit of a job, among other fields.
    def create(data: Json) -> Response:
        answer: Response = original_create(data)
        if answer[0] < 400:
            glue._jobs[data["Name"]].update({key: data[key] for key in _KEPT_JOB_FIELDS if key in data})
        return answer

    def update(data: Json) -> Response:
        answer: Response = original_update(data)
        if answer[0] < 400:
            changes = data.get("JobUpdate", {})
            kept = {key: changes[key] for key in _KEPT_JOB_FIELDS if key in changes}
            glue._jobs[data["JobName"]].update(kept)
        return answer

    original_create = monkeypatch.replace(glue, "_create_job", "data", create)
    original_update = monkeypatch.replace(glue, "_update_job", "data", update)


class Executor:
    """Runs jobs below a directory; knows which processes are alive."""

    def __init__(self, directory: Path, cache: Path, endpoint: str, runs_of_a_jvm: int) -> None:
        self._directory, self._cache, self._runs_of_a_jvm = directory, cache, runs_of_a_jvm
        self._jvms: Jvms | None = None
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._slots = Slots(max(2, min(4, (os.cpu_count() or 2) // 2)))

    def _spark(self) -> Jvms:
        if importlib.util.find_spec("pyspark") is None:
            raise RunFailedError("Spark is not installed here. `make setup` installs it; it needs Java 17.")
        # Here, since only a run of a job needs Spark: the function stage does small batches without.
        from local.glue.jvm import ClassArchive, Jvms

        with self._lock:
            self._jvms = self._jvms or Jvms(self._directory, ClassArchive(self._cache), self._runs_of_a_jvm)
            return self._jvms

    def start(self, job: Json, request: Json) -> Response:
        """StartJobRun."""
        name = job["Name"]
        with self._lock:
            runs = glue._job_runs.get(name) or []
            limit = (job.get("ExecutionProperty") or {}).get("MaxConcurrentRuns") or 1
            if sum(run["JobRunState"] in _ACTIVE for run in runs) >= limit:
                message = f"Concurrent runs exceeded for {name}"
                return _error("ConcurrentRunsExceededException", message)
            run = new_run(job, request)
            glue._job_runs[name] = [*runs, run]
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._execute, job, run, request), daemon=True).start()
        return json_response({"JobRunId": run["Id"]})  # type: ignore[no-any-return]  # MiniStack has no types

    def stop(self, request: Json) -> Response:
        """BatchStopJobRun."""
        stopped, errors = [], []
        for run_id in request.get("JobRunIds", []):
            entry = {"JobName": request.get("JobName"), "JobRunId": run_id}
            runs = glue._job_runs.get(request.get("JobName")) or []
            run = next((run for run in runs if run["Id"] == run_id), None)
            if run is None:
                detail = {"ErrorCode": "EntityNotFoundException", "ErrorMessage": f"Run {run_id} not found"}
                errors.append(entry | {"ErrorDetail": detail})
            elif run["JobRunState"] not in _ACTIVE:
                message = f"Run {run_id} is in state {run['JobRunState']}"
                detail = {"ErrorCode": "InvalidInputException", "ErrorMessage": message}
                errors.append(entry | {"ErrorDetail": detail})
            else:
                with self._lock:
                    run["JobRunState"] = "STOPPING"
                stopped.append(entry)
        answer = {"SuccessfulSubmissions": stopped, "Errors": errors}
        return json_response(answer)  # type: ignore[no-any-return]  # MiniStack has no types

    def _execute(self, job: Json, run: Json, request: Json) -> None:
        directory = self._directory / str(run["Id"])
        directory.mkdir(parents=True)
        try:
            state, message = self._run(job, run, request, directory)
        except (RunFailedError, roles.AccessDeniedError, ClientError, BotoCoreError, OSError, ValueError) as error:
            state, message = "FAILED", f"{type(error).__name__}: {error}"
            with (directory / "stderr.log").open("a", encoding="utf-8") as log:
                log.write(f"{message}\n")
        finally:
            shutil.rmtree(directory / "s3", ignore_errors=True)
            shutil.rmtree(directory / "scratch", ignore_errors=True)
        self._ship_logs(job, run, directory)
        run["ErrorMessage"] = message
        run["CompletedOn"] = run["LastModifiedOn"] = time.time()
        run["ExecutionTime"] = max(1, round(run["CompletedOn"] - run["StartedOn"]))
        run["JobRunState"] = state
        glue_events.run_ended(run)

    def _run(self, job: Json, run: Json, request: Json, directory: Path) -> tuple[str, str]:
        began, jvms = time.monotonic(), self._spark()
        credentials = roles.session_of(job["Role"], f"GlueJobRunnerSession-{run['Id'][3:15]}", "glue.amazonaws.com")
        s3 = credentials.client("s3", self._endpoint)
        arguments = glue._script_args(job, job["Name"], run["Id"], request.get("Arguments") or {})
        script = _download(s3, job["Command"]["ScriptLocation"], directory)
        library_uris = [uri for uri in arguments.get("--extra-py-files", "").split(",") if uri]
        libraries = [_download(s3, uri, directory / "lib") for uri in library_uris]
        data = [value for name, value in arguments.items() if name not in _NOT_DATA]
        mirror = Mirror(s3, directory / "s3")
        needed = needed_by(s3, data)
        mirror.pull(needed)
        spark = SparkRun(
            directory=directory,
            script=script,
            arguments=arguments,
            libraries=libraries,
            buckets=frozenset(location.bucket for location in needed),
            environment=credentials.environment()
            | {
                "AWS_ENDPOINT_URL": self._endpoint,
                "AWS_REGION": get_region(),
                "AWS_DEFAULT_REGION": get_region(),
                "AWS_EC2_METADATA_DISABLED": "true",
            },
        )
        pulled = time.monotonic()
        with self._slots.taken(mirror.size, lambda: run["JobRunState"] == "STOPPING"):
            if run["JobRunState"] == "STOPPING":
                return "STOPPED", ""
            queued = time.monotonic()
            with jvms.taken(spark.settings(), directory / "spark.log") as jvm:
                if not self._begins(run):
                    return "STOPPED", ""
                process = spark.start(jvm)
                state = _wait(process, run)
                # Not by a signal, which would leave its half of a conversation.
                jvm.ended = process.returncode >= 0
        if state in {"STOPPED", "TIMEOUT"}:
            return state, "Job run exceeded its timeout" if state == "TIMEOUT" else ""
        ran = time.monotonic()
        # A failed job leaves what it had written, as it does in S3.
        pushed = mirror.push()
        timings = {
            "pull_seconds": round(pulled - began, 2),
            "queue_seconds": round(queued - pulled, 2),
            "spark_seconds": round(ran - queued, 2),
            "push_seconds": round(time.monotonic() - ran, 2),
            "written": pushed.written,
            "deleted": pushed.deleted,
            "denied": mirror.denied,
        }
        (directory / "run.json").write_text(json.dumps(timings, indent=2), encoding="utf-8")
        if state == "FAILED":
            return state, "; ".join([spark.last_error(), *mirror.denied])[:2000]
        return state, ""

    def _begins(self, run: Json) -> bool:
        """Say that a run is running, unless it was stopped before it came to that."""
        with self._lock:
            if run["JobRunState"] == "STOPPING":
                return False
            run["JobRunState"] = "RUNNING"
            return True

    def _ship_logs(self, job: Json, run: Json, directory: Path) -> None:
        """Write the run's output to CloudWatch Logs, which on AWS takes the role's permission too."""
        with contextlib.suppress(roles.AccessDeniedError, ClientError, BotoCoreError):
            session = roles.session_of(job["Role"], f"GlueJobRunnerSession-{run['Id'][3:15]}", "glue.amazonaws.com")
            logs = session.client("logs", self._endpoint)
            for file, group in (("stdout.log", "output"), ("spark.log", "error"), ("stderr.log", "error")):
                path = directory / file
                lines = path.read_text("utf-8", "replace").splitlines() if path.exists() else []
                if lines:
                    _put_log(logs, f"{run['LogGroupName']}/{group}", run["Id"], lines)


def new_run(job: Json, request: Json) -> Json:
    """The record of a run that is about to start, as GetJobRun shows it."""
    now = time.time()
    security = job.get("SecurityConfiguration") or ""
    role = str(job.get("Role", "")).rsplit("/", 1)[-1]
    arguments = {**job.get("DefaultArguments", {}), **(request.get("Arguments") or {})}
    # AWS puts the logs of an encrypted job into log groups of their own, unless the job names them.
    logs = f"/aws-glue/jobs-{role}-{security}" if security else "/aws-glue/jobs"
    return {
        "Id": f"jr_{new_uuid().replace('-', '')}",
        "Attempt": 0,
        "JobName": job["Name"],
        "StartedOn": now,
        "LastModifiedOn": now,
        "JobRunState": "STARTING",
        "Arguments": arguments,
        "ErrorMessage": "",
        "PredecessorRuns": [],
        "ExecutionTime": 0,
        "Timeout": request.get("Timeout") or job.get("Timeout", 2880),
        "WorkerType": request.get("WorkerType") or job.get("WorkerType", "G.1X"),
        "NumberOfWorkers": request.get("NumberOfWorkers") or job.get("NumberOfWorkers", 2),
        "SecurityConfiguration": security,
        "LogGroupName": arguments.get("--custom-logGroup-prefix") or logs,
        "GlueVersion": job.get("GlueVersion", "5.1"),
    }


def _wait(process: subprocess.Popen[bytes], run: Json) -> str:
    deadline = time.monotonic() + run["Timeout"] * 60
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return "SUCCEEDED" if process.wait(_POLL_SECONDS) == 0 else "FAILED"
        if run["JobRunState"] == "STOPPING" or time.monotonic() > deadline:
            process.kill()
            process.wait()
            return "STOPPED" if run["JobRunState"] == "STOPPING" else "TIMEOUT"


def _download(s3: Any, uri: str, directory: Path) -> Path:
    location = Location.parse(uri)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / location.key.rsplit("/", 1)[-1]
    try:
        path.write_bytes(s3.get_object(Bucket=location.bucket, Key=location.key)["Body"].read())
    except ClientError as error:
        raise RunFailedError(f"{uri} could not be read: {error}") from error
    return path


def _put_log(logs: Any, group: str, stream: str, lines: list[str]) -> None:
    exists = logs.exceptions.ResourceAlreadyExistsException
    for call, arguments in (
        (logs.create_log_group, {"logGroupName": group}),
        (logs.create_log_stream, {"logGroupName": group, "logStreamName": stream}),
    ):
        with contextlib.suppress(exists):
            call(**arguments)
    now = round(time.time() * 1000)
    events = [{"timestamp": now, "message": line[:8000]} for line in lines if line][-5000:]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def _error(code: str, message: str) -> Response:
    return error_response_json(code, message, 400)  # type: ignore[no-any-return]  # MiniStack has no types
