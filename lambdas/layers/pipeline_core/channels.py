"""Who hears of what: severities, and the channels of datasets as the index of contracts has them. No AWS in here.

The program writes the channels of all datasets into the index of contracts, by ids that are no addresses, and
subscribes each address once, with a filter policy for its id (`components.messaging.owners`). So a function knows ids
only, and a policy has one value, however many datasets an address hears of: SNS takes 150 combinations of values in a
filter policy, and 200 policies a topic (Amazon SNS developer guide, "Filter policy constraints", 2026-11).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pipeline_core.fields import DocumentError, Fields

SLACK = "slack:"
"""How the id of a Slack channel begins; the rest is its name in the stack's settings."""


class Severity(StrEnum):
    """How much something concerns a dataset's people; the later ones are worse."""

    INFORMATION = "information"
    WARNING = "warning"
    CRITICAL = "critical"

    def reaches(self, least: "Severity") -> bool:
        """Whether it is as bad as a channel's least severity, or worse."""
        order = list(Severity)
        return order.index(self) >= order.index(least)


SEVERITIES: Mapping[str, Severity] = {
    # Nothing to do.
    "PUBLISHED": Severity.INFORMATION,
    "RELEASED": Severity.INFORMATION,
    "SPLIT": Severity.INFORMATION,
    # Rows are there, or were; something that was promised is not so. An end is told to whoever heard the beginning.
    "LATE": Severity.WARNING,
    "PAUSED": Severity.WARNING,
    "FRESH": Severity.WARNING,
    "ROLLED_BACK": Severity.WARNING,
    # Rows that landed are not in the table, and will not be until somebody acts.
    "QUARANTINED": Severity.CRITICAL,
    "FAILED": Severity.CRITICAL,
    "PUBLISHING": Severity.CRITICAL,
}
"""By outcome of a batch, or state of a dataset. A published batch with something wrong in it is a warning."""


@dataclass(frozen=True, kw_only=True)
class Channels:
    """The channels of every dataset, each with the least severity that it hears of; by dataset and the channel's id."""

    of: Mapping[str, Mapping[str, Severity]]

    @classmethod
    def from_index(cls, index: Fields) -> "Channels":
        """Read them from the index of contracts; that of an earlier release has none.

        Raises:
            DocumentError: a severity is none.
        """
        return cls(
            of={
                item.text("dataset"): {
                    channel: _severity(word, channel) for channel, word in item.words("channels").items()
                }
                for item in index.items("channels", ())
            }
        )

    def hearing(self, dataset: str, severity: Severity) -> list[str]:
        """Name the channels that hear of something so severe about a dataset, sorted."""
        return sorted(channel for channel, least in self.of.get(dataset, {}).items() if severity.reaches(least))


def _severity(word: str, channel: str) -> Severity:
    if word not in list(Severity):
        raise DocumentError(f"{channel} hears of {word!r}; allowed: {', '.join(Severity)}")
    return Severity(word)
