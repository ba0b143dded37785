"""The page of a deployment: one HTML file that shows its datasets, runs, quarantine, lineage, cost and alarms."""
