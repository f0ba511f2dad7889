"""Campaigns: one intent to many, told at a controlled pace, and the audiences that they reach."""
