"""Lambda functions and what calls them."""

import re
from collections.abc import Iterable

from policies.model import Program, Resource, must, rule, shown

# Python runtimes that AWS supports beyond 2027; an older one would fail deployments before long.
RUNTIMES = ("python3.12", "python3.13", "python3.14")
SECRET = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIAL|PRIVATE_KEY|ACCESS_KEY|API_KEY")
FUNCTION = ("lambda.Function",)


@rule("LAM-01", "medium", FUNCTION, ", ".join(RUNTIMES), "Lambda.2", "AwsSolutions-L1")
def runtime(function: Resource, program: Program) -> Iterable[str]:
    """A runtime without support gets no security fixes, and one day cannot be deployed."""
    found = function.inputs.get("runtime")
    return must(found in RUNTIMES, f"the runtime is {shown(found)}")


@rule("LAM-02", "low", FUNCTION, "Active", "Lambda.7")
def tracing(function: Resource, program: Program) -> Iterable[str]:
    """Without a trace nobody sees which call of AWS was slow."""
    return must(function.at("tracingConfig.mode") == "Active", f"tracing is {shown(function.at('tracingConfig.mode'))}")


@rule("LAM-03", "low", FUNCTION, "the environment's key", "CKV_AWS_173")
def environment_key(function: Resource, program: Program) -> Iterable[str]:
    """The environment names every bucket, table and queue."""
    found = function.inputs.get("kmsKeyArn")
    return must(found in program.known("kms.Key"), f"the key of its environment is {shown(found)}")


@rule("LAM-04", "medium", FUNCTION, "a log group of this program, and JSON")
def log_group(function: Resource, program: Program) -> Iterable[str]:
    """The log group that Lambda makes itself is not encrypted and keeps its logs forever."""
    name, form = function.at("loggingConfig.logGroup"), function.at("loggingConfig.logFormat")
    yield from must(name in program.known("cloudwatch.LogGroup", "name"), f"its log group is {shown(name)}")
    yield from must(form == "JSON", f"it logs {shown(form)}")


@rule("LAM-05", "medium", FUNCTION, "a timeout and a memory size of its own")
def limits(function: Resource, program: Program) -> Iterable[str]:
    """Lambda's own limits, 3 seconds and 128 MB, fit by accident only."""
    for limit in ("timeout", "memorySize"):
        yield from must(function.inputs.get(limit), f"{limit} is not set")


@rule("LAM-06", "high", ("lambda.Permission",), "a service, bound to one resource", "Lambda.1")
def callers(permission: Resource, program: Program) -> Iterable[str]:
    """A service that may call on behalf of anyone is a confused deputy."""
    principal, source = str(permission.inputs.get("principal")), permission.inputs.get("sourceArn")
    yield from must(principal.endswith(".amazonaws.com"), f"{principal} may call it")
    yield from must(source and "*" not in source, f"{principal} may call it on behalf of {shown(source)}")


@rule("LAM-07", "high", FUNCTION, "an on-failure destination", "CKV_AWS_116")
def async_failures(function: Resource, program: Program) -> Iterable[str]:
    """Who calls without waiting hears nothing of a failure."""
    called = {target.inputs.get("arn") for target in program.of("cloudwatch.EventTarget")}
    called |= {subscription.inputs.get("endpoint") for subscription in program.of("sns.TopicSubscription")}
    if function.outputs.get("arn") in called:
        kept = program.about("lambda.FunctionEventInvokeConfig", "functionName", function.outputs.get("name"))
        good = any(one.at("destinationConfig.onFailure.destination") for one in kept)
        yield from must(good, "events that it fails on are dropped after the last retry")


@rule("LAM-08", "high", FUNCTION, "names of resources; secrets are kept elsewhere", "CKV_AWS_45")
def secrets(function: Resource, program: Program) -> Iterable[str]:
    """Whoever may describe a function reads its environment."""
    variables = function.at("environment.variables") or {}
    return [f"the variable {name} looks like a secret" for name in sorted(variables) if SECRET.search(name)]


@rule("LAM-09", "medium", FUNCTION, "a role of its own")
def own_role(function: Resource, program: Program) -> Iterable[str]:
    """A role for two may do what either needs: too much for both."""
    role = function.inputs.get("role")
    others = [one.name for one in program.of("lambda.Function") if one.inputs.get("role") == role and one != function]
    return must(not others, f"it shares its role with {', '.join(others)}")


@rule("LAM-10", "medium", ("lambda.EventSourceMapping",), "partial failures and a maximum concurrency")
def consumption(mapping: Resource, program: Program) -> Iterable[str]:
    """One bad message sends a whole batch back, and a flood of files takes the account's concurrency."""
    answers = mapping.inputs.get("functionResponseTypes")
    yield from must(answers == ["ReportBatchItemFailures"], f"it answers {shown(answers)}")
    most = mapping.at("scalingConfig.maximumConcurrency")
    yield from must(most, "as many invocations side by side as there are messages")
