"""What applications want from the channel. Products use the engine, never a way around it."""
