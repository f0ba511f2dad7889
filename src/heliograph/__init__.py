"""Heliograph: a messaging gateway that a company runs itself."""
