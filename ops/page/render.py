"""Makes the HTML of the facts. What came from outside is text in it and no more, and it requests nothing."""

import base64
import functools
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from pipeline_core.plain_text import printable
from pipeline_core.report import FATES

from ops.page import charts, words
from ops.page.facts import Facts
from ops.page.quarantine import HAS_PARQUET

TEMPLATES = Path(__file__).with_name("templates")


def render(facts: Facts, refresh_seconds: int | None = None, *, is_still: bool = False) -> str:
    """Write the page.

    Args:
        facts: what it shows.
        refresh_seconds: how often the page is asked for again by whoever serves it; None for a file.
        is_still: whether the reader has said that it should not be.
    """
    style = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            facts=facts,
            at=facts.made_at,
            fates=FATES,
            timeline=charts.timeline(facts.runs, facts.made_at),
            has_parquet=HAS_PARQUET,
            refresh_seconds=refresh_seconds,
            is_still=is_still,
            style=Markup(style),
            # Whatever got through the escaping: no script, no style of its own, no request, no form.
            policy=(
                f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
            ),
        )
    )


def _shown(value: Any) -> Any:
    """What an expression of a template comes to: text fit for a screen, which Jinja then escapes."""
    # Macros return markup, in which each text was made fit by this.
    return value if isinstance(value, Markup) else printable(value)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        name: getattr(words, name)
        for name in ("column_rules", "quality_rule", "promises", "count", "size", "duration", "when", "dollars", "cut")
    }
    environment.filters["bar"] = charts.bar
    environment.globals["modes"] = words.MODES
    return environment
