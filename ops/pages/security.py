"""The tables of docs/security.md."""

from components.security.iam import UNSCOPED_ACTIONS
from components.waivers import WAIVERS
from ops.pages.generate import table
from policies.rules import RULES
from recording.decisions import ENFORCEMENT
from recording.privileges import Grant, granted
from recording.program import main_program, record, stack_config, with_lineage
from recording.unmeasured import IN_A_NETWORK, UNMEASURED


def roles() -> str:
    """List what each role may do, and how much of it the runs on the emulator use."""
    config = with_lineage(stack_config("local"))
    grants = granted(record(main_program, config=config, stack="local"))
    rows: list[tuple[object, ...]] = []
    for role in sorted({grant.role for grant in grants}):
        own = [grant for grant in grants if grant.role == role]
        listed = [{exception.emulated for exception in UNMEASURED if exception.covers(grant)} for grant in own]
        only_aws, used = sum(True not in kinds and bool(kinds) for kinds in listed), sum(not kinds for kinds in listed)
        rows.append((f"`{role}`", len({grant.action for grant in own}), len(own), only_aws, used, _share(used, own)))
        rows[-1] += (_share(used, own[only_aws:]),)
    header = ("role", "actions", "grants", "only AWS asks for", "used", "of all", "of those that the emulator asks for")
    return table(header, rows)


def _share(used: int, grants: list[Grant]) -> str:
    return f"{used / len(grants):.0%}"


def unmeasured() -> str:
    """List what the roles have and no run uses, with the reason."""
    rows: list[tuple[object, ...]] = [
        (
            ", ".join(f"`{role}`" for role in exception.roles),
            ", ".join(f"`{action}`" for action in exception.actions),
            f"`{exception.resource}`" + (f" via {exception.via}" if exception.via not in ("*", "") else ""),
            exception.reason + (" (Some runs use it.)" if exception.sometimes else ""),
        )
        for exception in (*UNMEASURED, *IN_A_NETWORK)
    ]
    return table(("role", "actions", "on", "why"), rows)


def unscoped() -> str:
    """List the actions that stand beside `Resource: "*"`."""
    return table(("action", "why"), [(f"`{action}`", reason) for action, reason in sorted(UNSCOPED_ACTIONS.items())])


def rules() -> str:
    """List the rules that every stack's resources keep."""
    rows: list[tuple[object, ...]] = [
        (rule.id, rule.severity, ", ".join(rule.controls), rule.allowed, rule.reason) for rule in RULES
    ]
    return table(("rule", "severity", "follows", "allowed", "why"), rows)


def waivers() -> str:
    """List what the rules would refuse, and is meant."""
    rows: list[tuple[object, ...]] = [
        (waiver.rule, f"`{waiver.resource}`", "" if waiver.wrong == "*" else f"`{waiver.wrong}`", waiver.reason)
        for waiver in WAIVERS
    ]
    return table(("rule", "resource", "what", "why"), rows)


def enforcement() -> str:
    """List which permissions the emulator checks."""
    return ENFORCEMENT
