"""Servers that take events: one port, a few siblings."""
