"""The table of docs/guarantees.md that says how long a landed file takes to SQL."""

from config.model import PipelineConfig
from ops.latency import landing_to_sql, steps
from ops.pages.generate import table
from recording.program import stack_config

SHOWN_STACK = "prod"


def landing() -> str:
    """List the steps with their times and sources, and what they come to."""
    taken = steps(PipelineConfig.model_validate(stack_config(SHOWN_STACK)["data-pipeline:settings"]))
    rows: list[tuple[object, ...]] = [(one.step, f"{one.p50:.2f}", f"{one.p95:.2f}", one.source) for one in taken]
    middle, most = landing_to_sql(taken)
    rows.append(("**from landing to SQL**", f"{middle:.1f}", f"{most:.1f}", "simulated, each step by itself"))
    return table(("step", "median, s", "95 %, s", "source"), rows)
