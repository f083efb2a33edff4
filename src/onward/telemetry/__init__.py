"""Listeners to events: logs, metrics and traces. They hear, and never steer."""
