"""What the program would do to a stack, without AWS and without the Pulumi CLI: `data-pipeline preview --help`."""
