"""A process dies at every statement it sends; what it had been told is still true afterwards."""
