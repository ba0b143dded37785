"""What differs between two values, property by property, in nested values and in JSON documents."""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from config.violations import printable


class _Absent:
    """Is where there is no value: None is one."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = _Absent()
NAMES = (
    *(("Sid",), ("id",), ("Id",), ("ID",), ("name",), ("Name",), ("title",), ("properties", "title")),
    *(("key",), ("Key",), ("attributeName",), ("dataset",)),
)
"""What an element of a list may be called by: a statement, a rule, a column, a widget, a tag, a part of a key."""
PLACE = ("x", "y")
"""Where a widget stands on a dashboard."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One value that differs; `path` as in `policy.Statement[ReadRaw].Action[2]`: by name where elements have one."""

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
    """Pair the elements by their names; without names, one that is put in between changes none of those after it."""
    for name in NAMES:
        before, after = _named(old, name), _named(new, name)
        if before is not None and after is not None:
            yield from _by_name(before, after, path)
            return
    texts = [[json.dumps(item, sort_keys=True) for item in items] for items in (old, new)]
    matcher = difflib.SequenceMatcher(a=texts[0], b=texts[1], autojunk=False)
    for kind, begin, end, from_, to in matcher.get_opcodes():
        if kind == "equal":
            continue
        pairs = _likest(old[begin:end], new[from_:to])
        for one, other in pairs:
            yield from differences(old[begin + one], new[from_ + other], f"{path}[{from_ + other}]")
        for place in sorted(set(range(end - begin)) - {one for one, _ in pairs}):
            yield Difference(path=f"{path}[{begin + place}]", old=old[begin + place], new=ABSENT)
        for place in sorted(set(range(to - from_)) - {other for _, other in pairs}):
            yield Difference(path=f"{path}[{from_ + place}]", old=ABSENT, new=new[from_ + place])


def _named(items: Sequence[Any], name: tuple[str, ...]) -> dict[str, Any] | None:
    """The elements by what they are called, where all of them are, and no two are called the same."""
    found: dict[str, Any] = {}
    for item in items:
        value = item
        for key in name:
            value = value.get(key) if isinstance(value, Mapping) else None
        if not isinstance(value, str) or value in found:
            return None
        found[value] = item
    return found


def _by_name(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[Difference]:
    kept = [name for name in old if name in new]
    moved = []
    for name in [*old, *(name for name in new if name not in old)]:
        before, after = old.get(name, ABSENT), new.get(name, ABSENT)
        if name in new and name in old and _place(before) != _place(after):
            moved.append(name)
            # All of them move where one comes or goes: that is said once, for the list.
            before, after = (_placeless(item) for item in (before, after))
        yield from differences(before, after, f"{path}[{printable(name)}]")
    if moved:
        places = ({name: _place(items[name]) for name in moved} for items in (old, new))
        yield Difference(path=f"{path} (places)", old=next(places), new=next(places))
    order = [name for name in new if name in old]
    if order != kept:
        yield Difference(path=f"{path} (order)", old=kept, new=order)


def _place(item: Any) -> list[Any]:
    """Where a widget stands; nothing of what is none."""
    return [item[key] for key in PLACE] if isinstance(item, Mapping) and all(key in item for key in PLACE) else []


def _placeless(item: Any) -> Any:
    return {key: value for key, value in item.items() if key not in PLACE} if _place(item) else item


def _likest(old: Sequence[Any], new: Sequence[Any]) -> list[tuple[int, int]]:
    """Pair as many as there are of both, those first that have most in common; else as they stand."""

    def unlike(pair: tuple[int, int]) -> tuple[int, int, tuple[int, int]]:
        one, other = old[pair[0]], new[pair[1]]
        both = isinstance(one, Mapping) and isinstance(other, Mapping)
        return -sum(key in other and other[key] == one[key] for key in one) if both else 0, abs(pair[0] - pair[1]), pair

    if not any(isinstance(item, Mapping) for item in old):
        return [(place, place) for place in range(min(len(old), len(new)))]
    pairs: list[tuple[int, int]] = []
    for pair in sorted(((one, other) for one in range(len(old)) for other in range(len(new))), key=unlike):
        if all(pair[0] != one and pair[1] != other for one, other in pairs):
            pairs.append(pair)
    return sorted(pairs, key=lambda pair: pair[1])


def _document(value: Any) -> Any:
    """Parse a string that holds a JSON object or list; None where it does not."""
    if not isinstance(value, str) or not value.startswith(("{", "[")):
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None
