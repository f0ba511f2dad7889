"""Requests to addresses that customers gave: fast, bounded, and unable to reach our own network."""
