"""What a monitoring system wants to know of clean-ups: how often, how much was there, how much went, how fast."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

RUNS = Counter("onward_conversations_cleanups", "Clean-ups of conversations, by how they ended.", ["outcome"])
DELETED = Counter("onward_conversations_deleted", "Checkpoints that clean-ups have deleted.", ["place"])
FREED = Counter("onward_conversations_freed_bytes", "Bytes that deleted checkpoints had taken.", ["place"])
CHECKPOINTS = Gauge("onward_conversations_checkpoints", "Checkpoints that the last clean-up has left.", ["place"])
MEMORY = Gauge("onward_conversations_memory_bytes", "Bytes in use after the last clean-up.", ["place"])
RATE = Gauge("onward_conversations_deleted_per_second", "Checkpoints deleted a second by the last clean-up.", ["place"])
ENDED_AT = Gauge("onward_conversations_last_cleanup_timestamp_seconds", "When the last clean-up ended, since 1970.")
