"""Lambda functions and what calls them."""

import re
from collections.abc import Iterable

from policies.model import Program, Resource, Rule, must, shown

# Python runtimes that AWS supports beyond 2027; an older one would fail deployments before long.
RUNTIMES = ("python3.12", "python3.13", "python3.14")
SECRET = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIAL|PRIVATE_KEY|ACCESS_KEY|API_KEY")


def _runtime(function: Resource, program: Program) -> Iterable[str]:
    runtime = function.inputs.get("runtime")
    return must(runtime in RUNTIMES, f"the runtime is {shown(runtime)}")


def _tracing(function: Resource, program: Program) -> Iterable[str]:
    return must(function.at("tracingConfig.mode") == "Active", f"tracing is {shown(function.at('tracingConfig.mode'))}")


def _environment_key(function: Resource, program: Program) -> Iterable[str]:
    keys = {key.outputs.get("arn") for key in program.of("kms.Key")}
    found = function.inputs.get("kmsKeyArn")
    return must(found in keys, f"the key of its environment is {shown(found)}")


def _log_group(function: Resource, program: Program) -> Iterable[str]:
    groups = {group.outputs.get("name") for group in program.of("cloudwatch.LogGroup")}
    name, form = function.at("loggingConfig.logGroup"), function.at("loggingConfig.logFormat")
    yield from must(name in groups, f"its log group is {shown(name)}")
    yield from must(form == "JSON", f"it logs {shown(form)}")


def _limits(function: Resource, program: Program) -> Iterable[str]:
    for limit in ("timeout", "memorySize"):
        yield from must(function.inputs.get(limit), f"{limit} is not set")


def _permission(permission: Resource, program: Program) -> Iterable[str]:
    principal, source = str(permission.inputs.get("principal")), permission.inputs.get("sourceArn")
    yield from must(principal.endswith(".amazonaws.com"), f"{principal} may call it")
    yield from must(source and "*" not in source, f"{principal} may call it on behalf of {shown(source)}")


def _async_failures(function: Resource, program: Program) -> Iterable[str]:
    called = {target.inputs.get("arn") for target in program.of("cloudwatch.EventTarget")}
    called |= {subscription.inputs.get("endpoint") for subscription in program.of("sns.TopicSubscription")}
    if function.outputs.get("arn") in called:
        kept = program.about("lambda.FunctionEventInvokeConfig", "functionName", function.outputs.get("name"))
        good = any(one.at("destinationConfig.onFailure.destination") for one in kept)
        yield from must(good, "events that it fails on are dropped after the last retry")


def _secrets(function: Resource, program: Program) -> Iterable[str]:
    variables = function.at("environment.variables") or {}
    return [f"the variable {name} looks like a secret" for name in sorted(variables) if SECRET.search(name)]


def _own_role(function: Resource, program: Program) -> Iterable[str]:
    role = function.inputs.get("role")
    others = [one.name for one in program.of("lambda.Function") if one.inputs.get("role") == role and one != function]
    return must(not others, f"it shares its role with {', '.join(others)}")


def _consumption(mapping: Resource, program: Program) -> Iterable[str]:
    answers = mapping.inputs.get("functionResponseTypes")
    yield from must(answers == ["ReportBatchItemFailures"], f"it answers {shown(answers)}")
    most = mapping.at("scalingConfig.maximumConcurrency")
    yield from must(most, "as many invocations side by side as there are messages")


FUNCTION = ("lambda.Function",)
RULES = (
    Rule(
        id="LAM-01",
        severity="medium",
        controls=("Lambda.2", "AwsSolutions-L1"),
        reason="A runtime without support gets no security fixes, and one day cannot be deployed.",
        allowed=", ".join(RUNTIMES),
        types=FUNCTION,
        wrong=_runtime,
    ),
    Rule(
        id="LAM-02",
        severity="low",
        controls=("Lambda.7",),
        reason="Without a trace nobody sees which call of AWS was slow.",
        allowed="Active",
        types=FUNCTION,
        wrong=_tracing,
    ),
    Rule(
        id="LAM-03",
        severity="low",
        controls=("CKV_AWS_173",),
        reason="The environment names every bucket, table and queue.",
        allowed="the environment's key",
        types=FUNCTION,
        wrong=_environment_key,
    ),
    Rule(
        id="LAM-04",
        severity="medium",
        reason="The log group that Lambda makes itself is not encrypted and keeps its logs forever.",
        allowed="a log group of this program, and JSON",
        types=FUNCTION,
        wrong=_log_group,
    ),
    Rule(
        id="LAM-05",
        severity="medium",
        reason="Lambda's own limits, 3 seconds and 128 MB, fit by accident only.",
        allowed="a timeout and a memory size of its own",
        types=FUNCTION,
        wrong=_limits,
    ),
    Rule(
        id="LAM-06",
        severity="high",
        controls=("Lambda.1",),
        reason="A service that may call on behalf of anyone is a confused deputy.",
        allowed="a service, bound to one resource",
        types=("lambda.Permission",),
        wrong=_permission,
    ),
    Rule(
        id="LAM-07",
        severity="high",
        controls=("CKV_AWS_116",),
        reason="Who calls without waiting hears nothing of a failure.",
        allowed="an on-failure destination",
        types=FUNCTION,
        wrong=_async_failures,
    ),
    Rule(
        id="LAM-08",
        severity="high",
        controls=("CKV_AWS_45",),
        reason="Whoever may describe a function reads its environment.",
        allowed="names of resources; secrets are kept elsewhere",
        types=FUNCTION,
        wrong=_secrets,
    ),
    Rule(
        id="LAM-09",
        severity="medium",
        reason="A role for two may do what either needs: too much for both.",
        allowed="a role of its own",
        types=FUNCTION,
        wrong=_own_role,
    ),
    Rule(
        id="LAM-10",
        severity="medium",
        reason="One bad message sends a whole batch back, and a flood of files takes the account's concurrency.",
        allowed="partial failures and a maximum concurrency",
        types=("lambda.EventSourceMapping",),
        wrong=_consumption,
    ),
)
