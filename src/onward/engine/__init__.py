"""A worker's machinery: claim, run, save, prove that one lives, and take over from those that do not."""
