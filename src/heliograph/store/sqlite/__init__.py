"""The ledger in one SQLite file: the embedded default."""

from heliograph.store.sqlite.ledger import AlreadyServing, SqliteLedger

__all__ = ["AlreadyServing", "SqliteLedger"]
