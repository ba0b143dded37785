"""What the command line must know of a preview before one is asked for: no other command loads the program."""

from enum import StrEnum

LONGEST_COMMENT = 65_536
"""Characters that GitHub takes in a comment, as its REST API answers to a longer one (issue 259 of
telia-oss/github-pr-resource quotes it, read 2026-11-24)."""


class PreviewError(Exception):
    """A preview cannot be made; the message says why, and what to do."""

    exit_code = 1


class RefusedError(PreviewError):
    """A preview was made, and shows what must not be deployed; the message lists it."""

    exit_code = 3


class Format(StrEnum):
    """How a preview is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"
