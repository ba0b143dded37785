"""Logs, alarms, the workflow, tags and names: what people need to run the rest."""

import re
from collections.abc import Iterable

from policies.model import Program, Resource, must, must_be_our_key, rule, shown

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
GROUP, ALARM, MACHINE = ("cloudwatch.LogGroup",), ("cloudwatch.MetricAlarm",), ("sfn.StateMachine",)
ALARMS = (*ALARM, "cloudwatch.CompositeAlarm")


@rule("LOG-01", "low", GROUP, "a number of days")
def retention(group: Resource, program: Program) -> Iterable[str]:
    """Logs that are kept forever are billed forever."""
    return must(group.inputs.get("retentionInDays"), "its logs are kept forever")


@rule("LOG-02", "low", GROUP, f"{RETENTION_DAYS_IN_PROD} days in prod", "CloudWatch.16")
def retention_in_prod(group: Resource, program: Program) -> Iterable[str]:
    """What happened last spring is asked for in winter."""
    days = group.inputs.get("retentionInDays") or RETENTION_DAYS_IN_PROD
    return must(program.environment != "prod" or days >= RETENTION_DAYS_IN_PROD, f"its logs are kept {days} days")


@rule("LOG-03", "low", GROUP, "the environment's key")
def log_key(group: Resource, program: Program) -> Iterable[str]:
    """Logs name files and show errors with data in them."""
    return must_be_our_key(group.inputs.get("kmsKeyId"), program)


@rule("MON-01", "low", ALARM, "a topic, its own or that of a composite alarm with it", "CloudWatch.15")
def calls(alarm: Resource, program: Program) -> Iterable[str]:
    """An alarm that calls nobody is a light in an empty room."""
    name = f'ALARM("{alarm.outputs.get("name")}")'
    through = [one for one in program.of("cloudwatch.CompositeAlarm") if name in str(one.inputs.get("alarmRule"))]
    calling = [action for one in (alarm, *through) for action in one.inputs.get("alarmActions") or []]
    return must(calling and program.known("sns.Topic").issuperset(calling), "it calls nobody")


@rule("MON-02", "low", ALARM, "breaching, notBreaching or ignore, on purpose")
def missing(alarm: Resource, program: Program) -> Iterable[str]:
    """CloudWatch's default for missing data is a third state in which nobody is called."""
    found = alarm.inputs.get("treatMissingData")
    return must(found in ("breaching", "notBreaching", "ignore"), f"missing data is treated as {shown(found)}")


@rule("MON-03", "low", ALARMS, "actions on", "CloudWatch.17")
def enabled(alarm: Resource, program: Program) -> Iterable[str]:
    """An alarm is switched off and forgotten."""
    return must(alarm.inputs.get("actionsEnabled") is not False, "its actions are off")


@rule("MON-04", "low", ALARMS, "a description with docs/runbook.md#<anchor>")
def runbook(alarm: Resource, program: Program) -> Iterable[str]:
    """Whoever is called at night needs to know what to do."""
    text = str(alarm.inputs.get("alarmDescription"))
    return must(re.search(r"docs/runbook\.md#[a-z0-9-]+", text), f"it says {shown(text)}")


@rule("MON-05", "low", ALARM, "a day; a week in periods of an hour or more")
def window(alarm: Resource, program: Program) -> Iterable[str]:
    """CloudWatch refuses longer ones, half way through the deployment."""
    queries = [query.get("metric") or {} for query in alarm.inputs.get("metricQueries") or []]
    periods = [int(found) for found in (alarm.inputs.get("period"), *(q.get("period") for q in queries)) if found]
    for period in set(periods):
        window = period * int(alarm.inputs.get("evaluationPeriods") or 1)
        longest = 7 * DAY_SECONDS if period >= 3_600 else DAY_SECONDS
        yield from must(window <= longest, f"it looks {window} s back in periods of {period} s")
    yield from must(periods, "it has no period")


@rule("SFN-01", "low", MACHINE, "a log with a level", "StepFunctions.1", "AwsSolutions-SF1")
def logged(machine: Resource, program: Program) -> Iterable[str]:
    """An execution is gone after 90 days; its log is not."""
    level = machine.at("loggingConfiguration.level")
    yield from must(level in ("ALL", "ERROR", "FATAL"), f"its log level is {shown(level)}")
    yield from must(machine.at("loggingConfiguration.logDestination"), "its log has no destination")


@rule("SFN-02", "low", MACHINE, "tracing", "AwsSolutions-SF2")
def traced(machine: Resource, program: Program) -> Iterable[str]:
    """A trace shows where a batch lost its time."""
    return must(machine.at("tracingConfiguration.enabled") is True, "it is not traced")


@rule("SFN-03", "low", MACHINE, "timeouts for the execution and every task, and a catch")
def bounded(machine: Resource, program: Program) -> Iterable[str]:
    """A task without an answer waits a year, and a failure that is not caught keeps its files."""
    definition = machine.json("definition") or {}
    yield from must(definition.get("TimeoutSeconds"), "an execution may run for a year")
    for name, state in definition.get("States", {}).items():
        if state["Type"] == "Task":
            yield from must(state.get("TimeoutSeconds"), f"the state {name} has no timeout")
            yield from must(state.get("Catch"), f"the state {name} catches no failure")


@rule("SFN-04", "low", MACHINE, "includeExecutionData off in prod")
def no_data_in_logs(machine: Resource, program: Program) -> Iterable[str]:
    """Logs are read by more people than the data."""
    found = machine.at("loggingConfiguration.includeExecutionData")
    return must(program.environment != "prod" or found is False, "inputs and outputs are logged")


@rule("TAG-01", "low", ("providers.aws",), ", ".join(TAGS))
def tags(provider: Resource, program: Program) -> Iterable[str]:
    """Cost, owners and environments are told apart by tags."""
    found = (provider.json("defaultTags") or {}).get("tags", {})
    yield from must(not set(TAGS) - set(found), f"tags are {shown(sorted(found))}")
    for tag, value in (("Environment", program.environment), ("Stack", program.stack)):
        yield from must(found.get(tag) == value, f"{tag} is {shown(found.get(tag))}")


@rule("TAG-02", "low", ("*",), "the one provider")
def provider(resource: Resource, program: Program) -> Iterable[str]:
    """Default tags are the provider's."""
    return must("pulumi:providers:aws::aws" in resource.provider, "it uses another provider, and has no tags")


@rule("NAM-01", "low", tuple(NAMED), "a name with the stack's in it")
def stack_in_name(resource: Resource, program: Program) -> Iterable[str]:
    """Two stacks in one account must not take each other's names."""
    name = str(resource.inputs.get(NAMED[resource.type]))
    # A database's name has no hyphens.
    return must(f"-{program.stack}-" in f"-{re.sub('[_/]', '-', name)}-", f"its name is {shown(name)}")


@rule("NAM-02", "low", ("*",), "data-pipeline-<part>-<part>")
def logical_name(resource: Resource, program: Program) -> Iterable[str]:
    """Names that follow one pattern can be found, and are never renamed for looks."""
    return must(LOGICAL_NAME.fullmatch(resource.name), "its logical name is of another kind")
