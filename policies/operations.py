"""Logs, alarms, the workflow, tags and names: what people need to run the rest."""

import re
from collections.abc import Iterable

from policies.model import Check, Program, Resource, Rule, must, shown

TAGS = ("Project", "Environment", "Stack", "ManagedBy")
RETENTION_DAYS_IN_PROD = 365
DAY_SECONDS = 86_400
# Logical names of people's addresses end with them.
LOGICAL_NAME = re.compile(r"data-pipeline(-[a-z0-9_]+)*(-[^\s/]+@[^\s/]+|-https://\S+|-arn:\S+)?")
# Types whose physical name the program chooses, and the input that holds it.
NAMED = {
    "athena.Workgroup": "name",
    "budgets.Budget": "name",
    "cloudwatch.CompositeAlarm": "alarmName",
    "cloudwatch.Dashboard": "dashboardName",
    "cloudwatch.MetricAlarm": "name",
    "glue.CatalogDatabase": "name",
    "glue.Crawler": "name",
    "kms.Alias": "name",
    "sfn.StateMachine": "name",
}


def _retention(group: Resource, program: Program) -> Iterable[str]:
    return must(group.inputs.get("retentionInDays"), "its logs are kept forever")


def _retention_in_prod(group: Resource, program: Program) -> Iterable[str]:
    days = group.inputs.get("retentionInDays") or RETENTION_DAYS_IN_PROD
    return must(program.environment != "prod" or days >= RETENTION_DAYS_IN_PROD, f"its logs are kept {days} days")


def _log_key(group: Resource, program: Program) -> Iterable[str]:
    keys = {key.outputs.get("arn") for key in program.of("kms.Key")}
    found = group.inputs.get("kmsKeyId")
    return must(found in keys, f"its key is {shown(found)}")


def _calls(alarm: Resource, program: Program) -> Iterable[str]:
    topics = {topic.outputs.get("arn") for topic in program.of("sns.Topic")}
    name = f'ALARM("{alarm.outputs.get("name")}")'
    through = [one for one in program.of("cloudwatch.CompositeAlarm") if name in str(one.inputs.get("alarmRule"))]
    calling = [action for one in (alarm, *through) for action in one.inputs.get("alarmActions") or []]
    return must(calling and topics.issuperset(calling), "it calls nobody")


def _missing(alarm: Resource, program: Program) -> Iterable[str]:
    found = alarm.inputs.get("treatMissingData")
    return must(found in ("breaching", "notBreaching", "ignore"), f"missing data is treated as {shown(found)}")


def _enabled(alarm: Resource, program: Program) -> Iterable[str]:
    return must(alarm.inputs.get("actionsEnabled") is not False, "its actions are off")


def _runbook(alarm: Resource, program: Program) -> Iterable[str]:
    text = str(alarm.inputs.get("alarmDescription"))
    return must(re.search(r"docs/runbook\.md#[a-z0-9-]+", text), f"it says {shown(text)}")


def _window(alarm: Resource, program: Program) -> Iterable[str]:
    queries = [query.get("metric") or {} for query in alarm.inputs.get("metricQueries") or []]
    periods = [int(found) for found in (alarm.inputs.get("period"), *(q.get("period") for q in queries)) if found]
    for period in set(periods):
        window = period * int(alarm.inputs.get("evaluationPeriods") or 1)
        longest = 7 * DAY_SECONDS if period >= 3_600 else DAY_SECONDS
        yield from must(window <= longest, f"it looks {window} s back in periods of {period} s")
    yield from must(periods, "it has no period")


def _logged(machine: Resource, program: Program) -> Iterable[str]:
    level = machine.at("loggingConfiguration.level")
    yield from must(level in ("ALL", "ERROR", "FATAL"), f"its log level is {shown(level)}")
    yield from must(machine.at("loggingConfiguration.logDestination"), "its log has no destination")


def _traced(machine: Resource, program: Program) -> Iterable[str]:
    return must(machine.at("tracingConfiguration.enabled") is True, "it is not traced")


def _bounded(machine: Resource, program: Program) -> Iterable[str]:
    definition = machine.json("definition") or {}
    yield from must(definition.get("TimeoutSeconds"), "an execution may run for a year")
    for name, state in definition.get("States", {}).items():
        if state["Type"] == "Task":
            yield from must(state.get("TimeoutSeconds"), f"the state {name} has no timeout")
            yield from must(state.get("Catch"), f"the state {name} catches no failure")


def _no_data_in_logs(machine: Resource, program: Program) -> Iterable[str]:
    found = machine.at("loggingConfiguration.includeExecutionData")
    return must(program.environment != "prod" or found is False, "inputs and outputs are logged")


def _tags(provider: Resource, program: Program) -> Iterable[str]:
    tags = (provider.json("defaultTags") or {}).get("tags", {})
    yield from must(not set(TAGS) - set(tags), f"tags are {shown(sorted(tags))}")
    for tag, value in (("Environment", program.environment), ("Stack", program.stack)):
        yield from must(tags.get(tag) == value, f"{tag} is {shown(tags.get(tag))}")


def _provider(resource: Resource, program: Program) -> Iterable[str]:
    return must("pulumi:providers:aws::aws" in resource.provider, "it uses another provider, and has no tags")


def _stack_in_name(resource: Resource, program: Program) -> Iterable[str]:
    name = str(resource.inputs.get(NAMED[resource.type]))
    # A database's name has no hyphens.
    return must(f"-{program.stack}-" in f"-{re.sub('[_/]', '-', name)}-", f"its name is {shown(name)}")


def _logical_name(resource: Resource, program: Program) -> Iterable[str]:
    return must(LOGICAL_NAME.fullmatch(resource.name), "its logical name is of another kind")


GROUP, ALARM, MACHINE = ("cloudwatch.LogGroup",), ("cloudwatch.MetricAlarm",), ("sfn.StateMachine",)
ALARMS = (*ALARM, "cloudwatch.CompositeAlarm")


def _rule(id_: str, types: tuple[str, ...], wrong: Check, reason: str, allowed: str, *controls: str) -> Rule:
    """Write a rule in a line: what makes a system hard to run is of low severity."""
    return Rule(id=id_, severity="low", controls=controls, reason=reason, allowed=allowed, types=types, wrong=wrong)


RULES = (
    _rule("LOG-01", GROUP, _retention, "Logs that are kept forever are billed forever.", "a number of days"),
    _rule(
        "LOG-02",
        GROUP,
        _retention_in_prod,
        "What happened last spring is asked for in winter.",
        f"{RETENTION_DAYS_IN_PROD} days in prod",
        "CloudWatch.16",
    ),
    _rule("LOG-03", GROUP, _log_key, "Logs name files and show errors with data in them.", "the environment's key"),
    _rule(
        "MON-01",
        ALARM,
        _calls,
        "An alarm that calls nobody is a light in an empty room.",
        "a topic, its own or that of a composite alarm with it",
        "CloudWatch.15",
    ),
    _rule(
        "MON-02",
        ALARM,
        _missing,
        "CloudWatch's default for missing data is a third state in which nobody is called.",
        "breaching, notBreaching or ignore, on purpose",
    ),
    _rule("MON-03", ALARMS, _enabled, "An alarm is switched off and forgotten.", "actions on", "CloudWatch.17"),
    _rule(
        "MON-04",
        ALARMS,
        _runbook,
        "Whoever is called at night needs to know what to do.",
        "a description with docs/runbook.md#<anchor>",
    ),
    _rule(
        "MON-05",
        ALARM,
        _window,
        "CloudWatch refuses longer ones, half way through the deployment.",
        "a day; a week in periods of an hour or more",
    ),
    _rule(
        "SFN-01",
        MACHINE,
        _logged,
        "An execution is gone after 90 days; its log is not.",
        "a log with a level",
        "StepFunctions.1",
        "AwsSolutions-SF1",
    ),
    _rule("SFN-02", MACHINE, _traced, "A trace shows where a batch lost its time.", "tracing", "AwsSolutions-SF2"),
    _rule(
        "SFN-03",
        MACHINE,
        _bounded,
        "A task without an answer waits a year, and a failure that is not caught keeps its files.",
        "timeouts for the execution and every task, and a catch",
    ),
    _rule(
        "SFN-04",
        MACHINE,
        _no_data_in_logs,
        "Logs are read by more people than the data.",
        "includeExecutionData off in prod",
    ),
    _rule(
        "TAG-01",
        ("providers.aws",),
        _tags,
        "Cost, owners and environments are told apart by tags.",
        ", ".join(TAGS),
    ),
    _rule("TAG-02", ("*",), _provider, "Default tags are the provider's.", "the one provider"),
    _rule(
        "NAM-01",
        tuple(NAMED),
        _stack_in_name,
        "Two stacks in one account must not take each other's names.",
        "a name with the stack's in it",
    ),
    _rule(
        "NAM-02",
        ("*",),
        _logical_name,
        "Names that follow one pattern can be found, and are never renamed for looks.",
        "data-pipeline-<part>-<part>",
    ),
)
