"""Libraries of the field on the same work, in an environment of their own that can be thrown away."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

PINNED = (
    "APScheduler==3.11.3",
    "asyncpg==0.32.0",
    "huey==3.5.4",
    "pgqueuer==1.6.0",
    "psycopg[binary]==3.3.9",
    "SQLAlchemy==2.1.9",
    "uvloop==0.23.0",
)


def home() -> Path:
    """Where the peers are installed: BENCH_PEERS, or a folder beside this file."""
    return Path(os.environ.get("BENCH_PEERS") or Path(__file__).parent / ".venv")


LIBRARIES = {"apscheduler_store": "apscheduler", "huey_sqlite": "huey", "pgqueuer_postgresql": "pgqueuer"}
"""What each peer's script imports."""


def python_of_peers() -> Path:
    """The interpreter of the peers' own environment."""
    return home() / "bin" / "python"


def python_of(script: str) -> Path | None:
    """The interpreter for one peer: that of the peers, or this one where the library happens to be; None if neither."""
    if python_of_peers().exists():
        return python_of_peers()
    return Path(sys.executable) if importlib.util.find_spec(LIBRARIES[script]) is not None else None
