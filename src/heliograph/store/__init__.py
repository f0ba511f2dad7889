"""The ledger: everything that the gateway knows, and the only place where it is kept."""
