"""The outside world of conversations: Redis, PostgreSQL, SQLite, and whoever wants to hear of a failure."""
