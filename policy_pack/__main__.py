"""What `pulumi preview --policy-pack policy_pack` starts."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Pulumi starts the pack by its folder; rules and waivers are the project's.
sys.path[:0] = [str(ROOT), str(ROOT / "lambdas" / "layers")]

from pulumi_policy import PolicyPack  # noqa: E402  # found only now, as the next

from policy_pack.adapter import policies  # noqa: E402

PolicyPack(name="data-pipeline", policies=policies())
