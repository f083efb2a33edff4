"""Runs one question or one peer in a process of its own, with a fresh database and a fresh folder."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import schedules
from benchmarks.figure import Figure
from benchmarks.peers import python_of
from tests.servers import Postgres

ROOT = Path(__file__).parents[1]
KINDS = ("sqlite", "postgresql")
QUESTIONS = (
    "limits", "drain", "submit", "latency", "checkpoint", "takeover", "ranges", "reads", "idle", "million", "prune",
    "schedules", "lists",
)  # fmt: skip
ONLY = {"lists": ("sqlite",)}
"""Questions that are asked of one database."""
PEERS = {
    "sqlite": {"drain": "huey_sqlite", "submit": "huey_sqlite", "schedules": "apscheduler_store"},
    "postgresql": {
        "drain": "pgqueuer_postgresql",
        "submit": "pgqueuer_postgresql",
        "schedules": "apscheduler_store",
    },
}
SIZES_OF_PEERS = {"schedules": (schedules.QUICK, schedules.TOTAL)}
LIMIT_SECONDS = 7200
DURABLE = ("synchronous_commit", "fsync", "full_page_writes")

Server = Postgres | None


@contextlib.contextmanager
def databases(kinds: Sequence[str]) -> Iterator[Server]:
    """A PostgreSQL of our own, if one is needed, with the durability it has by default."""
    if "postgresql" not in kinds:
        yield None
        return
    server = Postgres()
    try:
        yield server
    finally:
        server.close()


def database_facts(server: Server) -> dict[str, str]:
    """Versions of the databases, and that durability is on."""
    import pysqlite3

    facts = {"SQLite": f"{pysqlite3.sqlite_version}, WAL, synchronous=FULL"}
    if server is not None:
        import psycopg

        with psycopg.connect(server.url) as connection:
            found = {name: _setting(connection, name) for name in ("server_version", *DURABLE)}
        off = [name for name in DURABLE if found[name] != "on"]
        if off:
            raise SystemExit(f"Durability is off ({', '.join(off)}): such figures would say nothing.")
        facts["PostgreSQL"] = f"{found['server_version']}, synchronous_commit=on, fsync=on, otherwise default"
    return facts


def answer(question: str, kind: str, server: Server, folder: Path, *, quick: bool) -> list[Figure]:
    """The figures of one question, measured once."""
    with _fresh(kind, server, folder) as (address, place):
        command = [sys.executable, "-m", "benchmarks.alone", question, kind, address, str(place)]
        found = _last_line(command + (["--quick"] if quick else []))
    return [Figure(**each) for each in found]


def peer_of(question: str, kind: str) -> tuple[str, Path | None]:
    """The script of the peer for a question (empty for none), and the interpreter that has its library, if any."""
    script = PEERS[kind].get(question, "")
    return script, python_of(script) if script else None


def ask_peer(question: str, kind: str, server: Server, folder: Path, *, quick: bool) -> tuple[str, dict[str, float]]:
    """The peer's name and version, and its figures by the names of ours."""
    script, python = peer_of(question, kind)
    small, whole = SIZES_OF_PEERS.get(question, (5000, 10_000))
    with _fresh(kind, server, folder) as (address, place):
        path = Path(__file__).parent / "peers" / f"{script}.py"
        found = _last_line([str(python), str(path), question, address, str(place), str(small if quick else whole)])
    return found.pop("peer"), found


def reason(error: Exception) -> str:
    """What went wrong, in a line."""
    text = getattr(error, "stderr", None) or str(error)
    return str(text).strip().splitlines()[-1] if str(text).strip() else type(error).__name__


def _last_line(command: list[str]) -> Any:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=LIMIT_SECONDS)
    return json.loads(done.stdout.strip().splitlines()[-1])


@contextlib.contextmanager
def _fresh(kind: str, server: Server, folder: Path) -> Iterator[tuple[str, Path]]:
    place = Path(tempfile.mkdtemp(dir=folder))
    address = f"sqlite:///{place / 'jobs.db'}"
    if kind == "postgresql":
        assert server is not None
        address = server.create()
    try:
        yield address, place
    finally:
        if kind == "postgresql" and server is not None:
            server.drop(address)
        shutil.rmtree(place, ignore_errors=True)


def _setting(connection: Any, name: str) -> str:
    return str(connection.execute(f"SHOW {name}").fetchone()[0])
