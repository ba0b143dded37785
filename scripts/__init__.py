"""Commands that people and workflows call by their path."""
