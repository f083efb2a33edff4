"""Jobs and the rest as plain JSON values, typed: what HTTP answers and what the command line prints are the same."""
