"""People: who they are to a workspace, what they said, and what follows from it."""
