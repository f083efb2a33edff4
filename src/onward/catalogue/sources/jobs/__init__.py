"""The job types for sources, one file each."""
