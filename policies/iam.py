"""Roles, trust, and every policy document: who may do what, on whose behalf."""

import re
from collections.abc import Iterable

from policies.documents import allows, bound, is_public, listed, services, statements
from policies.model import Program, Resource, must, rule, shown

# What binds a service principal; CloudWatch Logs sends its own context instead of a source.
SOURCE_KEYS = ("aws:SourceArn", "aws:SourceAccount")
# The sum of a role's inline policies, without white space.
INLINE_POLICY_CHARACTERS = 10_240
ADMINISTRATION = ("iam", "organizations", "sts", "account", "sso")
# Resources that name nothing: all of a service, or all names of a kind.
VAGUE = re.compile(r"arn:[^:]*:[^:]*:[^:]*:[^:]*:(\*|[a-z-]+[:/]\*)")
DOCUMENTS = ("iam.RolePolicy", "iam.Role", "s3.BucketPolicy", "sqs.QueuePolicy", "sns.TopicPolicy", "kms.Key")
POLICY, ROLE = ("iam.RolePolicy",), ("iam.Role",)


def _actions(policy: Resource) -> Iterable[str]:
    return (str(action) for statement in allows(policy, "policy") for action in listed(statement.get("Action")))


@rule("IAM-01", "high", POLICY, "actions by name", "IAM.1", "IAM.21", "AwsSolutions-IAM5")
def whole_service(policy: Resource, program: Program) -> Iterable[str]:
    """Whatever AWS adds to a service tomorrow would be allowed too."""
    return [f"it may {action}" for action in _actions(policy) if action == "*" or action.endswith(":*")]


@rule("IAM-02", "medium", POLICY, "actions by name", "AwsSolutions-IAM5")
def partial(policy: Resource, program: Program) -> Iterable[str]:
    """A wildcard in an action allows more than was thought of."""
    return [f"it may {a}" for a in _actions(policy) if "*" in a and a != "*" and not a.endswith(":*")]


@rule(
    "IAM-03",
    "high",
    POLICY,
    "named resources; everything only for actions that know none (UNSCOPED_ACTIONS)",
    "AwsSolutions-IAM5",
)
def everything(policy: Resource, program: Program) -> Iterable[str]:
    """On everything means on the neighbour's data as well."""
    for statement in allows(policy, "policy"):
        if "*" in listed(statement.get("Resource")):
            for action in listed(statement.get("Action")):
                yield from must(action in program.unscoped_actions, f"it may {action} on everything")


@rule("IAM-04", "medium", POLICY, "a name, or a pattern that begins with one", "AwsSolutions-IAM5")
def vague(policy: Resource, program: Program) -> Iterable[str]:
    """All buckets, or all tables, is everything in other words."""
    resources = {str(arn) for statement in allows(policy, "policy") for arn in listed(statement.get("Resource"))}
    return [f"it is about {arn}" for arn in sorted(resources) if VAGUE.fullmatch(arn)]


@rule("IAM-05", "high", DOCUMENTS, "Action, Resource and Principal")
def negations(resource: Resource, program: Program) -> Iterable[str]:
    """Everything but something grows with every service of AWS."""
    names = ("NotAction", "NotResource", "NotPrincipal")
    return [f"it says {name}" for statement in statements(resource) for name in names if name in statement]


@rule("IAM-06", "medium", ROLE, "one inline policy", "AwsSolutions-IAM4")
def managed(role: Resource, program: Program) -> Iterable[str]:
    """AWS's managed policies are written for everyone, and change without notice."""
    arns = role.inputs.get("managedPolicyArns")
    return must(not arns, f"it has the managed policies {shown(arns)}")


@rule(
    "IAM-07",
    "medium",
    ("iam.RolePolicyAttachment", "iam.PolicyAttachment", "iam.RolePoliciesExclusive"),
    "one inline policy",
    "AwsSolutions-IAM4",
    forbids=True,
)
def attached(resource: Resource, program: Program) -> Iterable[str]:
    """A policy that is attached from elsewhere is not seen where the role is read."""
    return [f"a {resource.type} is declared"]


@rule("IAM-08", "high", POLICY, "no action of " + ", ".join(ADMINISTRATION), "IAM.1")
def administration(policy: Resource, program: Program) -> Iterable[str]:
    """Who may change permissions, or take another role, may do everything."""
    return [f"it may {action}" for action in _actions(policy) if action.split(":")[0] in ADMINISTRATION]


@rule("IAM-09", "high", DOCUMENTS, "aws:SourceArn or aws:SourceAccount")
def confused_deputy(resource: Resource, program: Program) -> Iterable[str]:
    """A service acts for all its customers: unbound, it would use our role for another's resource."""
    for statement in allows(resource):
        for service in services(statement):
            yield from must(bound(statement, *SOURCE_KEYS), f"{service} may act for anyone's resource")


@rule("IAM-10", "high", ROLE, "exactly one service")
def trust(role: Resource, program: Program) -> Iterable[str]:
    """A role has one user. Two of them share their permissions, and a person does without logs."""
    found = list(allows(role, "assumeRolePolicy"))
    one = len(found) == 1 and len(services(found[0])) == 1 and set(found[0]["Principal"]) == {"Service"}
    yield from must(one, f"it trusts {shown([statement.get('Principal') for statement in found])}")
    for statement in found:
        yield from must(not is_public(statement), "it trusts everyone")


@rule("IAM-11", "medium", ROLE, f"at most {INLINE_POLICY_CHARACTERS} characters, and one at least")
def policy_size(role: Resource, program: Program) -> Iterable[str]:
    """A role without a policy does nothing; over IAM's limit the deployment fails half way."""
    policies = program.about("iam.RolePolicy", "role", role.outputs.get("name"))
    size = sum(len(re.sub(r"\s", "", policy.inputs.get("policy", ""))) for policy in policies)
    yield from must(policies, "it has no policy")
    yield from must(size <= INLINE_POLICY_CHARACTERS, f"its policies have {size} characters")


@rule("IAM-12", "high", ("iam.User", "iam.AccessKey", "iam.Group", "iam.UserPolicy"), "roles", "IAM.2", forbids=True)
def users(resource: Resource, program: Program) -> Iterable[str]:
    """Users have keys that do not expire; nothing here needs one."""
    return [f"a {resource.type} is declared"]


@rule("IAM-13", "medium", POLICY, "kms:ViaService", "KMS.2")
def via(policy: Resource, program: Program) -> Iterable[str]:
    """Who may decrypt directly needs no permission on the data any more."""
    for statement in allows(policy, "policy"):
        if any(str(action).startswith("kms:") for action in listed(statement.get("Action"))):
            yield from must(bound(statement, "kms:ViaService"), f"it may {shown(statement.get('Action'))} directly")
