"""Which channels of the contracts a stack can reach: plain data for the index, the subscriptions and the parameters."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from contracts.compiler.channels import Channel, Kind
from contracts.compiler.compile import CompiledContract

MOST_SUBSCRIPTIONS = 200
"""Filter policies of one topic (Amazon SNS developer guide, "Filter policy constraints", 2026-11)."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """The addresses that are subscribed, the Slack channels that have a webhook, and who hears of which dataset.

    `heard` is the least severity by the channel's id, by dataset, as the index of contracts has it.
    """

    addresses: tuple[Channel, ...]
    slack: tuple[str, ...]
    heard: Mapping[str, Mapping[str, str]]


def reach(contracts: Sequence[CompiledContract], webhooks: Collection[str]) -> Reach:
    """Find the channels that can be told: a Slack channel without a webhook in the settings cannot."""
    heard = {
        contract.name: {
            channel.id: str(least) for channel, least in sorted(contract.channels.items()) if _has(channel, webhooks)
        }
        for contract in contracts
    }
    found = {channel for contract in contracts for channel in contract.channels if _has(channel, webhooks)}
    return Reach(
        addresses=tuple(sorted(channel for channel in found if channel.kind is not Kind.SLACK)),
        slack=tuple(sorted(channel.address for channel in found if channel.kind is Kind.SLACK)),
        heard={dataset: channels for dataset, channels in heard.items() if channels},
    )


def _has(channel: Channel, webhooks: Collection[str]) -> bool:
    return channel.kind is not Kind.SLACK or channel.address in webhooks


def unreached(contracts: Sequence[CompiledContract], webhooks: Collection[str], stack: str) -> Iterator[str]:
    """Say which Slack channels of contracts have no webhook, and which webhook no contract names."""
    naming: dict[str, list[str]] = {}
    for contract in contracts:
        for channel in contract.channels:
            if channel.kind is Kind.SLACK:
                naming.setdefault(channel.address, []).append(contract.name)
    for name in sorted(naming.keys() - set(webhooks)):
        yield (
            f"nobody is told in the Slack channel {name} of {', '.join(naming[name])}: stack {stack} has no webhook "
            f"for it. Set one: pulumi config set --stack {stack} --secret --path "
            f"'data-pipeline:settings.monitoring.slack_webhooks.{name}'"
        )
    for name in sorted(set(webhooks) - naming.keys()):
        yield (
            f"data-pipeline:settings.monitoring.slack_webhooks.{name} is not used: no contract that stack {stack} "
            "deploys names that Slack channel in its support"
        )


def problems(contracts: Sequence[CompiledContract]) -> Iterator[str]:
    """Say when the contracts name more addresses than one topic can tell apart."""
    found = len({channel for contract in contracts for channel in contract.channels if channel.kind is not Kind.SLACK})
    # One policy more tells Slack's function what is for Slack.
    if found >= MOST_SUBSCRIPTIONS:
        yield (
            f"contracts: support and team name {found} addresses; allowed are {MOST_SUBSCRIPTIONS - 1}, by SNS's quota "
            "of filter policies. Give teams a shared address, or name one member of each"
        )
