"""What differs between two values, property by property, in nested values and in JSON documents."""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final


class _Absent:
    """Is where there is no value: None is one."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = _Absent()


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One value that differs; `path` as in `policy.Statement[2].Action`."""

    path: str
    old: Any
    new: Any


def differences(old: Any, new: Any, path: str = "") -> Iterator[Difference]:
    """Yield what differs, as deep inside as it can be said."""
    documents = _document(old), _document(new)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from differences(old.get(key, ABSENT), new.get(key, ABSENT), f"{path}.{key}" if path else str(key))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _in_lists(old, new, path)
    elif documents[0] is not None and documents[1] is not None:
        inside = list(differences(*documents, path))
        # Two that are written differently and say the same are no difference to AWS, but are one to Pulumi.
        yield from inside or ([] if old == new else [Difference(path=path, old=old, new=new)])
    elif old != new or type(old) is not type(new):
        # True equals 1, and is another input.
        yield Difference(path=path, old=old, new=new)


def _in_lists(old: Sequence[Any], new: Sequence[Any], path: str) -> Iterator[Difference]:
    """Pair the elements: one that is put in between changes none of those after it."""
    texts = [[json.dumps(item, sort_keys=True) for item in items] for items in (old, new)]
    matcher = difflib.SequenceMatcher(a=texts[0], b=texts[1], autojunk=False)
    for kind, begin, end, from_, to in matcher.get_opcodes():
        if kind == "equal":
            continue
        pairs = min(end - begin, to - from_)
        for offset in range(pairs):
            yield from differences(old[begin + offset], new[from_ + offset], f"{path}[{from_ + offset}]")
        for place in range(begin + pairs, end):
            yield Difference(path=f"{path}[{place}]", old=old[place], new=ABSENT)
        for place in range(from_ + pairs, to):
            yield Difference(path=f"{path}[{place}]", old=ABSENT, new=new[place])


def _document(value: Any) -> Any:
    """Parse a string that holds a JSON object or list; None where it does not."""
    if not isinstance(value, str) or not value.startswith(("{", "[")):
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None
