"""Drills: an outage on purpose, in the test environment, to see that its plan does what it says."""
