"""What sets what in motion, as a diagram: from the rules, event sources and permissions that the program declares."""

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ops.pages.programs import declared
from recording.program import DeclaredResource, short_type

STACK = "prod"
# Which actions in a role's policy mean that it sets something in motion, by what is said at the arrow.
_MOVES = {
    "states:StartExecution": "starts",
    "lambda:InvokeFunction": "calls",
    "glue:StartJobRun": "runs",
    "glue:StartCrawler": "runs",
    "sns:Publish": "tells",
    "events:PutEvents": "tells",
    "athena:StartQueryExecution": "asks",
}
_SHAPES = {
    "s3.Bucket": '[("{}")]',
    "sqs.Queue": '[["{}"]]',
    "lambda.Function": '{{{{"{}"}}}}',
    "sns.Topic": '(["{}"])',
    "cloudwatch.EventBus": '(["{}"])',
}
_KINDS = {
    "s3.Bucket": "bucket",
    "sqs.Queue": "queue",
    "lambda.Function": "function",
    "sns.Topic": "topic",
    "cloudwatch.EventBus": "event bus",
    "sfn.StateMachine": "workflow",
    "glue.Job": "Glue job",
    "glue.Crawler": "crawlers",
    "athena.Workgroup": "Athena workgroup",
}
_BOX = '["{}"]'
_SCHEDULE = "schedule"

Arrow = tuple[str, str, str]


def diagram() -> str:
    """Draw what the program connects; the crawlers, one for each dataset, are one box."""
    return "\n".join(["```mermaid", *mermaid(declared(STACK).resources), "```"])


def mermaid(resources: Sequence[DeclaredResource]) -> Iterator[str]:
    """Write the connections of a program as a flowchart."""
    known = {arn: one for one in resources for arn in _arns(one)}
    arrows = sorted(set(_arrows(resources, known)))
    ends = {end for source, target, _ in arrows for end in (source, target)}
    nodes = {_id(one): one for one in known.values()}
    yield "flowchart LR"
    for name in sorted(ends - {_SCHEDULE}):
        shape = _SHAPES.get(short_type(nodes[name].type), _BOX)
        yield f"  {name}{shape.format(_label(nodes[name]))}"
    yield f'  {_SCHEDULE}(["{_SCHEDULE}"])'
    for source, target, label in arrows:
        yield f'  {source} -->|"{label}"| {target}'


def _arrows(resources: Sequence[DeclaredResource], known: Mapping[str, DeclaredResource]) -> Iterator[Arrow]:
    rules = {one.outputs["name"]: one for one in resources if short_type(one.type) == "cloudwatch.EventRule"}
    roles = {one.outputs["name"]: one for one in resources if short_type(one.type) == "iam.Role"}
    for one in resources:
        kind = short_type(one.type)
        if kind == "cloudwatch.EventTarget":
            yield from _rule(rules[one.inputs["rule"]], known[one.inputs["arn"]], known)
        elif kind == "lambda.EventSourceMapping":
            function = next(f for f in known.values() if f.outputs.get("name") == one.inputs["functionName"])
            yield _id(known[one.inputs["eventSourceArn"]]), _id(function), "hands messages to"
        elif kind == "iam.RolePolicy":
            user = _user(roles[one.inputs["role"]], resources)
            if user is not None:
                yield from ((_id(user), target, label) for target, label in _moved(one.json("policy"), known))


def _rule(rule: DeclaredResource, target: DeclaredResource, known: Mapping[str, DeclaredResource]) -> Iterator[Arrow]:
    """Draw what a rule hands on: a schedule's ticks, or the events of what its pattern names."""
    if "scheduleExpression" in rule.inputs:
        yield _SCHEDULE, _id(target), rule.inputs["scheduleExpression"]
        return
    pattern = rule.json("eventPattern")
    named = list(_texts(pattern["detail"]))
    ends = ", ".join(sorted(pattern["detail"].get("status", pattern["detail"].get("state", []))))
    label = pattern["detail-type"][0] if not ends else "ends" if "SUCCEEDED" in ends else ends
    for source in {
        _id(one): one for arn, one in known.items() if any(_names(text, arn, one) for text in named)
    }.values():
        yield _id(source), _id(target), label


def _names(text: str, arn: str, one: DeclaredResource) -> bool:
    prefix = one.type.endswith(":Crawler") and text.endswith("_") and one.outputs["name"].startswith(text)
    return text == arn or prefix or (text == one.outputs.get("name", one.outputs.get("bucket")))


def _moved(policy: Mapping[str, Any], known: Mapping[str, DeclaredResource]) -> Iterator[tuple[str, str]]:
    for statement in policy["Statement"]:
        labels = {_MOVES[action] for action in statement["Action"] if action in _MOVES}
        for pattern in statement["Resource"] if labels and isinstance(statement["Resource"], list) else []:
            # All crawlers of a stack are one pattern, and one box.
            for target in sorted({_id(one) for arn, one in known.items() if fnmatchcase(arn, pattern)}):
                yield target, sorted(labels)[0]


def _user(role: DeclaredResource, resources: Sequence[DeclaredResource]) -> DeclaredResource | None:
    keys = ("role", "roleArn")
    ids = {role.outputs["arn"], role.outputs["name"]}
    return next((one for one in resources if any(one.inputs.get(key) in ids for key in keys) and _arns(one)), None)


def _arns(one: DeclaredResource) -> list[str]:
    return [one.outputs["arn"]] if short_type(one.type) in _KINDS and "arn" in one.outputs else []


def _id(one: DeclaredResource) -> str:
    if short_type(one.type) == "glue.Crawler":
        return "crawlers"
    return (
        re.sub(r"\W", "_", one.name.removeprefix("data-pipeline-")) + "_" + short_type(one.type).split(".")[1].lower()
    )


def _label(one: DeclaredResource) -> str:
    kind = _KINDS[short_type(one.type)]
    return kind if kind == "crawlers" else f"{one.name.removeprefix('data-pipeline-')}<br/>{kind}"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        yield from (text for inner in (value.values() if isinstance(value, dict) else value) for text in _texts(inner))
