"""The state machine, and what sets the pipeline going."""
