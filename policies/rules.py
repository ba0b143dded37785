"""Every rule, by service: all that the modules define, in their order."""

from policies import data, functions, iam, messages, operations, s3
from policies.model import Rule

RULES: tuple[Rule, ...] = tuple(
    found
    for module in (s3, messages, functions, iam, data, operations)
    for found in vars(module).values()
    if isinstance(found, Rule)
)
