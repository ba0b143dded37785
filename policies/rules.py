"""Every rule, by service."""

from policies import data, functions, iam, messages, operations, s3
from policies.model import Rule

RULES: tuple[Rule, ...] = (
    *s3.RULES,
    *messages.RULES,
    *functions.RULES,
    *iam.RULES,
    *data.RULES,
    *operations.RULES,
)
