"""Schedules of other programs: what can be taken over, and what cannot and why."""
