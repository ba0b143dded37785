"""Text from outside, made fit for a person to look at: nothing in it moves a cursor or turns a line round.

Keys, headers, values and messages are anybody's text. What is not for a screen is shown as Python would write it.
Standard library only.
"""

import json
import re
from typing import Any

UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
"""Control characters (C0, DEL, C1), marks and overrides of the direction of text, separators of lines and paragraphs,
halves of a surrogate pair, and the byte order mark, which nobody sees."""

LAYOUT = frozenset("\n\t")


def printable(text: object, keep: frozenset[str] = frozenset()) -> str:
    """A text as a person may see it: what is unfit for a screen is escaped, but for the characters to `keep`."""

    def escape(found: re.Match[str]) -> str:
        character = found[0]
        return character if character in keep else character.encode("unicode_escape").decode("ascii")

    return UNFIT.sub(escape, str(text))


def json_line(value: Any, **options: Any) -> str:
    """JSON on one line that is fit to be looked at, and is read back as the same value."""
    # All of them stand in strings: JSON's own characters are none of these.
    return UNFIT.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, **options))


def log_line(value: Any) -> str:
    """What a function logs: letters of any language as they are, and one line a record."""
    return json_line(value, default=str, separators=(",", ":"), ensure_ascii=False)
