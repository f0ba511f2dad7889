"""Alarms: what is wrong is said before customers say it."""
