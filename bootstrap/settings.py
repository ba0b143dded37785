"""The configuration of the bootstrap program: whom an account trusts, and which environments it holds."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import pulumi
from pydantic import Field, StringConstraints, model_validator

from config.model import AccountId, PolicyArn, Section
from config.violations import BrokenRulesError, Means, Violation, check, printable

Environment = Literal["dev", "staging", "prod"]
ProviderArn = Annotated[
    str,
    StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:oidc-provider/\S+$"),
    Means(
        "the ARN of an OIDC provider, like arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
    ),
]
# Since 2026-06-18 GitHub writes the ids of owner and repository into the subjects of new repositories, so that whoever
# takes a freed name is not trusted (GitHub changelog of 2026-04-23 and "OpenID Connect", 2026-11).
Subject = Annotated[
    str,
    StringConstraints(pattern=r"^repo:[\w.-]+(@\d+)?/[\w.-]+(@\d+)?$"),
    Means("repo:OWNER/REPO, or repo:OWNER@ID/REPO@ID"),
]


class EnvironmentSettings(Section):
    """What the deploy role of one environment may do beyond deploying."""

    may_destroy: bool = Field(
        default=False, strict=True, description="Whether the role may delete what holds data: buckets, ledger, key."
    )
    may_make_network: bool = Field(
        default=False,
        strict=True,
        description="Whether the role may make and delete a network of the pipeline's own: security.vpc of the stack.",
    )
    permissions_boundary_arn: PolicyArn | None = Field(
        default=None,
        description="The boundary that every role it makes must have, as in security.permissions_boundary_arn of the "
        "stack. Without one, who can deploy can make a role that may do anything.",
    )


class BootstrapSettings(Section):
    """One account."""

    account_id: AccountId = Field(description="The only account that this stack may be deployed to.")
    subject: Subject = Field(
        description="The repository, as a token's subject begins: repo:OWNER/REPO or repo:OWNER@ID/REPO@ID."
    )
    environments: dict[Environment, EnvironmentSettings] = Field(
        min_length=1, description="The environments that are deployed to this account."
    )
    reviews: bool = Field(
        default=False,
        strict=True,
        description="Whether pull requests get stacks of their own in this account, of dev's rules. Their code runs "
        "with a role that may destroy such stacks.",
    )
    oidc_provider_arn: ProviderArn | None = Field(
        default=None, description="GitHub's provider, if the account has one already; empty: it is made."
    )
    state_versions_expire_after_days: Annotated[int, Field(strict=True, ge=30, le=3_650)] = Field(
        default=365, description="How long an overwritten state can be brought back."
    )

    @model_validator(mode="after")
    def _prod_is_not_destroyed(self) -> Self:
        prod = self.environments.get("prod")
        if prod is not None and prod.may_destroy:
            allowed = "false: what holds prod's data is deleted by a person, with that person's own permissions"
            raise BrokenRulesError([Violation(key="environments.prod.may_destroy", value=True, allowed=allowed)])
        return self

    @model_validator(mode="after")
    def _reviews_are_of_dev_alone(self) -> Self:
        if self.reviews and set(self.environments) != {"dev"}:
            allowed = "false, but in an account that has dev and nothing else: a pull request's code runs there"
            raise BrokenRulesError([Violation(key="reviews", value=True, allowed=allowed)])
        return self


class SettingsError(Exception):
    """The stack file says something that is not allowed; the message lists all of it."""


def load() -> BootstrapSettings:
    """Read and check the current stack's settings.

    Raises:
        SettingsError: with every violation at once.
    """
    return parse(pulumi.Config("data-pipeline-bootstrap").get_object("settings"), f"Pulumi.{pulumi.get_stack()}.yaml")


def parse(raw: object, stack_file: str) -> BootstrapSettings:
    """Check `raw`, the value of ``data-pipeline-bootstrap:settings``.

    Raises:
        SettingsError: with every violation at once.
    """
    if not isinstance(raw, Mapping):
        raise SettingsError(f"{stack_file}: data-pipeline-bootstrap:settings is missing; see Pulumi.example.yaml")
    stand_ins: dict[str, Any] = {"account_id": "0" * 12, "subject": "repo:a/b", "environments": {"dev": {}}}
    violations, checked = check(BootstrapSettings, raw, stand_ins, {})
    if checked is None or violations:
        lines = [f"  {printable(v.key)} = {v.value!r}: allowed is {v.rule()}" for v in violations]
        raise SettingsError(f"{stack_file}: {len(lines)} settings cannot be used:\n" + "\n".join(lines))
    return checked
