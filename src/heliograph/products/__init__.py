"""What applications want from the channel, on top of the engine and never around it."""
