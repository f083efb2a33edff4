"""Where SQL is spoken, and nowhere else: one text for SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import Connection

from onward.store.store import Store

__all__ = ["Connection", "Store"]
