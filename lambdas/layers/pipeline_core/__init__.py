"""What the functions and the Glue job share: contract, ledger, batches, manifest, report, publish, Athena."""
