"""What each job does, on paper: pure functions and records, without input or output."""
