from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from onward import InvalidConfig, Onward, StoreUnavailable, WrongSqliteLibrary
from onward.store import engines
from tests.app_fixtures import quick_settings, rows, run_all, until


@pytest.mark.parametrize(
    ("version", "is_faulty"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 0), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
    ],
)
def test_versions_that_can_damage_a_database_are_known(version: tuple[int, ...], is_faulty: bool) -> None:
    assert engines.has_wal_reset_fault(version) is is_faulty


@pytest.mark.parametrize("version", [(3, 40, 1), (3, 51, 3)])
def test_faulty_library_switches_the_safe_mode_on(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]
) -> None:
    monkeypatch.setattr(engines.sqlite_module(), "sqlite_version_info", version)
    app = Onward(settings=quick_settings(sqlite_url))
    is_safe = version < (3, 44)
    assert ("safe mode" in app.database.status()["library"]) is is_safe
    assert rows(app, "PRAGMA wal_autocheckpoint") == [(0 if is_safe else 1000,)]


def test_connections_are_durable_and_write_ahead(sqlite_url: str) -> None:
    app = Onward(settings=quick_settings(sqlite_url))
    app.counts()
    assert rows(app, "PRAGMA journal_mode") == [("wal",)]
    assert rows(app, "PRAGMA synchronous") == [(2,)]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(InvalidConfig):
        Onward(settings=quick_settings(url)).counts()


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "9p", "fuse.sshfs"])
def test_network_file_system_is_refused_at_first_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    table = f"36 35 98:0 / / rw - ext4 /dev/sda1 rw\n99 36 0:1 / {tmp_path} rw - {kind} server:/export rw\n"
    monkeypatch.setattr(Path, "read_text", lambda self, *rest, **named: table)
    with pytest.raises(InvalidConfig, match=rf"network file system \({kind}\)"):
        engines.SqliteEngines(str(tmp_path / "onward.db"), quick_settings("sqlite:///x.db").database)


def test_longest_mount_point_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = f"1 0 0:1 / / rw - nfs server:/ rw\n2 1 0:2 / {tmp_path} rw - ext4 /dev/sda rw\n"
    monkeypatch.setattr(Path, "read_text", lambda self, *rest, **named: table)
    assert engines._filesystem(tmp_path) == "ext4"
    assert engines._filesystem(tmp_path.parent) == "nfs"


def test_file_that_stays_locked_is_unavailable_and_then_usable_again(sqlite_url: str) -> None:
    app = Onward(settings=quick_settings(sqlite_url, database={"busy_timeout_seconds": 0.2}))
    app.job(name="work")(work)
    other = Onward(settings=quick_settings(sqlite_url))
    with other.connect(), pytest.raises(StoreUnavailable, match="locked"):
        app.submit("work")
    assert app.submit("work").status == "pending"


def test_readers_are_not_held_up_by_a_writer(sqlite_url: str) -> None:
    app = Onward(settings=quick_settings(sqlite_url, database={"busy_timeout_seconds": 0.2}))
    app.job(name="work")(work)
    with app.connect() as connection:
        job = app.submit("work", connection=connection)
        assert app.counts()["pending"] == 0
    assert app.get(job.id).status == "pending"


def test_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "onward.db"
    path.write_bytes(b"This is a letter and no database. " * 100)
    with pytest.raises(StoreUnavailable):
        Onward(settings=quick_settings(f"sqlite:///{path}")).counts()
    assert path.read_bytes().startswith(b"This is a letter")


def test_connection_of_another_library_is_refused(sqlite_url: str) -> None:
    app = Onward(settings=quick_settings(sqlite_url))
    app.job(name="work")(work)
    app.counts()
    ours = engines.sqlite_module().__name__
    if ours == "sqlite3":
        pytest.skip("there is only one SQLite library here")
    other = create_engine(sqlite_url, module=sqlite3)
    with other.connect() as connection, pytest.raises(WrongSqliteLibrary, match=r"app\.connect"):
        app.submit("work", connection=connection)
    with pytest.raises(WrongSqliteLibrary, match=r"app\.connect"):
        app.submit("work", connection=sqlite3.connect(app.database.status()["url"].removeprefix("sqlite:///")))
    assert app.counts()["pending"] == 0


def work() -> None:
    """Do nothing."""


SUBMITTER = """
import contextlib, sys
from onward import IllegalTransition, Onward
app = Onward(sys.argv[1])
app.job(name="work")(lambda: None)
print("ready", flush=True)
sys.stdin.readline()
for number in range(40):
    job = app.submit("work", idempotency_key=f"{sys.argv[2]}-{number}")
    with contextlib.suppress(IllegalTransition):
        if number % 4 == 0:
            app.cancel(job.id)
"""


@pytest.mark.parametrize("safe", [False, True], ids=["plain", "safe mode"])
def test_many_processes_on_one_file_never_see_it_locked(sqlite_url: str, safe: bool) -> None:
    app = Onward(settings=quick_settings(sqlite_url, database={"sqlite_safe_mode": safe}))
    app.job(name="work")(work)
    app.counts()
    command = [sys.executable, "-W", "error", "-c", SUBMITTER, sqlite_url]
    environment = {"ONWARD_DATABASE_SQLITE_SAFE_MODE": str(safe).lower(), "PATH": "/usr/bin"}
    children = [
        subprocess.Popen(
            [*command, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        for number in range(4)
    ]
    for child in children:
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
    worker = app.worker(concurrency=2)
    with worker:
        for child in children:
            assert child.stdin
            child.stdin.write("go\n")
            child.stdin.flush()
        codes = []
        for child in children:
            child.communicate(timeout=60)
            codes.append(child.returncode)
        until(lambda: app.counts()["pending"] == app.counts()["running"] == 0)
    assert codes == [0] * 4
    counts = app.counts()
    assert counts["completed"] + counts["cancelled"] == 160
    assert app.database.check() == []


def test_safe_mode_keeps_writers_apart_by_a_lock_of_its_own(sqlite_url: str) -> None:
    app = Onward(settings=quick_settings(sqlite_url, database={"sqlite_safe_mode": True}))
    app.job(name="work")(work)
    app.submit("work")
    store = app._store
    done = threading.Event()
    with store.transaction():
        other = Onward(settings=app.settings)
        other.job(name="work")(work)

        def submit() -> None:
            other.submit("work")
            done.set()

        thread = threading.Thread(target=submit)
        thread.start()
        assert not done.wait(0.1)
    thread.join(10)
    assert done.is_set()
    other.close()
    run_all(app)
    assert app.counts()["completed"] == 2
    app.close()


def test_backup_is_a_whole_database_of_its_own(sqlite_url: str, tmp_path: Path) -> None:
    app = Onward(settings=quick_settings(sqlite_url))
    app.job(name="work")(work)
    job = app.submit("work")
    app.database.backup(tmp_path / "copy.db")
    copy = Onward(settings=quick_settings(f"sqlite:///{tmp_path / 'copy.db'}"))
    assert copy.get(job.id).status == "pending"
    assert copy.database.check() == []


def test_writer_is_usable_after_a_statement_that_failed(sqlite_url: str) -> None:
    app = Onward(settings=quick_settings(sqlite_url))
    app.job(name="work")(work)
    app.counts()

    def fail(connection: object) -> None:
        connection.execute(text("INSERT INTO jobs (job_id) VALUES ('x')"))  # type: ignore[attr-defined]

    with pytest.raises(Exception, match="NOT NULL"):
        app._store.write(fail)
    assert app.submit("work").status == "pending"
    assert rows(app, "SELECT count(*) FROM jobs") == [(1,)]
