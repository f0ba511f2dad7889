"""Outages of providers: noticed, told, and met with the plan of each workspace."""
