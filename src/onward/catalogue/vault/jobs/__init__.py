"""The job types for vaults, one file each."""
