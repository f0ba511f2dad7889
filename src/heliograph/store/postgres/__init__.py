"""The ledger on PostgreSQL: for several processes and machines."""

from heliograph.store.postgres.connection import PostgresMigratable
from heliograph.store.postgres.ledger import PostgresLedger

__all__ = ["PostgresLedger", "PostgresMigratable"]
