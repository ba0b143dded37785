"""What becomes of a dataset whose contract changes or goes, as the hook of its object would say at a deployment."""

import json
import re
from collections.abc import Mapping
from typing import Any

from contracts.compiler.evolution import refusals
from ops.preview.snapshot import Seen, Snapshot

Document = Mapping[str, Any]

GONE = "its files will be rejected, and its table stays without crawler and alarms"


def is_contract(seen: Seen) -> bool:
    """Whether it is the deployed contract of a dataset; the index lists them, and is none."""
    key = str(seen.inputs.get("key", ""))
    return seen.type.startswith("aws:s3/bucketObject") and bool(re.fullmatch(r"contracts/(?!index\.).+\.json", key))


def documents(snapshot: Snapshot) -> dict[str, Document]:
    """By dataset, the contracts that a revision deploys; what is no contract that can be read is left out."""
    found = {}
    for seen in snapshot.resources:
        if is_contract(seen):
            try:
                document = json.loads(str(seen.inputs.get("content")))
                found[str(document["dataset"])] = document
            except (KeyError, TypeError, ValueError):
                # That it cannot be compared is said, and refused, elsewhere.
                continue
    return found


def refused(old: Seen, new: Seen) -> list[str]:
    """Say why Pulumi would not update the object of a contract; nothing for what is none."""
    if not (is_contract(old) and is_contract(new)):
        return []
    before, after = old.inputs.get("content"), new.inputs.get("content")
    if before == after:
        return []
    try:
        return refusals(json.loads(str(before)), json.loads(str(after)))
    except (KeyError, TypeError, ValueError) as error:
        # The hook fails in the same way: what cannot be compared must not pass.
        return [f"the two cannot be compared ({type(error).__name__}: {error})"]
