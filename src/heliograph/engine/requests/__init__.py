"""What programs asked, and what they were answered: noted, kept for a while, read."""
