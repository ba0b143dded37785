"""Who is told what becomes of a dataset: the channels of a contract's `support` and `team`, as plain data.

A channel hears of its least severity and of what is worse. The standard's `scope` says which that is, unless `notify`
among the channel's customProperties does; a member of the team is told only where `notify` says so, since SNS asks each
address for its consent by an e-mail.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from urllib.parse import unquote

from open_data_contract_standard.model import CustomProperty, OpenDataContractStandard, Support, Team, TeamMember
from pipeline_core.channels import SLACK, Severity

from config.addresses import EMAIL

NOTIFY = "notify"
"""The custom property of a channel or a member: the least severity that they hear of, or none."""

NOTHING = "none"
ALLOWED = f"allowed: {', '.join(Severity)}, {NOTHING}"

SCOPES: Mapping[str, Severity | None] = {
    "notifications": Severity.INFORMATION,
    "issues": Severity.WARNING,
    "interactive": None,
    "announcements": None,
}
"""By the standard's scope of a channel, the least severity that it hears of; None: people talk there, not programs."""

UNSCOPED = Severity.WARNING
"""What a channel hears of that has no scope, or one that the standard does not know."""

WEBHOOK = re.compile(r"hooks\.slack(-gov)?\.com", re.IGNORECASE)
SLACK_NAME = 80
"""Characters of a Slack channel's name (Slack API, conversations.create, 2026-11)."""

_DIGEST_CHARACTERS = 16


class Kind(StrEnum):
    """How a message gets to a channel; e-mail and HTTPS are protocols of SNS."""

    EMAIL = "email"
    HTTPS = "https"
    SLACK = "slack"


@dataclass(frozen=True, order=True)
class Channel:
    """Where people hear: an e-mail address in small letters, a URL, or a Slack channel by its name in the settings."""

    kind: Kind
    address: str

    @property
    def id(self) -> str:
        """What functions and filter policies know it by: an address is personal data, and stays in its subscription."""
        if self.kind is Kind.SLACK:
            return f"{SLACK}{self.address}"
        return f"{self.kind}:{hashlib.sha256(self.address.encode()).hexdigest()[:_DIGEST_CHARACTERS]}"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a contract's `support` and `team` come to: channels, what is wrong, and what is shown and not told."""

    channels: Mapping[Channel, Severity]
    problems: tuple[str, ...] = ()
    notices: tuple[tuple[str, str, str], ...] = ()
    """Field, reason, and where it stands."""


@dataclass(frozen=True)
class _Wrong:
    """Why nothing is sent; asked for by `notify`, it is a problem, else a notice."""

    reason: str


def told(contract: OpenDataContractStandard) -> Told:
    """Find the channels of a contract. One that is named twice hears of the lesser severity."""
    channels: dict[Channel, Severity] = {}
    problems: list[str] = []
    notices: list[tuple[str, str, str]] = []
    for where, item in _items(contract):
        of_team = isinstance(item, TeamMember)
        custom, field = item.customProperties or [], "team" if of_team else "support"
        wrong = [*_webhook_problems(item), *_notify_problems(custom)]
        problems += (f"{where}: {problem}" for problem in wrong)
        asked = _asked(custom)
        if wrong or asked == NOTHING or (of_team and asked is None):
            continue
        least = Severity(asked) if asked else _by_scope(item)
        found = _of_member(item) if isinstance(item, TeamMember) else _of_support(item, asked=asked is not None)
        if isinstance(found, _Wrong):
            if asked:
                problems.append(f"{where}: {found.reason}")
            elif least is not None:
                notices.append((field, found.reason, where))
        elif found is not None and least is None:
            reason = f"scope {item.scope} is where people talk" if isinstance(item, Support) else ""
            notices.append((field, f"{reason}: no message is sent there, unless {NOTIFY} says so", where))
        elif found is not None and least is not None:
            channels[found] = min(least, channels.get(found, least), key=list(Severity).index)
    return Told(channels=channels, problems=tuple(problems), notices=tuple(notices))


def _items(contract: OpenDataContractStandard) -> Iterator[tuple[str, Support | TeamMember]]:
    """Every channel, and every member who has not left, with where they stand."""
    for number, item in enumerate(contract.support or []):
        yield f"support.{number}", item
    team = contract.team
    members, place = (team.members or [], "team.members") if isinstance(team, Team) else (team or [], "team")
    for number, member in enumerate(members):
        if not member.dateOut:
            yield f"{place}.{number}", member


def _asked(custom: Sequence[CustomProperty]) -> str | None:
    return next((item.value for item in custom if item.property == NOTIFY), None)


def _notify_problems(custom: Sequence[CustomProperty]) -> Iterator[str]:
    for item in custom:
        if item.property == NOTIFY and item.value not in (*Severity, NOTHING):
            yield f"{NOTIFY}: {item.value!r}; {ALLOWED}"
        elif item.property != NOTIFY and get_close_matches((item.property or "").lower(), [NOTIFY], cutoff=0.8):
            yield f"customProperties ({item.property}): unknown; {NOTIFY} is meant?"
    if sum(item.property == NOTIFY for item in custom) > 1:
        yield f"{NOTIFY}: more than once; write it once"


def _webhook_problems(item: Support | TeamMember) -> Iterator[str]:
    """A webhook is a key to a channel, and the contract is read by many; as `https`, Slack would never confirm it."""
    texts = (item.channel, item.url, item.invitationUrl) if isinstance(item, Support) else (item.username,)
    if any(WEBHOOK.search(text or "") for text in texts):
        yield (
            "it has a Slack webhook, which lets whoever reads it write into the channel. Revoke it, and name the "
            "channel instead (tool: slack); the new webhook is a secret of the stack's settings, "
            "monitoring.slack_webhooks (docs/deployment.md)"
        )


def _by_scope(item: Support | TeamMember) -> Severity | None:
    return SCOPES.get((item.scope or "").lower(), UNSCOPED) if isinstance(item, Support) else None


def _of_member(member: TeamMember) -> Channel | _Wrong:
    address = _email(member.username)
    return address or _Wrong(f"username: {member.username!r} is no e-mail address, to which {NOTIFY} would send")


def _of_support(support: Support, *, asked: bool) -> Channel | _Wrong | None:
    """Find where a channel is; None: it is a page to look at, which nobody asked to send anything to."""
    tool, url = (support.tool or "").lower(), (support.url or "").strip()
    if tool == Kind.SLACK:
        name = slack_name(support.channel or "")
        if name:
            return Channel(Kind.SLACK, name)
        return _Wrong(f"channel: {support.channel!r}; a letter a-z or a digit is needed in a Slack channel's name")
    if (address := _email(url) or (_email(support.channel) if tool in ("", Kind.EMAIL) else None)) is not None:
        return address
    if tool == Kind.EMAIL:
        return _Wrong("no e-mail address; allowed is url: mailto:<address>, or the address as channel")
    if tool not in ("", "other", Kind.HTTPS):
        return _Wrong(
            f"tool {support.tool}: no message is sent there; allowed are slack, email, and tool: other with {NOTIFY} "
            "and an https:// url that takes messages of Amazon SNS"
        )
    if url.lower().startswith("https://"):
        return Channel(Kind.HTTPS, url) if asked else None
    return _Wrong(
        f"no address: url is {support.url!r}; allowed are mailto:..., https://... with {NOTIFY}, or tool: slack"
    )


def slack_name(channel: str) -> str:
    """Write a Slack channel's name as the stack's settings have it: `#Data Alerts` is `data-alerts`."""
    return re.sub(r"[^a-z0-9_-]+", "-", channel.lower()).strip("-")[:SLACK_NAME]


def _email(text: str | None) -> Channel | None:
    address = unquote((text or "").strip().removeprefix("mailto:").partition("?")[0]).lower()
    return Channel(Kind.EMAIL, address) if re.fullmatch(EMAIL, address, re.ASCII) else None
