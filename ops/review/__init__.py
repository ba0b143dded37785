"""A stack for a pull request: `data-pipeline review --help`."""
