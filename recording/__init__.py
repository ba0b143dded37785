"""What was recorded: the resources of a program, the permissions that a run asked for. `ops` and `local` read it."""
