"""One account, ready for deployments: the state's bucket and key, GitHub's provider, and the roles of its jobs."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import InvokeOptions, Output, ResourceOptions

from bootstrap import network, permissions
from bootstrap.network import Statement
from bootstrap.permissions import Account
from bootstrap.settings import BootstrapSettings, Environment
from components.storage import lifecycle
from components.storage.zone import Zone, ZoneArgs
from policies.model import Waiver

ISSUER = "https://token.actions.githubusercontent.com"
PREVIEW = "preview"
"""The GitHub environment of jobs that only look."""

SESSION_SECONDS = 90 * 60
"""As long as the job of a deployment may take (.github/workflows/stack.yml), and no longer."""

WAIVERS = (
    Waiver(
        rule="IAM-08",
        resource="delivery-deploy-*",
        reason="A deployment makes roles. They are bound to names that its own role does not have, and to a boundary.",
    ),
    Waiver(
        rule="IAM-04",
        resource="delivery-*",
        wrong="it is about arn:aws:kms:*:key/*",
        reason="AWS makes up the names of keys: the statements are bound to the environment's by their tags.",
    ),
    Waiver(
        rule="IAM-04",
        resource="delivery-*",
        wrong="it is about arn:aws:lambda:*:event-source-mapping:*",
        reason="AWS makes up the names of mappings: changes are bound to those of the pipeline's functions.",
    ),
    Waiver(
        rule="IAM-07",
        resource="delivery-*",
        reason="What a deployment may do, action by action, is longer than an inline policy can be; each "
        "policy has one role.",
    ),
    Waiver(
        rule="IAM-11",
        resource="delivery-*",
        reason="Its policies are managed ones, for the same reason; a test compares them with the limit of those.",
    ),
    Waiver(
        rule="IAM-08",
        resource="delivery-preview-*",
        wrong="it may iam:*",
        reason="It reads the roles that a deployment made, to compare them with the program; it changes none.",
    ),
    Waiver(
        rule="IAM-10",
        resource="delivery-*",
        reason="GitHub's jobs come by a token of GitHub's, not as a service: bound to one repository and environment.",
    ),
    Waiver(
        rule="IAM-13",
        resource="delivery-*",
        reason="Pulumi decrypts a stack's secrets itself: the encryption context binds them to the environment.",
    ),
    Waiver(
        rule="S3-11",
        resource="delivery-state",
        reason="CloudTrail's data events, which are the account's to switch on, name the role of every access.",
    ),
)


class BootstrappedAccount(pulumi.ComponentResource):
    """An account that GitHub's jobs of one repository can deploy to, each environment with a role of its own."""

    def __init__(self, name: str, settings: BootstrapSettings, opts: ResourceOptions | None = None) -> None:
        super().__init__("bootstrap:account:BootstrappedAccount", name, None, opts)
        self._name, self._settings = name, settings
        region = pulumi.Config("aws").require("region")
        provider = aws.Provider(
            f"{name}-aws",
            region=region,
            allowed_account_ids=[settings.account_id],
            default_tags={"tags": {"Project": "data-pipeline-bootstrap", "ManagedBy": "pulumi"}},
            opts=ResourceOptions(parent=self),
        )
        self._child = ResourceOptions(parent=self, provider=provider)
        partition = aws.get_partition(opts=InvokeOptions(parent=self, provider=provider)).partition
        self._key, self._alias = self._make_key(partition)
        self._state = self._make_state()
        github = settings.oidc_provider_arn or self._make_provider().arn
        self._known = Output.all(github=github, bucket=self._state.bucket.arn, key=self._key.arn).apply(
            lambda known: (
                known["github"],
                Account(
                    partition=partition,
                    region=region,
                    id=settings.account_id,
                    state_bucket_arn=known["bucket"],
                    key_arn=known["key"],
                ),
            )
        )
        self._deploy_roles = {environment: self._deploy_role(environment) for environment in settings.environments}
        environments = list(settings.environments)
        networks = [name for name, given in settings.environments.items() if given.may_make_network]
        self._preview_role = self._make_role(
            f"{name}-preview",
            PREVIEW,
            lambda account: permissions.preview_policies(account, environments, networks),
            more=[network.PART] if networks else [],
        )
        self._review_role = self._make_review_role() if settings.reviews else None
        self._region = region
        self.register_outputs({})

    def outputs(self) -> dict[str, Any]:
        """Say what the repository's settings in GitHub and `pulumi stack init` need to know."""
        review = self._review_role
        return {
            "backend_url": Output.concat("s3://", self._state.bucket.bucket, "?region=", self._region),
            "deploy_roles": {environment: role.arn for environment, role in self._deploy_roles.items()},
            "preview_role": self._preview_role.arn,
            "secrets_providers": {
                environment: permissions.secrets_provider(self._alias, self._region, environment)
                for environment in (*self._settings.environments, *([permissions.REVIEW] if review else []))
            },
            **({"review_role": review.arn} if review else {}),
        }

    def _make_key(self, partition: str) -> tuple[aws.kms.Key, str]:
        root = f"arn:{partition}:iam::{self._settings.account_id}:root"
        # IAM decides: without it nobody could use the key, or ever change it.
        statement: Statement = {
            "Sid": "AccountDecidesByIam",
            "Effect": "Allow",
            "Principal": {"AWS": root},
            "Action": "kms:*",
            "Resource": "*",
        }
        key = aws.kms.Key(
            f"{self._name}-key",
            description="State and secrets of Pulumi's stacks",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            policy=permissions.document([statement]),
            opts=ResourceOptions.merge(self._child, ResourceOptions(protect=True, retain_on_delete=True)),
        )
        alias = f"alias/{self._name}-state"
        aws.kms.Alias(f"{self._name}-key-alias", name=alias, target_key_id=key.key_id, opts=self._child)
        return key, alias

    def _make_state(self) -> Zone:
        rule = lifecycle.housekeeping(self._settings.state_versions_expire_after_days)
        args = ZoneArgs(kms_key_arn=self._key.arn, lifecycle=[rule], allow_destroy=False)
        return Zone(f"{self._name}-state", args, self._child)

    def _make_provider(self) -> aws.iam.OpenIdConnectProvider:
        # AWS trusts GitHub by its own list of authorities: no thumbprint to keep up to date.
        return aws.iam.OpenIdConnectProvider(
            f"{self._name}-github", url=ISSUER, client_id_lists=["sts.amazonaws.com"], opts=self._child
        )

    def _deploy_role(self, environment: Environment) -> aws.iam.Role:
        given = self._settings.environments[environment]
        policies = partial(
            permissions.deploy_policies,
            environment=environment,
            may_destroy=given.may_destroy,
            may_make_network=given.may_make_network,
            boundary_arn=given.permissions_boundary_arn,
        )
        parts = [network.PART] if given.may_make_network else []
        return self._make_role(f"{self._name}-deploy-{environment}", environment, policies, more=parts)

    def _make_review_role(self) -> aws.iam.Role:
        boundary = self._settings.environments["dev"].permissions_boundary_arn
        return self._make_role(
            f"{self._name}-deploy-{permissions.REVIEW}",
            permissions.REVIEW,
            lambda account: permissions.review_policies(account, boundary),
            more=[permissions.SAMPLES],
        )

    def _make_role(
        self,
        name: str,
        environment: str,
        policies: Callable[[Account], dict[str, list[Statement]]],
        *,
        more: Sequence[str],
    ) -> aws.iam.Role:
        """Make a role and its policies: a document for each of the usual parts, and for those that it has besides."""
        subject = self._settings.subject
        role = aws.iam.Role(
            name,
            name=name,
            description=f"Jobs of the GitHub environment {environment}",
            assume_role_policy=self._known.apply(lambda known: permissions.trust(known[0], subject, environment)),
            max_session_duration=SESSION_SECONDS,
            opts=self._child,
        )
        documents = self._known.apply(
            lambda known: {part: permissions.document(found) for part, found in policies(known[1]).items()}
        )
        for part in (*permissions.PARTS, *more):
            policy = aws.iam.Policy(f"{name}-{part}", name=f"{name}-{part}", policy=documents[part], opts=self._child)
            aws.iam.RolePolicyAttachment(f"{name}-{part}", role=role.name, policy_arn=policy.arn, opts=self._child)
        return role
