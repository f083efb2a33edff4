"""Libraries of the field on the same work, in an environment of their own that can be thrown away."""

from __future__ import annotations

import os
from pathlib import Path

PINNED = (
    "asyncpg==0.32.0",
    "huey==3.5.4",
    "pgqueuer==1.6.0",
    "psycopg[binary]==3.3.9",
    "uvloop==0.23.0",
)


def home() -> Path:
    """Where the peers are installed: BENCH_PEERS, or a folder beside this file."""
    return Path(os.environ.get("BENCH_PEERS") or Path(__file__).parent / ".venv")


def python_of_peers() -> Path:
    """The interpreter of the peers."""
    return home() / "bin" / "python"


def has_peers() -> bool:
    """Whether the peers are installed."""
    return python_of_peers().exists()
