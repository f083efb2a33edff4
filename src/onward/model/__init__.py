"""Words and rules: pure records and functions, without input or output; ``now`` is always an argument."""
