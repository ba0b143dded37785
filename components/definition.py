"""Fills the placeholders of the workflow definition; a placeholder that is left over or unknown is an error."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z]+)\}")


class DefinitionError(Exception):
    """The workflow definition and the program do not fit together."""


def check_placeholders(text: str, names: Iterable[str], file: Path) -> None:
    """Compare the placeholders of `text` with `names`, before any value is known.

    Raises:
        DefinitionError: naming the placeholders that have no value, and the values that have no place.

    """
    wanted, given = set(_PLACEHOLDER.findall(text)), set(names)
    problems = [f"${{{name}}} has no value; there are: {', '.join(sorted(given))}" for name in sorted(wanted - given)]
    problems += [f"${{{name}}} is given a value, but does not occur" for name in sorted(given - wanted)]
    if problems:
        raise DefinitionError(f"{file.name}: " + "; ".join(problems))


def render(text: str, values: Mapping[str, str]) -> str:
    """Fill in `values` and make the definition compact, so that its layout is no change.

    Raises:
        DefinitionError: if what comes out is not JSON.

    """
    filled = _PLACEHOLDER.sub(lambda match: values[match[1]], text)
    try:
        return json.dumps(json.loads(filled), separators=(",", ":"))
    except json.JSONDecodeError as error:
        raise DefinitionError(f"the workflow definition is not JSON once it is filled in: {error}") from error
