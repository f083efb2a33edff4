"""The outside world of a vault: the folder of notes, and the graph."""
