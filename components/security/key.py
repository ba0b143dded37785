"""The environment's key, and the shape of every role."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from components.security.iam import Location, Statement, allow_service, document
from policies.model import Waiver

WAIVERS = (
    Waiver(
        rule="IAM-09",
        resource="data-pipeline-key",
        wrong="logs.*",
        reason="CloudWatch Logs sends no source; the log group in the encryption context binds it to the account.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class EncryptionKeyArgs:
    """What the key must know."""

    alias: str
    location: Location
    deletion_window_days: int
    allow_destroy: bool


class EncryptionKey(pulumi.ComponentResource):
    """One rotating key that encrypts everything of the environment, usable by named services only.

    Example:
        key = EncryptionKey(
            "key", EncryptionKeyArgs(alias="lake", location=location, deletion_window_days=30, allow_destroy=False)
        )
        role_statements = [key.use("s3"), key.decrypt("sqs")]
    """

    key: aws.kms.Key

    def __init__(self, name: str, args: EncryptionKeyArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("pipeline:security:EncryptionKey", name, None, opts)
        child = ResourceOptions(parent=self)
        keep = not args.allow_destroy
        self._location = args.location
        self.key = aws.kms.Key(
            name,
            description="Data, logs and messages of the data pipeline",
            enable_key_rotation=True,
            deletion_window_in_days=args.deletion_window_days,
            policy=document(_key_statements(args.location)),
            opts=ResourceOptions(parent=self, protect=keep, retain_on_delete=keep),
        )
        aws.kms.Alias(f"{name}-alias", name=f"alias/{args.alias}", target_key_id=self.key.key_id, opts=child)
        self.register_outputs({"arn": self.key.arn})

    def use(self, *services: str) -> Statement:
        """Let a role read and write what `services` encrypt for it, and only by way of them."""
        return self._use(["kms:Decrypt", "kms:GenerateDataKey"], services)

    def decrypt(self, *services: str) -> Statement:
        """Let a role read what `services` encrypted for it."""
        return self._use(["kms:Decrypt"], services)

    def use_for_table(self) -> Statement:
        """Let a role reach an encrypted DynamoDB table: DynamoDB asks for more than S3 does."""
        verbs = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext")
        actions = [f"kms:{verb}" for verb in (*verbs, "ReEncryptFrom", "ReEncryptTo")]
        return self._use(actions, ["dynamodb"])

    def _use(self, actions: Sequence[str], services: Sequence[str]) -> Statement:
        via = [Output.concat(service, ".", self._location.region, ".amazonaws.com") for service in services]
        return {
            "Effect": "Allow",
            "Action": list(actions),
            "Resource": [self.key.arn],
            "Condition": {"StringEquals": {"kms:ViaService": via}},
        }


def _key_statements(location: Location) -> list[Statement]:
    """Name the services that need the key. In a key policy, the resource "*" is the key itself."""

    def uses(title: str, service: str, source_arn: Output[str]) -> Statement:
        actions = ["kms:Decrypt", "kms:GenerateDataKey*"]
        return allow_service(title, f"{service}.amazonaws.com", actions, "*", location.account, [source_arn])

    return [
        {
            # Without it, IAM policies grant nothing and nobody could ever change the key.
            "Sid": "AccountDecidesByIam",
            "Effect": "Allow",
            "Principal": {"AWS": Output.concat("arn:", location.partition, ":iam::", location.account, ":root")},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Sid": "LogGroupsOfTheAccount",
            "Effect": "Allow",
            "Principal": {"Service": Output.concat("logs.", location.region, ".amazonaws.com")},
            "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            "Resource": "*",
            # CloudWatch Logs sends no source account; the log group is in the encryption context.
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": location.arn("logs", "log-group:*")}},
        },
        # Not for topics: there EventBridge sends no source, and a condition on it shuts EventBridge out.
        uses("EventBridgeToEncryptedQueues", "events", location.arn("events", "rule/*")),
        uses("AlarmsToEncryptedTopic", "cloudwatch", location.arn("cloudwatch", "alarm:*")),
        uses("BudgetsToEncryptedTopic", "budgets", location.global_arn("budgets", "*")),
        # What a subscriber did not take is left in an encrypted queue by SNS itself.
        uses("TopicsToEncryptedDeadLetters", "sns", location.arn("sns", "*")),
    ]
