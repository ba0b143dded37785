"""How the plugin is called, and its components with it."""

NAME = "data-pipeline"


def token(component: str) -> str:
    """Say the type of a component as the schema does."""
    return f"{NAME}:index:{component}"
