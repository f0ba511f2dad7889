"""Pure decisions: same input, same answer. No I/O, no clock, no chance, no globals that change."""
