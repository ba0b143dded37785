"""Makes, once an account, what a deployment from GitHub Actions needs: state, key, and roles without keys."""

import sys
from pathlib import Path

# Pulumi runs this folder; the packages are beside it.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pulumi

from bootstrap import settings
from bootstrap.account import BootstrappedAccount

account = BootstrappedAccount("delivery", settings.load())
for name, value in account.outputs().items():
    pulumi.export(name, value)
