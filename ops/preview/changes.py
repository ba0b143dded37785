"""What a deployment would change: which resources come, change, are replaced and go, and what that means for data."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ops.preview import contracts
from ops.preview.differences import Difference, differences
from ops.preview.snapshot import Seen, Snapshot
from ops.preview.stateful import PROVIDER, REGION, fate, is_stateful, replacing
from recording.program import short_type

Action = Literal["add", "change", "replace", "remove"]
ACTIONS: tuple[Action, ...] = ("add", "change", "replace", "remove")


@dataclass(frozen=True, kw_only=True)
class Change:
    """What would happen to one resource."""

    action: Action
    type: str
    name: str
    urn: str
    # Under which URN the base knows it, if an alias says so.
    former: str = ""
    differences: tuple[Difference, ...] = ()
    # What becomes of its data, if it may not be there afterwards, or of the data that would come.
    danger: str = ""
    # Whether the danger is a reason not to deploy at all.
    refused: bool = False

    def __str__(self) -> str:
        """Name the resource."""
        return f"{short_type(self.type)} {self.name}"


def changes(base: Snapshot, head: Snapshot) -> list[Change]:
    """Compare two revisions of the program, for one stack."""
    left = {seen.urn: seen for seen in base.resources}
    moved = _moved(base, head)
    found: list[Change] = []
    for seen in head.resources:
        urn = seen.urn if seen.urn in left else next((alias for alias in seen.aliases if alias in left), None)
        old = left.pop(urn) if urn else None
        change = _change(old, seen, moved)
        if change:
            found.append(change)
    found += [_removal(seen) for seen in left.values()]
    return sorted(found, key=lambda change: (not change.danger, ACTIONS.index(change.action), change.urn))


def _change(old: Seen | None, new: Seen, moved: list[str]) -> Change | None:
    if old is None:
        return Change(action="add", type=new.type, name=new.name, urn=new.urn)
    found = (*differences(old.inputs, new.inputs), *_options(old, new))
    forced = [*replacing(new, (one.path for one in found)), *(moved if is_stateful(new) else ())]
    if not found and not forced and old.urn == new.urn:
        return None
    broken = contracts.refused(old, new)
    danger = f"Pulumi refuses it: {'; '.join(broken)}" if broken else ""
    if forced:
        danger = f"{fate(old, 'replaced')} ({', '.join(forced)} cannot be changed)"
    return Change(
        action="replace" if forced else "change",
        type=new.type,
        name=new.name,
        urn=new.urn,
        former="" if old.urn == new.urn else old.urn,
        differences=found,
        danger=danger,
        refused=bool(danger),
    )


def _removal(old: Seen) -> Change:
    stateful = is_stateful(old)
    danger = fate(old, "deleted") if stateful else contracts.GONE if contracts.is_contract(old) else ""
    return Change(action="remove", type=old.type, name=old.name, urn=old.urn, danger=danger, refused=stateful)


def _options(old: Seen, new: Seen) -> Iterator[Difference]:
    for path, before, after in (
        ("(protect)", old.protect, new.protect),
        ("(retain_on_delete)", old.retain_on_delete, new.retain_on_delete),
    ):
        yield from differences(before, after, path)


def _moved(base: Snapshot, head: Snapshot) -> list[str]:
    """Say what puts all resources into another place."""
    regions = [{seen.inputs.get(REGION) for seen in side.resources if seen.type == PROVIDER} for side in (base, head)]
    return [f"the provider's {REGION}"] if regions[0] and regions[0] != regions[1] else []
