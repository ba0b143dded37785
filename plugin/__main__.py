"""What Pulumi starts for a program in another language that uses one of the components."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Pulumi starts the plugin by its folder; the components are the project's.
sys.path[:1] = [str(ROOT), str(ROOT / "lambdas" / "layers")]

from pulumi.provider.experimental import component_provider_host  # noqa: E402  # found only now, as the next

from components.compute.wheels import fetch_if_possible  # noqa: E402
from plugin.names import NAME  # noqa: E402
from plugin.public import PUBLIC, version  # noqa: E402

fetch_if_possible()
component_provider_host(name=NAME, components=[*PUBLIC], version=version())
