"""The stack of a pull request: its settings, and the engine that deploys and destroys it."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from config.stack_file import SETTINGS, StackFileError, unchecked
from ops.target import TargetError

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = Path("contracts") / "samples"
DEPLOY = Path("scripts") / "deploy.py"
PREFIX = "review-"
LIKE = "dev"
"""Whose region, account and boundary a review's stack has, and whose rules it keeps."""
LIFETIME_HOURS = 24
SMALL: Mapping[str, Any] = {
    "environment": "dev",
    "storage": {
        "allow_destroy": True,
        "raw_expires_after_days": 1,
        "quarantine_expires_after_days": 1,
        "noncurrent_versions_expire_after_days": 1,
        "query_results_expire_after_days": 1,
    },
    "batches": {"schedule_minutes": 60},
    "glue": {"crawl_daily_at_utc": None, "max_workers": 2},
    "monitoring": {"dashboard": False, "log_retention_days": 1},
}
"""Small and cheap: nothing runs by the clock but the slow schedule, nothing stays, nobody is called."""
KEPT = ("account_id", "permissions_boundary_arn")
"""What its `security` takes over; a network of its own would cost more than all the rest."""


def name_of(number: int) -> str:
    """What the stack of a pull request is called."""
    return f"{PREFIX}{number}"


def write_settings(number: int, secrets_provider: str | None, root: Path = ROOT) -> Path:
    """Write the stack's file, but for what is there already: a stack that was deployed keeps its key.

    Raises:
        TargetError: this is no clone, or the stack file that it is made from cannot be read.
    """
    if not (root / DEPLOY).is_file():
        raise TargetError(f"there is no {DEPLOY} in {root}: run data-pipeline review in a clone of the project")
    file = root / f"Pulumi.{name_of(number)}.yaml"
    if file.exists():
        return file
    try:
        config = unchecked(LIKE, root)
    except StackFileError as error:
        raise TargetError(str(error)) from error
    security = (config.get(SETTINGS) or {}).get("security") or {}
    kept = {key: security[key] for key in KEPT if key in security}
    found: dict[str, Any] = {"config": {key: value for key, value in config.items() if _plain(key, value)}}
    found["config"][SETTINGS] = {**SMALL, **({"security": kept} if kept else {})}
    if secrets_provider and "://" in secrets_provider:
        # With its name and no key, the CLI makes a key of its own by it; nothing in these settings is encrypted.
        found = {"secretsprovider": secrets_provider, **found}
    file.write_text(yaml.safe_dump(found, sort_keys=False), encoding="utf-8")
    return file


def _plain(key: str, value: object) -> bool:
    return key.startswith("aws:") and not isinstance(value, Mapping)


def deploy(number: int, outputs: Path, secrets_provider: str | None, *, smoke: bool, root: Path = ROOT) -> None:
    """Deploy the stack; what it has goes to the file `outputs`.

    Raises:
        TargetError: the deployment failed; what it said is on stderr.
    """
    more = ["--outputs", str(outputs.resolve()), *([] if smoke else ["--no-smoke"])]
    if secrets_provider:
        more += ["--secrets-provider", secrets_provider]
    _deploy(number, root, *more)


def destroy(number: int, *, unlock: bool, root: Path = ROOT) -> bool:
    """Destroy what the stack has, and forget the stack; returns whether there was one.

    Raises:
        TargetError: something is left; what the engine said is on stderr.
    """
    name = name_of(number)
    if name not in {stack.name for stack in stacks(root)}:
        return False
    if unlock:
        _pulumi(root, "cancel", "--yes", "--stack", name)
    _deploy(number, root, "--destroy", "--confirm", name)
    _pulumi(root, "stack", "rm", "--yes", "--stack", name)
    return True


@dataclass(frozen=True, kw_only=True)
class ReviewStack:
    """A stack of a pull request in the state, and since when nobody has deployed it."""

    name: str
    last_update: datetime | None
    resources: int

    def is_overdue(self, now: datetime, hours: float) -> bool:
        """Whether it should be gone by now."""
        return self.last_update is None or now - self.last_update > timedelta(hours=hours)

    def to_document(self, now: datetime, hours: float) -> dict[str, Any]:
        """Write it for another program."""
        return {**asdict(self), "overdue": self.is_overdue(now, hours)}


def stacks(root: Path = ROOT) -> list[ReviewStack]:
    """Ask the state which stacks of pull requests there are.

    Raises:
        TargetError: the Pulumi CLI is missing, or failed.
    """
    found = json.loads(_pulumi(root, "stack", "ls", "--json"))
    return [
        ReviewStack(
            name=one["name"],
            last_update=_moment(one.get("lastUpdate")),
            resources=int(one.get("resourceCount") or 0),
        )
        for one in found
        if one["name"].startswith(PREFIX) and one["name"].removeprefix(PREFIX).isdigit()
    ]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _deploy(number: int, root: Path, *more: str) -> None:
    command = [sys.executable, str(DEPLOY), "--stack", name_of(number), *more]
    # Progress is on stderr; stdout is the caller's.
    done = subprocess.run(command, cwd=root, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise TargetError(
            f"{DEPLOY} ended with {done.returncode} for {name_of(number)}: it says above what failed. "
            f"Whatever it made goes with: data-pipeline review down {number}"
        )


def _pulumi(root: Path, *arguments: str) -> str:
    command = ["pulumi", *arguments, "--non-interactive"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise TargetError("the Pulumi CLI is not installed: https://www.pulumi.com/docs/install/") from error
    except subprocess.CalledProcessError as error:
        raise TargetError(f"{' '.join(command)}: {error.stderr.strip()}") from error
    return done.stdout
