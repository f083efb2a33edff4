"""What a clean-up does, on paper: pure functions and records, without input or output."""
