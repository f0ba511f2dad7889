"""Verification: does a phone belong to whom it is said to? Codes, texts, plans, and the guard against fraud."""
