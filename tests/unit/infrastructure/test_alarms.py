"""Alarms: every failure calls at its first data point, a quiet day does not, and what is watched exists."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from tests.unit.infrastructure.cloud import STACKS, Cloud, DeclaredResource, pipeline
from tests.unit.infrastructure.cloudwatch import Point, composite_state, metrics, state

# What AWS documents of the metrics that we watch: by which dimensions they come, and where it says so.
AWS_METRICS = {
    # docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): {"QueueName"},
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): {"QueueName"},
    # docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    ("AWS/Lambda", "Errors"): {"FunctionName"},
    ("AWS/Lambda", "Throttles"): {"FunctionName"},
    ("AWS/Lambda", "Invocations"): {"FunctionName"},
    ("AWS/Lambda", "Duration"): {"FunctionName"},
    # docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
    ("AWS/States", "ExecutionsFailed"): {"StateMachineArn"},
    ("AWS/States", "ExecutionsTimedOut"): {"StateMachineArn"},
    ("AWS/States", "ExecutionsAborted"): {"StateMachineArn"},
    # docs.aws.amazon.com/athena/latest/ug/query-metrics-viewing.html
    ("AWS/Athena", "ProcessedBytes"): {"QueryState", "QueryType", "WorkGroup"},
}
# What the functions emit: tests/unit/lambdas/test_metrics.py proves it by calling them.
OWN_METRICS: Mapping[str, Mapping[str, str]] = {
    "FilesRejected": {"service": "ingestion"},
    "FilesIgnored": {"service": "ingestion"},
    "RowsCurated": {"service": "processing"},
    "RowsDuplicate": {"service": "processing"},
    "RowsQuarantined": {"service": "processing"},
    "DpuSeconds": {"service": "processing"},
    "BatchesMuchQuarantined": {"service": "processing"},
    "BatchesWithoutRows": {"service": "processing"},
    "DatasetsLate": {"service": "freshness"},
    "TablesBehind": {"service": "maintenance"},
    "BatchesGivenUp": {"service": "error_handler"},
    "ReconciliationErrors": {"service": "error_handler"},
    "JobRunsFailed": {"service": "error_handler"},
    "CrawlsFailed": {"service": "error_handler"},
    "LatencyMissed": {"service": "processing"},
}
"""None has a dataset among its dimensions: each name with its dimensions costs as much as 200 small batches a month."""


def own_namespace(cloud: Cloud) -> str:
    """Where the functions put their metrics."""
    (found,) = {
        f.inputs["environment"]["variables"]["POWERTOOLS_METRICS_NAMESPACE"] for f in cloud.of("lambda.Function")
    }
    return str(found)


@dataclass(frozen=True)
class Day:
    """What a metric says when its failure happens, and on days when it does not."""

    failure: tuple[Point, ...]
    quiet: tuple[tuple[Point, ...], ...] = ((),)


def event(value: float, minutes: float = 1.0) -> tuple[Point, ...]:
    return (Point("m", minutes, value),)


def looks(*minutes: float) -> tuple[Point, ...]:
    return tuple(Point("looks", minute, 1) for minute in minutes)


def ended(seconds: float) -> float:
    """When an invocation that ran that long began, in minutes ago: that is the time on its metrics."""
    return seconds / 60 + 1


# By the end of the alarm's name. A function's timeout is filled in: its metrics are that late.
DAYS: Mapping[str, Callable[[float], Day]] = {
    "-not-empty": lambda _: Day(event(1), (event(0), ())),
    "arrivals-too-old": lambda _: Day(event(15 * 60 + 1), (event(15 * 60), ())),
    "-errors": lambda timeout: Day(event(1, ended(timeout)), (event(0), ())),
    "-throttles": lambda _: Day(event(1), (event(0), ())),
    # One call that nearly ran out of time, among those of the same minute that did not.
    "-slow": lambda timeout: Day(
        (*event(801 * timeout, ended(timeout)), *(event(9, ended(timeout)) * 200)),
        (event(800 * timeout), event(80 * timeout) * 20, event(9), ()),
    ),
    "batch-failed": lambda _: Day(event(1)),
    "batch-timedout": lambda _: Day(event(1)),
    "batch-aborted": lambda _: Day(event(1)),
    "files-given-up": lambda _: Day(event(1), (event(0), ())),
    "files-rejected": lambda _: Day(event(1), (event(0), ())),
    "rows-unaccounted": lambda _: Day(event(1), (event(0), ())),
    "job-failed": lambda _: Day(event(1)),
    "crawler-failed": lambda _: Day(event(1)),
    "latency-missed": lambda _: Day(event(1)),
    "rows-quarantined": lambda _: Day(event(1)),
    "no-rows": lambda _: Day(event(1)),
    # It is counted every quarter of an hour, as long as it lasts.
    "not-fresh": lambda _: Day(event(1, 14), (event(2, 121), ())),
    # Each round of two days left one behind; a round that left none is enough.
    "maintenance-behind": lambda _: Day(event(1, 100), ((*event(1, 100), *event(0, 460)), ())),
    "freshness-silent": lambda _: Day(looks(61, 76), (looks(14, 29, 44, 59), looks(59))),
    "query-cut-off": lambda _: Day(event(1e11), (event(1e11 - 1), ())),
}


def inputs(cloud: Cloud) -> dict[str, DeclaredResource]:
    return {alarm.name.removeprefix("data-pipeline-"): alarm for alarm in cloud.of("cloudwatch.MetricAlarm")}


def day(cloud: Cloud, name: str) -> Day:
    (kind,) = [end for end in DAYS if name.endswith(end)]
    functions = {one.name.removeprefix("data-pipeline-"): one for one in cloud.of("lambda.Function")}
    function = functions.get(name.removesuffix(kind))
    return DAYS[kind](function.inputs["timeout"] if function else 0)


NAMES = sorted(inputs(pipeline("prod")))


@pytest.mark.parametrize("name", NAMES)
def test_a_failure_raises_its_alarm_at_its_first_data_point(prod: Cloud, name: str) -> None:
    assert state(inputs(prod)[name].inputs, day(prod, name).failure) == "ALARM"


@pytest.mark.parametrize("name", NAMES)
def test_a_quiet_day_raises_no_alarm(prod: Cloud, name: str) -> None:
    for quiet in day(prod, name).quiet:
        assert state(inputs(prod)[name].inputs, quiet) == "OK", quiet


def test_nobody_is_told_that_dead_letters_are_gone_because_sqs_fell_silent(prod: Cloud) -> None:
    waiting = {name: alarm.inputs for name, alarm in inputs(prod).items() if name.endswith("-not-empty")}
    assert waiting
    for name, alarm in waiting.items():
        raised = state(alarm, day(prod, name).failure)
        assert state(alarm, (), before=raised) == "ALARM", name
        (id_,) = metrics(alarm)
        assert state(alarm, [Point(id_, minute, 0) for minute in range(60)], before=raised) == "OK", name


def test_silence_is_a_failure_only_of_whoever_looks_for_it(prod: Cloud) -> None:
    assert [name for name, alarm in inputs(prod).items() if state(alarm.inputs, ()) == "ALARM"] == ["freshness-silent"]


def test_every_kind_of_failure_has_its_alarm(cloud: Cloud) -> None:
    kinds = {end for end in DAYS for name in inputs(cloud) if name.endswith(end)}
    assert kinds == DAYS.keys()
    assert not [name for name in inputs(cloud) for dataset in cloud.exports["datasets"] if dataset in name], (
        "an alarm over all datasets names the dataset in a message; one for each costs more than its batches"
    )
    for function in cloud.exports["functions"]:
        title = function.replace("_", "-")
        assert {f"{title}-{kind}" for kind in ("errors", "throttles", "slow")} <= inputs(cloud).keys()


def test_every_dead_letter_queue_calls_at_its_first_message(cloud: Cloud) -> None:
    dead = {queue.outputs["name"] for queue in cloud.of("sqs.Queue") if "redrivePolicy" not in queue.inputs}
    watched = {alarm.inputs["dimensions"]["QueueName"] for name, alarm in inputs(cloud).items() if "empty" in name}
    assert len(dead) == 3
    assert watched == dead


def test_environments_in_one_account_do_not_share_their_metrics() -> None:
    assert {own_namespace(pipeline(stack)) for stack in STACKS} == {f"DataPipeline/{stack}" for stack in STACKS}


def test_every_metric_that_is_watched_is_emitted_with_exactly_those_dimensions(cloud: Cloud) -> None:
    names = {value for resource in cloud.aws() for value in resource.outputs.values() if isinstance(value, str)}
    for name, alarm in inputs(cloud).items():
        for metric in metrics(alarm.inputs).values():
            dimensions: dict[str, str] = metric["dimensions"]
            if metric["namespace"] == own_namespace(cloud):
                assert dimensions == OWN_METRICS[metric["metricName"]], name
            else:
                assert dimensions.keys() == AWS_METRICS[metric["namespace"], metric["metricName"]], name
                constants = {("QueryState", "CANCELED"), ("QueryType", "DML")}
                assert [d for d in dimensions.items() if d not in constants and d[1] not in names] == [], name


def test_what_is_watched_of_a_query_is_its_cutoff(cloud: Cloud) -> None:
    (workgroup,) = cloud.of("athena.Workgroup")
    alarm = inputs(cloud)["query-cut-off"].inputs
    assert alarm["threshold"] == workgroup.inputs["configuration"]["bytesScannedCutoffPerQuery"]
    assert alarm["dimensions"]["WorkGroup"] == workgroup.inputs["name"]


def test_every_alarm_calls_once_itself_or_by_the_incident_that_it_is_part_of(cloud: Cloud) -> None:
    topic = cloud.one("sns.Topic", "data-pipeline-alarms").outputs["arn"]
    rules = [composite.inputs for composite in cloud.of("cloudwatch.CompositeAlarm")]
    for alarm in cloud.of("cloudwatch.MetricAlarm"):
        through = [rule for rule in rules if f'ALARM("{alarm.inputs["name"]}")' in rule["alarmRule"]]
        assert [rule["alarmActions"] for rule in through] == [[topic]] * len(through)
        assert len(through) + len(alarm.inputs.get("alarmActions") or []) == 1, alarm.name
        assert alarm.inputs["datapointsToAlarm"] == 1, "one failure is enough"


def test_one_failed_batch_is_one_message(prod: Cloud) -> None:
    (incident,) = prod.of("cloudwatch.CompositeAlarm")
    together = {"processing-errors", "error-handler-errors", "batch-failed", "files-given-up"}
    together |= {"job-failed", "crawler-failed"}
    states = {alarm.inputs["name"]: "OK" for alarm in prod.of("cloudwatch.MetricAlarm")}
    assert composite_state(incident.inputs["alarmRule"], states) == "OK"
    for name in together:
        one = {**states, inputs(prod)[name].inputs["name"]: "ALARM"}
        assert composite_state(incident.inputs["alarmRule"], one) == "ALARM", name
    assert len(incident.inputs["alarmRule"].split(" OR ")) <= 100, "CloudWatch's limit of alarms in a rule"
    assert "rows-unaccounted" not in incident.inputs["alarmRule"], "it is never taken for another failure"


def test_names_tell_the_environments_of_an_account_apart(prod: Cloud, dev: Cloud) -> None:
    alarms = ("cloudwatch.MetricAlarm", "cloudwatch.CompositeAlarm")
    names = [{a.inputs.get("name") or a.inputs["alarmName"] for a in cloud.of(*alarms)} for cloud in (prod, dev)]
    assert len(names[0]) == len(prod.of(*alarms)), "a name that is taken twice is one alarm"
    assert not names[0] & names[1]


def test_what_lasts_tells_when_it_is_over_and_an_event_does_not(prod: Cloud) -> None:
    telling = {name for name, alarm in inputs(prod).items() if alarm.inputs.get("okActions")}
    assert telling == {
        name for name in inputs(prod) if name.endswith(("-not-empty", "-too-old", "not-fresh", "-silent", "-behind"))
    }


def test_what_comes_of_a_failed_run_is_the_same_call(prod: Cloud) -> None:
    for name in ("job-failed", "crawler-failed"):
        assert state(inputs(prod)[name].inputs, event(1, 19)) == "ALARM", "the run is repeated, and then decided on"


def test_services_that_call_people_may_use_the_topic_and_its_key(cloud: Cloud) -> None:
    topic = cloud.one("sns.TopicPolicy", "data-pipeline-alarms-policy").json("policy")["Statement"]
    (key,) = cloud.of("kms.Key")
    of_key = {s["Principal"].get("Service"): s for s in key.json("policy")["Statement"]}
    callers = {s["Principal"]["Service"]: s for s in topic if s["Effect"] == "Allow"}
    assert callers.keys() == {"cloudwatch.amazonaws.com", "budgets.amazonaws.com"}
    for service, statement in callers.items():
        assert statement["Action"] == "sns:Publish"
        assert set(of_key[service]["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}
        assert of_key[service]["Condition"] == statement["Condition"], service


def test_no_event_goes_to_a_topic(cloud: Cloud) -> None:
    # EventBridge sends SNS and KMS no source: it gets into an encrypted topic only by policies without conditions.
    targets = [target.inputs["arn"] for target in cloud.of("cloudwatch.EventTarget")]
    assert not [arn for arn in targets if ":sns:" in arn]
    policies = [policy.json("policy") for policy in cloud.of("sns.TopicPolicy")]
    assert "events.amazonaws.com" not in str(policies)


def test_a_budget_counts_what_is_tagged_with_its_environment(cloud: Cloud) -> None:
    (budget,) = cloud.of("budgets.Budget")
    (provider,) = [r for r in cloud.resources if r.type == "pulumi:providers:aws"]
    stack = provider.json("defaultTags")["tags"]["Stack"]
    assert budget.inputs["costFilters"] == [{"name": "TagKeyValue", "values": [f"user:Stack${stack}"]}]
    topic = cloud.one("sns.Topic", "data-pipeline-alarms").outputs["arn"]
    assert [notice["subscriberSnsTopicArns"] for notice in budget.inputs["notifications"]] == [[topic]] * 3
    assert float(budget.inputs["limitAmount"]) > 0
