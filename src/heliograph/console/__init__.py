"""The console. Until it has its pages, one that shows what moves: live counts and the last messages with their story."""
