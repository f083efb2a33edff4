"""The stage: the database, a proxy for each actor, the processes of workers and clients, and an observer in the
database that notes every write which comes under another fence than the job's."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit, urlunsplit

from chaos.actor import Part, make_app
from chaos.notes import Control, Fault, boottime, write_fault
from chaos.proxy import Mode, Proxies, Proxy
from onward import Onward
from tests.servers import Postgres

_FILL_SIZE = "256m"
_BEGIN = (
    "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); "
    "from {module} import main; sys.exit(main())"
)
"""A signal that comes before the application is there ends the process in order all the same."""
_WATCHED = ("checkpoints", "job_steps", "job_partials")
_SQLITE_OBSERVER = """
CREATE TABLE effects (job_id TEXT NOT NULL, generation INTEGER NOT NULL);
CREATE TABLE chaos_audit (what TEXT, job_id TEXT, fence INTEGER, job_fence INTEGER, owner TEXT);
{triggers}
CREATE TRIGGER chaos_events AFTER INSERT ON job_events WHEN NEW.kind = 'completed' BEGIN
 INSERT INTO chaos_audit SELECT 'verdict', NEW.job_id, NEW.fence, fence, worker_id FROM jobs
 WHERE job_id = NEW.job_id AND parent_id IS NOT NULL AND fence <> NEW.fence; END
"""
_SQLITE_TRIGGER = """
CREATE TRIGGER chaos_{table}_{when} AFTER {when} ON {table} BEGIN
 INSERT INTO chaos_audit SELECT '{table}', NEW.job_id, NEW.fence, fence, worker_id FROM jobs
 WHERE job_id = NEW.job_id AND (fence <> NEW.fence OR worker_id IS NULL); END
"""
_PG_OBSERVER = """
CREATE TABLE effects (job_id TEXT NOT NULL, generation INTEGER NOT NULL);
CREATE TABLE chaos_audit (what TEXT, job_id TEXT, fence BIGINT, job_fence BIGINT, owner TEXT);
CREATE FUNCTION chaos_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
 INSERT INTO chaos_audit SELECT TG_TABLE_NAME, NEW.job_id, NEW.fence, fence, worker_id FROM jobs
 WHERE job_id = NEW.job_id AND (fence <> NEW.fence OR worker_id IS NULL); RETURN NULL; END $$;
"""


@dataclass
class Actor:
    """One actor and its process of the moment."""

    part: Part
    proxy: Proxy | None = None
    process: subprocess.Popen[bytes] | None = None
    control: Control | None = None
    is_stopped: bool = False
    begun: int = 0
    expected_exit: str = ""
    restart_at: int = 0
    seen_at: int = 0
    """When it was last seen alive."""

    @property
    def lives(self) -> bool:
        """Whether its process is there."""
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid if self.process is not None else 0


@dataclass
class Stage:
    """All that runs. It ends only what it has started, by its process id."""

    folder: Path
    store: str
    seed: int
    lease_seconds: float
    plant: str = ""
    jobs: tuple[str, ...] = ()
    workers: list[Actor] = field(default_factory=list)
    clients: list[Actor] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    app: Onward = field(init=False)
    server: Postgres | None = None
    mount: Path | None = None
    preload: str = ""
    _proxies: Proxies | None = None
    _logs: list[IO[bytes]] = field(default_factory=list)

    def build(self, workers: int, clients: int, rate: float) -> None:
        """Make the database and start everybody."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.preload = self._compile_clock()
        url = self._make_database()
        self.app = make_app(url, self.lease_seconds)
        self.app._store.prepare()
        self._observe()
        for name, count, found in (("worker", workers, self.workers), ("client", clients, self.clients)):
            for number in range(count):
                found.append(self._actor(f"{name}-{number}", url, rate))
        for actor in (*self.workers, *self.clients):
            self.start(actor)

    def start(self, actor: Actor) -> None:
        """Start the process of an actor."""
        module = "chaos.worker" if actor in self.workers else "chaos.client"
        log = (self.folder / f"{actor.part.name}.log").open("ab")
        self._logs.append(log)
        preload = self.preload if actor in self.workers else ""
        actor.process = subprocess.Popen(
            [sys.executable, "-c", _BEGIN.format(module=module)],
            env=actor.part.environment(preload), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        if actor.control is not None:
            actor.control.set_ready(False)
        self.note("began", actor.part.name, actor.process.pid, boottime(), boottime())
        actor.begun = actor.seen_at = boottime()
        actor.is_stopped, actor.expected_exit, actor.restart_at = False, "", 0

    def note(self, kind: str, actor: str, pid: int, begin: int, end: int, more: str = "") -> None:
        """Write down what was done to whom."""
        write_fault(self.folder / "faults.jsonl", Fault(kind, actor, pid, begin, end, more))

    def change_proxy(self, actor: Actor, mode: Mode, cut_bytes: int = 0) -> None:
        """Have an actor's proxy misbehave, or be good again."""
        if actor.proxy is not None and self._proxies is not None:
            actor.proxy.cut_bytes = cut_bytes or actor.proxy.cut_bytes
            self._proxies.change(actor.proxy, mode)

    def fill(self) -> Path | None:
        """Take all room that is left where the database lies; the file to remove for it to come back."""
        if self.mount is None:
            return None
        filler = self.mount / "filler"
        with contextlib.suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(bytes(1 << 16))
                file.flush()
        return filler

    def close(self) -> None:
        """End everybody and everything that was started here."""
        for actor in (*self.workers, *self.clients):
            if actor.lives and actor.process is not None:
                actor.process.send_signal(signal.SIGCONT)
                actor.process.kill()
                actor.process.wait()
        with contextlib.suppress(Exception):
            self.app.close()
        if self._proxies is not None:
            self._proxies.close()
        if self.server is not None:
            self.server.close()
        for log in self._logs:
            log.close()
        if self.mount is not None:
            subprocess.run(["umount", "-l", str(self.mount)], check=False, capture_output=True)
            self.mount = None

    # ---- building -------------------------------------------------------------------------------------------

    def _actor(self, name: str, url: str, rate: float) -> Actor:
        proxy = None
        if self._proxies is not None:
            parts = urlsplit(url)
            proxy = self._proxies.add((parts.hostname or "127.0.0.1", parts.port or 5432))
            place = f"{parts.username}:{parts.password}@127.0.0.1:{proxy.port}"
            url = urlunsplit(parts._replace(netloc=place))
        is_elsewhere = self.store == "pg" and name[-1] in "13579"
        part = Part(
            name, str(self.folder), url, self.seed, self.lease_seconds, rate=rate, plant=self.plant,
            is_elsewhere=is_elsewhere, jobs=list(self.jobs),
        )  # fmt: skip
        return Actor(part, proxy, control=Control(part.control))

    def _make_database(self) -> str:
        if self.store == "sqlite":
            return f"sqlite:///{self._small_disk() / 'onward.db'}"
        self.server = Postgres()
        self._proxies = Proxies()
        return self.server.create()

    def _small_disk(self) -> Path:
        """A file system of a fixed size for the database, where this user may mount one."""
        place = self.folder / "disk"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={_FILL_SIZE}", "chaos", str(place)]
        try:
            is_mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0
        except OSError:
            is_mounted = False
        if is_mounted:
            self.mount = place
        else:
            self.said.append("disk full is left out: no file system can be mounted here")
        return place

    def _compile_clock(self) -> str:
        """The library that shifts clocks, or an empty text where there is no C compiler."""
        library = self.folder / "clock.so"
        source = Path(__file__).with_name("clock.c")
        try:
            command = ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
            done = subprocess.run(command, check=False, capture_output=True)
        except OSError:
            done = None
        if done is None or done.returncode:
            self.said.append("clock jumps are left out: there is no C compiler here")
            return ""
        return str(library)

    def _observe(self) -> None:
        store = self.app._store
        if self.store == "sqlite":
            triggers = "".join(
                _SQLITE_TRIGGER.format(table=table, when=when) + ";"
                for table in _WATCHED
                for when in ("INSERT", "UPDATE")
            )
            script = _SQLITE_OBSERVER.format(triggers=triggers)
            with store.transaction() as conn:
                for statement in _statements(script):
                    store.dialect.execute(conn, statement, [])
            return
        with store.transaction() as conn:
            conn.exec_driver_sql(_PG_OBSERVER)
            for table in _WATCHED:
                conn.exec_driver_sql(
                    f"CREATE TRIGGER chaos_{table} AFTER INSERT OR UPDATE ON {table} "
                    "FOR EACH ROW EXECUTE FUNCTION chaos_note()"
                )


def _statements(script: str) -> list[str]:
    """The statements of a script; a trigger ends with END."""
    found, rest = [], ""
    for line in script.splitlines():
        rest += line + "\n"
        is_inside = "BEGIN" in rest and not rest.rstrip().rstrip(";").endswith("END")
        if rest.strip().endswith((";", "END")) and not is_inside and rest.strip(" ;\n"):
            found.append(rest.strip().rstrip(";"))
            rest = ""
    return found


def wait_until(fact: Callable[[], bool], seconds: float) -> bool:
    """Whether it became true in time."""
    deadline = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def lives(pid: int) -> bool:
    """Whether this process is there and no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def is_stopped(pid: int) -> bool:
    """Whether this process is stopped by a signal."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] in "Tt"
    except OSError:
        return False


def end(pid: int) -> None:
    """End a process of ours that outlived its parent."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
