"""How resources fit each other: functions and their code, queues and timeouts, rules and targets, the workflow."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from components.compute import packaging
from components.messaging.events import every_minutes
from components.workflow.definition import load_definition
from config.rules import visibility_timeout_seconds
from tests.unit.infrastructure.cloud import ROOT, Cloud, deploy, main_program, pipeline, stack_config

# The class whose fields are what a function asks for.
SETTINGS = {"etl_trigger": "Trigger", "processing": "Publisher", "error_handler": "Recovery"}
# What botocore itself takes for a request to be slower (retries/standard.py), and how DynamoDB refuses a write that met
# another one's transaction.
BUSY = {
    "TransactionCanceledException",
    "TransactionConflictException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "Throttled",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
}
COMMON = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_LOG_LEVEL"}
DEFINITION = ROOT / "state_machines" / "batch_workflow.asl.json"


def settings_of(function: str) -> set[str]:
    """The environment variables that a function asks for."""
    module, name = ("logic", SETTINGS[function]) if function in SETTINGS else ("handler", "Settings")
    tree = ast.parse((ROOT / "lambdas" / function / f"{module}.py").read_text(encoding="utf-8"))
    (settings,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    return {
        field.target.id.upper()
        for field in settings.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }


def test_every_function_finds_in_its_environment_what_its_handler_asks_for_and_no_more(cloud: Cloud) -> None:
    for function in cloud.of("lambda.Function"):
        package = function.inputs["handler"].split(".")[1]
        given = set(function.inputs["environment"]["variables"])
        assert given - COMMON == settings_of(package), package
        assert given >= COMMON


def test_every_handler_is_in_its_archive(cloud: Cloud) -> None:
    for function in cloud.of("lambda.Function"):
        package, module, callable_ = function.inputs["handler"].removeprefix("lambdas.").split(".")
        source = (ROOT / "lambdas" / package / f"{module}.py").read_text(encoding="utf-8")
        assert re.search(rf"^def {callable_}\(", source, re.MULTILINE), package


def test_one_call_changes_all_that_a_function_imports(cloud: Cloud) -> None:
    (layer,) = cloud.of("lambda.LayerVersion")
    for function in cloud.of("lambda.Function"):
        # A layer changes by another call than the code: it has libraries that old and new code take.
        with_layer = function.name.endswith(("-stage", "-processing", "-maintenance"))
        expected = [layer.outputs["arn"]] if with_layer else None
        assert function.inputs.get("layers") == expected, function.name
        assert (function.inputs["runtime"], function.inputs["architectures"]) == ("python3.13", ["arm64"])
    assert layer.inputs["compatibleArchitectures"] == ["arm64"]
    assert layer.inputs["compatibleRuntimes"] == ["python3.13"]


def test_every_function_is_traced_and_logs_json_to_its_own_encrypted_group(cloud: Cloud) -> None:
    groups = {group.outputs["name"]: group for group in cloud.of("cloudwatch.LogGroup")}
    used = set()
    for function in cloud.of("lambda.Function"):
        assert function.inputs["tracingConfig"] == {"mode": "Active"}
        logging = function.inputs["loggingConfig"]
        assert logging["logFormat"] == "JSON"
        assert logging["applicationLogLevel"] == function.inputs["environment"]["variables"]["POWERTOOLS_LOG_LEVEL"]
        assert groups[logging["logGroup"]].urn in function.dependencies, "the group is there before Lambda makes one"
        used.add(logging["logGroup"])
    assert len(used) == len(cloud.of("lambda.Function"))


def test_logs_are_encrypted_and_never_kept_forever(cloud: Cloud) -> None:
    (key,) = cloud.of("kms.Key")
    groups = cloud.of("cloudwatch.LogGroup")
    assert {group.inputs["kmsKeyId"] for group in groups} == {key.outputs["arn"]}
    assert all(group.inputs["retentionInDays"] > 0 for group in groups)


def test_what_needs_permissions_waits_for_them(cloud: Cloud) -> None:
    # AWS tries the role when these are made; a role without its policy fails, but only on the first deployment.
    policies = {policy.inputs["role"]: policy.urn for policy in cloud.of("iam.RolePolicy")}
    by_arn = {role.outputs["arn"]: policies[role.outputs["name"]] for role in cloud.of("iam.Role")}
    for user in cloud.of("lambda.Function", "sfn.StateMachine", "glue.Job", "glue.Crawler"):
        assert by_arn[user.inputs.get("role") or user.inputs["roleArn"]] in user.dependencies, user.name
    roles = {one.outputs["name"]: by_arn[one.inputs["role"]] for one in cloud.of("lambda.Function")}
    mappings = cloud.of("lambda.EventSourceMapping")
    assert len(mappings) == 2
    for mapping in mappings:
        assert roles[mapping.inputs["functionName"]] in mapping.dependencies, mapping.name


def test_the_queue_hides_a_message_six_times_longer_than_its_consumer_may_take(cloud: Cloud) -> None:
    mappings = cloud.of("lambda.EventSourceMapping")
    assert len(mappings) == 2
    for mapping in mappings:
        queue = next(q for q in cloud.of("sqs.Queue") if q.outputs["arn"] == mapping.inputs["eventSourceArn"])
        consumer = next(f for f in cloud.of("lambda.Function") if f.outputs["name"] == mapping.inputs["functionName"])
        window = mapping.inputs["maximumBatchingWindowInSeconds"]
        assert queue.inputs["visibilityTimeoutSeconds"] >= 6 * consumer.inputs["timeout"] + window
    assert visibility_timeout_seconds(30, 5) == 185


def test_the_longest_function_timeout_still_fits_the_longest_visibility_timeout() -> None:
    assert visibility_timeout_seconds(900, 300) <= 12 * 3_600, "SQS hides a message twelve hours at most"


def test_one_bad_message_does_not_send_the_good_ones_back(cloud: Cloud) -> None:
    for mapping in cloud.of("lambda.EventSourceMapping"):
        assert mapping.inputs["functionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping.inputs["scalingConfig"]["maximumConcurrency"] >= 2


def test_ticks_are_handed_over_one_at_a_time_so_that_one_that_fails_comes_back_alone(cloud: Cloud) -> None:
    queue = cloud.one("sqs.Queue", "data-pipeline-ticks")
    (mapping,) = [
        m for m in cloud.of("lambda.EventSourceMapping") if m.inputs["eventSourceArn"] == queue.outputs["arn"]
    ]
    trigger = cloud.one("lambda.Function", "data-pipeline-etl-trigger")
    assert mapping.inputs["functionName"] == trigger.outputs["name"]
    assert mapping.inputs["batchSize"] == 1
    assert mapping.inputs["maximumBatchingWindowInSeconds"] == 0, "the tick has waited already"
    reserved = trigger.inputs.get("reservedConcurrentExecutions")
    assert reserved is None or reserved > mapping.inputs["scalingConfig"]["maximumConcurrency"]


@pytest.mark.parametrize("function", ["ingestion", "processing", "error-handler"])
def test_whoever_sends_ticks_knows_their_queue(cloud: Cloud, function: str) -> None:
    variables = cloud.one("lambda.Function", f"data-pipeline-{function}").inputs["environment"]["variables"]
    assert variables["TICKS_QUEUE_URL"] == cloud.one("sqs.Queue", "data-pipeline-ticks").outputs["url"]


def test_queues_are_encrypted_and_dead_letters_wait_two_weeks(cloud: Cloud) -> None:
    (key,) = cloud.of("kms.Key")
    queues = cloud.of("sqs.Queue")
    assert {queue.inputs["kmsMasterKeyId"] for queue in queues} == {key.outputs["arn"]}
    work = [queue for queue in queues if "redrivePolicy" in queue.inputs]
    dead = [queue for queue in queues if queue not in work]
    assert len(work) == 2
    assert {queue.inputs["messageRetentionSeconds"] for queue in dead} == {1_209_600}
    targets = {queue.json("redrivePolicy")["deadLetterTargetArn"] for queue in work}
    assert len(targets) == 2
    assert targets < {queue.outputs["arn"] for queue in dead}


def test_topics_are_encrypted(cloud: Cloud) -> None:
    (key,) = cloud.of("kms.Key")
    assert {topic.inputs["kmsMasterKeyId"] for topic in cloud.of("sns.Topic")} == {key.outputs["arn"]}


def test_every_target_keeps_what_it_could_not_deliver_where_the_rule_may_send(cloud: Cloud) -> None:
    rules = {rule.outputs["name"]: rule.outputs["arn"] for rule in cloud.of("cloudwatch.EventRule")}
    policies = {policy.inputs["queueUrl"]: policy for policy in cloud.of("sqs.QueuePolicy")}
    queues = {queue.outputs["arn"]: policies[queue.outputs["url"]] for queue in cloud.of("sqs.Queue")}
    targets = cloud.of("cloudwatch.EventTarget")
    assert len(targets) == len(rules)
    for target in targets:
        arn = rules[target.inputs["rule"]]
        reached = [
            target.inputs["deadLetterConfig"]["arn"],
            *([target.inputs["arn"]] * ("sqs" in target.inputs["arn"])),
        ]
        for queue in reached:
            (statement,) = [s for s in queues[queue].json("policy")["Statement"] if s["Sid"] == "FromRules"]
            assert arn in statement["Condition"]["ArnLike"]["aws:SourceArn"], (target.name, queue)


def test_what_is_called_without_waiting_keeps_its_failed_events(cloud: Cloud) -> None:
    called = {t.inputs["arn"] for t in cloud.of("cloudwatch.EventTarget") if ":lambda:" in t.inputs["arn"]}
    kept = {
        c.inputs["functionName"]: c.inputs["destinationConfig"] for c in cloud.of("lambda.FunctionEventInvokeConfig")
    }
    # A function calls another one without waiting, too.
    variables = [f.inputs["environment"]["variables"] for f in cloud.of("lambda.Function")]
    asked = {value for found in variables for name, value in found.items() if name.endswith("_FUNCTION")}
    assert len(asked) == 2
    names = {
        f.outputs["name"]: f
        for f in cloud.of("lambda.Function")
        if f.outputs["arn"] in called or f.outputs["name"] in asked
    }
    assert names.keys() == kept.keys()
    for name, destination in kept.items():
        policy = cloud.one("iam.RolePolicy", f"{names[name].name}-role-policy").inputs["policy"]
        assert destination["onFailure"]["destination"] in policy, "the function itself sends there"


def test_landed_objects_of_the_raw_bucket_and_no_other_reach_the_queue(cloud: Cloud) -> None:
    pattern = cloud.one("cloudwatch.EventRule", "data-pipeline-arrival").json("eventPattern")
    raw = cloud.one("s3.Bucket", "data-pipeline-raw").outputs["bucket"]
    assert pattern["detail"]["bucket"]["name"] == [raw]
    assert pattern["detail-type"] == ["Object Created"]


def test_schedules_are_what_eventbridge_reads() -> None:
    assert every_minutes(1) == "rate(1 minute)", "EventBridge refuses 'rate(1 minutes)'"
    assert every_minutes(5) == "rate(5 minutes)"


def test_the_arn_that_functions_know_beforehand_is_the_state_machines(cloud: Cloud) -> None:
    (machine,) = cloud.of("sfn.StateMachine")
    variables = [f.inputs["environment"]["variables"] for f in cloud.of("lambda.Function")]
    known = {v["STATE_MACHINE_ARN"] for v in variables if "STATE_MACHINE_ARN" in v}
    assert known == {machine.outputs["arn"]}


def test_failed_executions_of_this_state_machine_reach_the_error_handler(cloud: Cloud) -> None:
    (machine,) = cloud.of("sfn.StateMachine")
    pattern = cloud.one("cloudwatch.EventRule", "data-pipeline-failure").json("eventPattern")
    assert pattern["detail"]["stateMachineArn"] == [machine.outputs["arn"]]
    assert set(pattern["detail"]["status"]) == {"FAILED", "TIMED_OUT", "ABORTED"}


def test_failed_runs_of_this_job_and_crawls_of_these_crawlers_reach_the_error_handler(cloud: Cloud) -> None:
    rules = {kind: cloud.one("cloudwatch.EventRule", f"data-pipeline-{kind}-failed") for kind in ("job", "crawler")}
    job, crawl = (rules[kind].json("eventPattern")["detail"] for kind in ("job", "crawler"))
    assert job == {"jobName": [cloud.of("glue.Job")[0].outputs["name"]], "state": ["FAILED", "TIMEOUT"]}
    (named,) = crawl["crawlerName"]
    assert all(crawler.inputs["name"].startswith(named["prefix"]) for crawler in cloud.of("glue.Crawler"))
    # Glue's events write the state of a crawl so, and of a run in capitals.
    assert crawl["state"] == ["Failed"]
    handler = cloud.one("lambda.Function", "data-pipeline-error-handler").outputs["arn"]
    targets = {target.inputs["rule"]: target.inputs for target in cloud.of("cloudwatch.EventTarget")}
    for rule in rules.values():
        target = targets[rule.outputs["name"]]
        assert target["arn"] == handler
        assert "input" not in target, "it counts what Glue says"


@pytest.mark.parametrize(("caller", "called"), [("etl-trigger", "error-handler"), ("error-handler", "processing")])
def test_a_function_knows_the_function_that_it_calls_and_may_call_it(cloud: Cloud, caller: str, called: str) -> None:
    function = cloud.one("lambda.Function", f"data-pipeline-{caller}")
    wanted = cloud.one("lambda.Function", f"data-pipeline-{called}")
    variable = f"{called.upper().replace('-', '_')}_FUNCTION"
    assert function.inputs["environment"]["variables"][variable] == wanted.outputs["name"]
    policy = cloud.one("iam.RolePolicy", f"data-pipeline-{caller}-role-policy").json("policy")
    invoked = [s["Resource"] for s in policy["Statement"] if "lambda:InvokeFunction" in s["Action"]]
    assert invoked == [[wanted.outputs["arn"]]]


def test_functions_are_called_by_the_workflow_and_by_the_two_functions_that_recover(cloud: Cloud) -> None:
    callers = [r.name for r in cloud.of("iam.RolePolicy") if "lambda:InvokeFunction" in r.inputs["policy"]]
    assert sorted(callers) == [
        "data-pipeline-batch-role-policy",
        "data-pipeline-error-handler-role-policy",
        "data-pipeline-etl-trigger-role-policy",
    ]


def tasks(cloud: Cloud) -> list[dict[str, Any]]:
    (machine,) = cloud.of("sfn.StateMachine")
    found = [state for state in machine.json("definition")["States"].values() if state["Type"] == "Task"]
    assert found
    return found


def test_the_definition_has_no_placeholder_left(cloud: Cloud) -> None:
    (machine,) = cloud.of("sfn.StateMachine")
    assert "${" not in machine.inputs["definition"]


def test_every_step_calls_something_that_the_program_made_and_the_role_may_use(cloud: Cloud) -> None:
    role = cloud.one("iam.RolePolicy", "data-pipeline-batch-role-policy").inputs["policy"]
    functions = {f.outputs["arn"] for f in cloud.of("lambda.Function")}
    wanted = {
        "lambda:invoke": "lambda:InvokeFunction",
        "glue:startJobRun.sync": "glue:StartJobRun",
        "dynamodb:getItem": "dynamodb:GetItem",
        "aws-sdk:glue:startCrawler": "glue:StartCrawler",
        "aws-sdk:glue:getCrawler": "glue:GetCrawler",
    }
    for task in tasks(cloud):
        service, arguments = task["Resource"].removeprefix("arn:aws:states:::"), task["Arguments"]
        assert wanted[service] in role
        if service == "lambda:invoke":
            assert arguments["FunctionName"] in functions
            assert arguments["FunctionName"] in role
        if service == "glue:startJobRun.sync":
            assert arguments["JobName"] == cloud.of("glue.Job")[0].outputs["name"]
        if service == "dynamodb:getItem":
            assert arguments["TableName"] == cloud.of("dynamodb.Table")[0].outputs["name"]


def test_a_step_waits_longer_than_the_function_that_it_calls(cloud: Cloud) -> None:
    timeouts = {f.outputs["arn"]: f.inputs["timeout"] for f in cloud.of("lambda.Function")}
    called = [task for task in tasks(cloud) if "FunctionName" in task["Arguments"]]
    assert called
    for task in called:
        assert task["TimeoutSeconds"] > timeouts[task["Arguments"]["FunctionName"]]


def test_the_crawlers_are_called_what_the_workflow_calls_them(cloud: Cloud) -> None:
    (call,) = [task for task in tasks(cloud) if task["Resource"].endswith("startCrawler")]
    prefix = re.search(r"'([^']*)' & \$dataset", call["Arguments"]["Name"])
    assert prefix
    assert all(crawler.inputs["name"].startswith(prefix[1]) for crawler in cloud.of("glue.Crawler"))


def test_an_execution_outlives_its_job(cloud: Cloud) -> None:
    (machine,) = cloud.of("sfn.StateMachine")
    assert machine.json("definition")["TimeoutSeconds"] > cloud.of("glue.Job")[0].inputs["timeout"] * 60


def test_a_slot_for_the_job_is_waited_for_as_long_as_an_execution_may_take(cloud: Cloud) -> None:
    (machine,) = cloud.of("sfn.StateMachine")
    (stage,) = [task for task in tasks(cloud) if task["Resource"].endswith("startJobRun.sync")]
    (retry,) = [one for one in stage["Retry"] if "Glue.ConcurrentRunsExceededException" in one["ErrorEquals"]]
    waited, delay = 0.0, float(retry["IntervalSeconds"])
    for _ in range(min(retry["MaxAttempts"], 10_000)):
        # Full jitter waits half the delay on average.
        waited, delay = waited + delay / 2, min(delay * retry["BackoffRate"], retry["MaxDelaySeconds"])
    assert waited > machine.json("definition")["TimeoutSeconds"]
    longest = 1_440 * 60
    assert longest / (retry["MaxDelaySeconds"] / 2) * 5 < 25_000, "events in the history of an execution"


def test_a_crawl_adds_partitions_and_changes_or_deletes_no_table(cloud: Cloud) -> None:
    for crawler in cloud.of("glue.Crawler"):
        configuration = crawler.json("configuration")
        (target,) = crawler.inputs["s3Targets"]
        level = len(target["path"].removeprefix("s3://").rstrip("/").split("/"))
        assert configuration["Grouping"]["TableLevelConfiguration"] == level
        assert configuration["CrawlerOutput"]["Partitions"]["AddOrUpdateBehavior"] == "InheritFromTable"
        # "Preventing a crawler from changing an existing schema" (AWS Glue developer guide, 2026-11).
        assert crawler.inputs["schemaChangePolicy"] == {"updateBehavior": "LOG", "deleteBehavior": "LOG"}


def test_glue_finds_its_log_groups_made_and_expiring(cloud: Cloud) -> None:
    (job,), (security,) = cloud.of("glue.Job"), cloud.of("glue.SecurityConfiguration")
    role = job.inputs["roleArn"].rpartition("/")[2]
    prefix = f"{job.inputs['defaultArguments']['--custom-logGroup-prefix']}/{security.outputs['name']}-role/{role}"
    groups = {group.inputs["name"]: group.urn for group in cloud.of("cloudwatch.LogGroup")}
    for stream in ("output", "error"):
        assert groups[f"{prefix}/{stream}"] in job.dependencies


def test_the_job_runs_what_was_uploaded(cloud: Cloud) -> None:
    (job,) = cloud.of("glue.Job")
    bucket = cloud.one("s3.Bucket", "data-pipeline-artifacts").outputs["bucket"]
    uploaded = {f"s3://{o.inputs['bucket']}/{o.inputs['key']}": o.urn for o in cloud.of("s3.BucketObjectv2")}
    needed = [job.inputs["command"]["scriptLocation"], job.inputs["defaultArguments"]["--extra-py-files"]]
    assert [uri for uri in needed if uri not in uploaded or uploaded[uri] not in job.dependencies] == []
    assert all(uri.startswith(f"s3://{bucket}/") for uri in needed)
    assert job.inputs["maxRetries"] == 0, "the state machine repeats, and knows when not to"


def job_files(found: Cloud) -> list[str]:
    (job,) = found.of("glue.Job")
    return [job.inputs["command"]["scriptLocation"], job.inputs["defaultArguments"]["--extra-py-files"]]


@pytest.mark.parametrize(("changed", "others"), [(0, 1), (1, 0)], ids=["script", "libraries"])
def test_what_is_changed_of_the_job_gets_another_key_and_what_was_there_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changed: int, others: int
) -> None:
    name = ("glue_script", "build_glue_libraries")[changed]
    file = tmp_path / "changed"
    file.write_bytes(getattr(packaging, name)().read_bytes() + b"\n")
    monkeypatch.setattr(packaging, name, lambda: file)
    after = deploy(main_program, config=stack_config("dev"), stack="dev")
    old, new = job_files(pipeline("dev")), job_files(after)
    assert old[changed] != new[changed], "a run that starts meanwhile would get new script and old libraries"
    assert old[others] == new[others]
    for one in after.of("s3.BucketObjectv2"):
        if one.inputs["key"].startswith("glue/"):
            assert one.retain_on_delete, "a run under way still reads what the deployment replaces"


def test_the_job_asks_for_its_files_in_the_region_where_they_are(cloud: Cloud) -> None:
    (job,) = cloud.of("glue.Job")
    region = cloud.one("sqs.Queue", "data-pipeline-arrivals").outputs["arn"].split(":")[3]
    assert job.inputs["defaultArguments"]["--conf"] == f"spark.hadoop.fs.s3a.endpoint.region={region}"


def test_athena_cannot_be_talked_out_of_its_limits(cloud: Cloud) -> None:
    (workgroup,) = cloud.of("athena.Workgroup")
    configuration = workgroup.inputs["configuration"]
    assert configuration["enforceWorkgroupConfiguration"] is True
    assert configuration["bytesScannedCutoffPerQuery"] >= 10_000_000
    encryption = configuration["resultConfiguration"]["encryptionConfiguration"]
    assert encryption["kmsKeyArn"] == cloud.of("kms.Key")[0].outputs["arn"]


def test_named_queries_are_in_the_workgroup_and_the_database(cloud: Cloud) -> None:
    (workgroup,), (database,) = cloud.of("athena.Workgroup"), cloud.of("glue.CatalogDatabase")
    shared = {file.stem for file in (ROOT / "queries").glob("*.sql")}
    queries = {query.inputs["name"]: query.inputs for query in cloud.of("athena.NamedQuery")}
    assert queries.keys() == shared, "those of single datasets are written by the function query"
    for query in queries.values():
        assert (query["workgroup"], query["database"]) == (workgroup.outputs["name"], database.outputs["name"])
        assert query["query"].strip()


def test_a_service_that_is_busy_is_asked_again_by_whatever_name_boto3_calls_it() -> None:
    states = json.loads(re.sub(r"(?<!\")\$\{\w+\}(?!\")", "1", load_definition(DEFINITION)))["States"]
    services = botocore.session.get_session()
    # An error that a service's model names is a class of its own to Python, and that class is what Lambda reports.
    busy = {
        shape.name
        for service in ("athena", "dynamodb", "events", "glue", "sns")
        for shape in services.get_service_model(service).error_shapes
        if shape.name in BUSY or shape.metadata.get("error", {}).get("code") in BUSY or "Internal" in shape.name
    }
    assert len(busy) > 8
    called = [
        state
        for name, state in states.items()
        # What the function stage fails of, the Glue job does.
        if state.get("Resource", "").endswith("lambda:invoke") and name != "StageSmall"
    ]
    assert len(called) == 6
    for state in called:
        assert busy | {"ClientError"} <= {error for retry in state["Retry"] for error in retry["ErrorEquals"]}
