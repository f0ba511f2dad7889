"""Events on their way out to a log, a broker or a server of batches, in their order, at least once."""
