"""`python -m ops.pages [--check]`: see generate.py."""

import sys
from collections.abc import Mapping

from ops.pages import commands, components, cost, flow, latency, packages, plugin, schema, security, workflow
from ops.pages.generate import Make, generated, stale, write
from recording.program import ROOT

PARTS: Mapping[str, Mapping[str, Make]] = {
    "docs/architecture.md": {
        "flow": flow.diagram,
        "workflow": workflow.diagram,
        "components": components.diagram,
        "packages": packages.packages,
        "imports": packages.rules,
    },
    "docs/cost.md": {
        "idle": cost.idle,
        "batches": cost.batches,
        "iceberg": cost.iceberg,
        "measured": cost.measured,
        "prices": cost.unit_prices,
    },
    "docs/guarantees.md": {"landing": latency.landing},
    "docs/security.md": {
        "roles": security.roles,
        "unmeasured": security.unmeasured,
        "unscoped": security.unscoped,
        "rules": security.rules,
        "waivers": security.waivers,
        "enforcement": security.enforcement,
    },
}
"""By page and name, what makes a generated part."""
FILES: Mapping[str, Make] = {
    schema.STACK_FILE: schema.stack_file,
    commands.FILE: commands.page,
    plugin.SETTINGS_FILE: plugin.settings_file,
    plugin.SCHEMA_FILE: plugin.schema_file,
}
"""By path, what makes a file that is generated whole."""


def main(arguments: list[str]) -> int:
    """Write what is stale; with `--check`, only say so, and answer 1."""
    pages = generated(ROOT, PARTS, FILES)
    found = stale(ROOT, pages)
    if "--check" in arguments:
        for difference in found.values():
            print(difference)
        print(f"{len(found)} of {len(pages)} generated pages are stale" + ("; run: make docs" if found else ""))
        return 1 if found else 0
    write(ROOT, {path: pages[path] for path in found})
    print(f"wrote {', '.join(found) or 'nothing'}; {len(pages)} generated pages are fresh")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
