"""The console. Until it has its pages, one page of live counts and the last messages with their story."""
