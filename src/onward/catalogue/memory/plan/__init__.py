"""What is remembered, and what becomes of it, on paper: pure records and rules, without input or output."""
