"""The stack's settings: their model, the rules between them, stack files, and the prices."""
