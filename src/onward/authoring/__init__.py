"""What the author of a job writes with: the decorator, the registry of job types, and ``Context``."""
