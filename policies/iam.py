"""Roles, trust, and every policy document: who may do what, on whose behalf."""

import re
from collections.abc import Iterable

from policies.documents import allows, bound, is_public, listed, services, statements
from policies.model import Program, Resource, Rule, must, shown

# What binds a service principal; CloudWatch Logs sends its own context instead of a source.
SOURCE_KEYS = ("aws:SourceArn", "aws:SourceAccount")
# The sum of a role's inline policies, without white space.
INLINE_POLICY_CHARACTERS = 10_240
ADMINISTRATION = ("iam", "organizations", "sts", "account", "sso")
# Resources that name nothing: all of a service, or all names of a kind.
VAGUE = re.compile(r"arn:[^:]*:[^:]*:[^:]*:[^:]*:(\*|[a-z-]+[:/]\*)")
DOCUMENTS = ("iam.RolePolicy", "iam.Role", "s3.BucketPolicy", "sqs.QueuePolicy", "sns.TopicPolicy", "kms.Key")


def _actions(policy: Resource) -> Iterable[str]:
    return (str(action) for statement in allows(policy, "policy") for action in listed(statement.get("Action")))


def _whole_service(policy: Resource, program: Program) -> Iterable[str]:
    return [f"it may {action}" for action in _actions(policy) if action == "*" or action.endswith(":*")]


def _partial(policy: Resource, program: Program) -> Iterable[str]:
    return [f"it may {a}" for a in _actions(policy) if "*" in a and a != "*" and not a.endswith(":*")]


def _everything(policy: Resource, program: Program) -> Iterable[str]:
    for statement in allows(policy, "policy"):
        if "*" in listed(statement.get("Resource")):
            for action in listed(statement.get("Action")):
                yield from must(action in program.unscoped_actions, f"it may {action} on everything")


def _vague(policy: Resource, program: Program) -> Iterable[str]:
    resources = {str(arn) for statement in allows(policy, "policy") for arn in listed(statement.get("Resource"))}
    return [f"it is about {arn}" for arn in sorted(resources) if VAGUE.fullmatch(arn)]


def _negations(resource: Resource, program: Program) -> Iterable[str]:
    names = ("NotAction", "NotResource", "NotPrincipal")
    return [f"it says {name}" for statement in statements(resource) for name in names if name in statement]


def _managed(role: Resource, program: Program) -> Iterable[str]:
    arns = role.inputs.get("managedPolicyArns")
    return must(not arns, f"it has the managed policies {shown(arns)}")


def _administration(policy: Resource, program: Program) -> Iterable[str]:
    return [f"it may {action}" for action in _actions(policy) if action.split(":")[0] in ADMINISTRATION]


def _confused_deputy(resource: Resource, program: Program) -> Iterable[str]:
    for statement in allows(resource):
        for service in services(statement):
            yield from must(bound(statement, *SOURCE_KEYS), f"{service} may act for anyone's resource")


def _trust(role: Resource, program: Program) -> Iterable[str]:
    found = list(allows(role, "assumeRolePolicy"))
    one = len(found) == 1 and len(services(found[0])) == 1 and set(found[0]["Principal"]) == {"Service"}
    yield from must(one, f"it trusts {shown([statement.get('Principal') for statement in found])}")
    for statement in found:
        yield from must(not is_public(statement), "it trusts everyone")


def _size(role: Resource, program: Program) -> Iterable[str]:
    policies = program.about("iam.RolePolicy", "role", role.outputs.get("name"))
    size = sum(len(re.sub(r"\s", "", policy.inputs.get("policy", ""))) for policy in policies)
    yield from must(policies, "it has no policy")
    yield from must(size <= INLINE_POLICY_CHARACTERS, f"its policies have {size} characters")


def _exists(resource: Resource, program: Program) -> Iterable[str]:
    return [f"a {resource.type} is declared"]


def _via(policy: Resource, program: Program) -> Iterable[str]:
    for statement in allows(policy, "policy"):
        if any(str(action).startswith("kms:") for action in listed(statement.get("Action"))):
            yield from must(bound(statement, "kms:ViaService"), f"it may {shown(statement.get('Action'))} directly")


POLICY, ROLE = ("iam.RolePolicy",), ("iam.Role",)
RULES = (
    Rule(
        id="IAM-01",
        severity="high",
        controls=("IAM.1", "IAM.21", "AwsSolutions-IAM5"),
        reason="Whatever AWS adds to a service tomorrow would be allowed too.",
        allowed="actions by name",
        types=POLICY,
        wrong=_whole_service,
    ),
    Rule(
        id="IAM-02",
        severity="medium",
        controls=("AwsSolutions-IAM5",),
        reason="A wildcard in an action allows more than was thought of.",
        allowed="actions by name",
        types=POLICY,
        wrong=_partial,
    ),
    Rule(
        id="IAM-03",
        severity="high",
        controls=("AwsSolutions-IAM5",),
        reason="On everything means on the neighbour's data as well.",
        allowed="named resources; everything only for actions that know none (UNSCOPED_ACTIONS)",
        types=POLICY,
        wrong=_everything,
    ),
    Rule(
        id="IAM-04",
        severity="medium",
        controls=("AwsSolutions-IAM5",),
        reason="All buckets, or all tables, is everything in other words.",
        allowed="a name, or a pattern that begins with one",
        types=POLICY,
        wrong=_vague,
    ),
    Rule(
        id="IAM-05",
        severity="high",
        reason="Everything but something grows with every service of AWS.",
        allowed="Action, Resource and Principal",
        types=DOCUMENTS,
        wrong=_negations,
    ),
    Rule(
        id="IAM-06",
        severity="medium",
        controls=("AwsSolutions-IAM4",),
        reason="AWS's managed policies are written for everyone, and change without notice.",
        allowed="one inline policy",
        types=ROLE,
        wrong=_managed,
    ),
    Rule(
        id="IAM-07",
        severity="medium",
        controls=("AwsSolutions-IAM4",),
        reason="A policy that is attached from elsewhere is not seen where the role is read.",
        allowed="one inline policy",
        types=("iam.RolePolicyAttachment", "iam.PolicyAttachment", "iam.RolePoliciesExclusive"),
        wrong=_exists,
        forbids=True,
    ),
    Rule(
        id="IAM-08",
        severity="high",
        controls=("IAM.1",),
        reason="Who may change permissions, or take another role, may do everything.",
        allowed="no action of " + ", ".join(ADMINISTRATION),
        types=POLICY,
        wrong=_administration,
    ),
    Rule(
        id="IAM-09",
        severity="high",
        reason="A service acts for all its customers: unbound, it would use our role for another's resource.",
        allowed="aws:SourceArn or aws:SourceAccount",
        types=DOCUMENTS,
        wrong=_confused_deputy,
    ),
    Rule(
        id="IAM-10",
        severity="high",
        reason="A role has one user. Two of them share their permissions, and a person does without logs.",
        allowed="exactly one service",
        types=ROLE,
        wrong=_trust,
    ),
    Rule(
        id="IAM-11",
        severity="medium",
        reason="A role without a policy does nothing; over IAM's limit the deployment fails half way.",
        allowed=f"at most {INLINE_POLICY_CHARACTERS} characters, and one at least",
        types=ROLE,
        wrong=_size,
    ),
    Rule(
        id="IAM-12",
        severity="high",
        controls=("IAM.2",),
        reason="Users have keys that do not expire; nothing here needs one.",
        allowed="roles",
        types=("iam.User", "iam.AccessKey", "iam.Group", "iam.UserPolicy"),
        wrong=_exists,
        forbids=True,
    ),
    Rule(
        id="IAM-13",
        severity="medium",
        controls=("KMS.2",),
        reason="Who may decrypt directly needs no permission on the data any more.",
        allowed="kms:ViaService",
        types=POLICY,
        wrong=_via,
    ),
)
