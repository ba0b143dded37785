"""What keeps data: the zones, the ledger, and the contracts as objects."""
