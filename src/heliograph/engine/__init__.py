"""What moves messages: intake, dispatch, receipts, notify, and the sweeps. It talks to ports only."""
