"""Rows of the ledger as files: on request, and again and again to a folder or a bucket."""
