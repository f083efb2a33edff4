"""What a vault's files say, and what follows from it, on paper: pure functions and records."""
