"""The settlement ledger: what partners report, posted to accounts."""
