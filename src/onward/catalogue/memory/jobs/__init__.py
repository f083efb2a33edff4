"""The job types that keep an assistant's memory tidy, one file each."""
