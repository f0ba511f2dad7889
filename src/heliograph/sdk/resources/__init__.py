"""What a client can do, one file a noun. A method says what to ask; see `asking`."""
