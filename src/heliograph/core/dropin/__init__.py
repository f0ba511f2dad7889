"""How messages look to programs that were written for other gateways: their words, numbers and ids for ours."""
