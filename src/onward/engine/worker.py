"""A worker: a process's machinery for running jobs, put together, started and stopped in order."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from onward import signals
from onward.authoring.registry import JobTypes
from onward.clock import Clock
from onward.engine import proof
from onward.engine.adopter import Adopter
from onward.engine.children import Children
from onward.engine.claimer import Claimer
from onward.engine.desk import Desk, stopped
from onward.engine.executor import Executor
from onward.engine.expirer import Expirer
from onward.engine.heartbeat import Heartbeat
from onward.engine.job_logging import capture
from onward.engine.outage import Outage
from onward.engine.overseer import Overseer
from onward.engine.pen import Pen
from onward.engine.pool import Pool
from onward.engine.rescuer import Rescuer
from onward.engine.service import Service
from onward.engine.spool import Do, doing
from onward.engine.teller import Teller
from onward.engine.timekeeper import Timekeeper
from onward.engine.writer import Writer
from onward.errors import JobLost, OnwardError, StoreUnavailable
from onward.events import Bus, WorkerStarted, WorkerStopped
from onward.model.ids import Ids
from onward.model.job import WorkerRecord
from onward.store import Connection, Store, claims, workers
from onward.store.session_lock import SessionLock
from onward.version import __version__

_log = logging.getLogger("onward.engine")
_SWITCH_SECONDS = 0.0005
_LAST_WORDS = 1.0
"""Seconds for what was pressed at the end of the grace to leave."""


class Worker:
    """Runs jobs. ``run`` blocks and handles signals; as a context manager it runs in the background.

    ``concurrency``: jobs at a time. ``queues``: names, or all. ``name``: shown to people.
    ``do``: does the requests that processes before it in its place could not hand on;
    without it the journals that they left are not for this worker.
    ``beside``: services that are started and stopped with it.
    """

    def __init__(
        self,
        store: Store,
        registry: JobTypes,
        clock: Clock,
        ids: Ids,
        bus: Bus,
        *,
        concurrency: int | None = None,
        queues: Sequence[str] | None = None,
        name: str | None = None,
        do: Do | None = None,
        beside: Sequence[Service] = (),
    ) -> None:
        settings = store.settings.worker
        self._store, self._registry, self._clock, self._ids, self._bus = store, registry, clock, ids, bus
        self.queues = tuple(settings.queues if queues is None else queues)
        self.slots = concurrency or settings.slots
        self._identity = proof.identity()
        self.name = name or settings.name or f"{self._identity.host}-{os.getpid()}"
        self.id = ids.new()
        self._lock_key = clock.random_bits(62)
        self._lock = SessionLock(store, self._lock_key)
        self._stop_asked = threading.Event()
        self._hurry = threading.Event()
        self._news = threading.Event()
        self._is_running = self._is_blocking = False
        self._life: proof.LifeFile | None = None
        self._stop_listening: list[Any] = []
        self._children = Children(store.url, store.settings)
        self._pen = Pen(store, ids, self._my_id)
        self._teller = Teller(bus, self.name)
        self._outage = Outage(store, clock, ids, self._pen, self._my_id, self._teller)
        self._writer = Writer(store, clock, self._pen, self._outage, self._teller, self._news.set)
        self._executor = Executor(store, registry, self._writer, clock, ids, self._children.drive, self._teller)
        self.pool = Pool(self.slots, self._executor, self._left)
        self._overseer = Overseer(store, self.pool, clock, self._my_id)
        self._heartbeat = Heartbeat(
            store, clock, self._my_id, self._lock, self._children, self._taken_for_dead, self._wished
        )
        silence = self._heartbeat.silence
        self._claimer = Claimer(
            store, registry, self.pool, self._executor, clock, ids, self._my_id, self.queues, silence=silence
        )
        self._timekeeper = Timekeeper(store.settings, self.pool, clock, bus, silence)
        self._expirer = Expirer(store, clock, ids)
        self._adopter = Adopter(store, ids, self._teller.ended, doing(do)) if do is not None else None
        self._rescuer = Rescuer(store, clock, ids, bus, self._my_id, self._life_folder(), self._adopter)
        self._beside = tuple(beside)

    # ---- running --------------------------------------------------------------------------------------------

    def run(self, until_idle: bool = False) -> int:
        """Work until told to stop (SIGTERM, SIGINT, ``stop``), or until nothing is left that can be done now.

        A signal drains: nothing new is begun, jobs reach a checkpoint within the grace time, the rest is handed
        back. A second one hurries. Returns the exit code: 0, or 75 when code that would not leave is still there.
        """
        self._is_blocking = True
        with signals.heard(lambda _number: self.ask_to_stop()):
            self.start()
            # What is there now stays: the collector need not look at it again and again.
            gc.freeze()
            # Runs, claims and commits are short: whoever waits for the interpreter shall not wait 5 ms for it.
            interval = sys.getswitchinterval()
            sys.setswitchinterval(_SWITCH_SECONDS)
            try:
                while not self._stop_asked.is_set():
                    if until_idle and self.is_idle():
                        break
                    self._clock.wait(self._news, 0.2 if until_idle else 1.0)
                    self._news.clear()
                    if self.pool.leaked >= self.slots:
                        break
            finally:
                sys.setswitchinterval(interval)
                has_leaked = self.pool.leaked > 0
                self.stop()
        return 75 if has_leaked else 0

    def start(self) -> None:
        """Begin to work in the background. Raises ``StoreUnavailable``."""
        if self._is_running:
            raise OnwardError("This worker is running already.", hint="Make another one with app.worker().")
        if os.name == "nt":
            raise OnwardError("Workers run on Linux and macOS.", hint="On Windows, submit and watch jobs only.")
        self._store.prepare()
        self._is_running = True
        capture()
        # What those before us in this place could not write comes before anything of ours.
        if self._adopter is not None:
            self._adopter.adopt()
        self._enter()
        ring = self._store.doorbell.listen
        ears = [self._claimer.wake, self._overseer.ring, *(service.wake for service in self._beside)]
        self._stop_listening = [ring(ear) for ear in ears]
        for service in self._services():
            service.start()
        self._bus.tell(WorkerStarted(worker=self.name, concurrency=self.slots, queues=self.queues))

    def stop(self, timeout: float | None = None) -> None:
        """Drain within ``timeout`` seconds (the setting's grace), hand back the rest, and end."""
        self._stop_asked.set()
        if not self._is_running:
            return
        self._is_running = False
        grace = self._store.settings.worker.grace_seconds if timeout is None else timeout
        interrupted = self._drain(grace)
        for service in (
            self._claimer, self._rescuer, self._expirer, self._overseer, self._timekeeper, *self._beside,
        ):  # fmt: skip
            service.stop()
        if not self._writer.drain(max(2.0, grace)):
            _log.error("Neither database nor journal can be written; what was not is done again.")
        self._outage.stop()
        self._outage.close()
        self._heartbeat.stop()
        self._leave()
        self._bus.tell(WorkerStopped(worker=self.name, interrupted=interrupted))

    def ask_to_stop(self) -> None:
        """Have ``run`` come to an end. A second call hurries."""
        if self._stop_asked.is_set():
            self._hurry.set()
        self._stop_asked.set()
        self._news.set()

    def is_idle(self) -> bool:
        """Whether nothing runs and nothing can be claimed now; looks for work by itself."""
        before = self._claimer.claimed
        if self.pool.active or not self._writer.is_idle or self._outage.is_on:
            return False
        try:
            found = self._claimer.claim(self.slots)
            is_left = found > 0 or self._claimer.is_anything_left()
        except StoreUnavailable:
            # Nobody knows what could be claimed.
            return False
        is_quiet = not is_left and not self.pool.active and self._writer.is_idle
        # A job that came and went meanwhile may have made others.
        return is_quiet and self._claimer.claimed == before

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ---- being there ----------------------------------------------------------------------------------------

    def _my_id(self) -> str:
        return self.id

    def _services(self) -> tuple[Service, ...]:
        return (
            self._writer, self._outage, self._heartbeat, self._rescuer, self._expirer, self._claimer, self._overseer,
            self._timekeeper, *self._beside,
        )  # fmt: skip

    def _life_folder(self) -> Path | None:
        path = self._store.sqlite_path
        return path.with_name(path.name + ".workers") if path is not None else None

    def _enter(self) -> None:
        folder = self._life_folder()
        if folder is not None:
            self._life = proof.LifeFile(folder, self.id)
        self._lock.hold()
        here, now = self._identity, self._store.now()
        record = WorkerRecord(
            id=self.id,
            name=self.name,
            host=here.host,
            pid=here.pid,
            queues=self.queues,
            job_types=tuple(sorted(f"{name}@{kind.version}" for name, kind in self._registry.as_mapping().items())),
            slots=self.slots,
            state="online",
            version=__version__,
            started_at=now,
            seen_at=now,
            lease_seconds=self._store.settings.worker.lease_seconds,
            boot_id=here.boot_id,
            pid_namespace=here.pid_namespace,
            pid_started=here.pid_started,
        )
        self._store.write(lambda conn: workers.register(conn, self._store.dialect, record, self._lock_key))

    def _leave(self) -> None:
        for stop in self._stop_listening:
            stop()
        self._try(lambda: self._say("stopped"))
        self._lock.let_go()
        if self._life is not None:
            self._life.close()
        self.pool.stop()
        self._children.close()

    def _taken_for_dead(self) -> None:
        """Others have our jobs: nothing of theirs may be written any more, and we begin again as somebody new."""
        for desk in list(self.pool.active.values()):
            desk.lose()
        self.pool.take_back()
        old, self._life = self._life, None
        self.id = self._ids.new()
        self._enter()
        if old is not None:
            old.close()
        self._claimer.wake()

    def _wished(self, wish: str) -> None:
        """Somebody wants us to take no more, or to leave."""
        if self._claimer.is_open:
            _log.info("Worker %s was asked to %s.", self.name, wish)
            self._try(self._claimer.close)
            self._try(lambda: self._say("draining"))
        if wish == "stop" and not self._stop_asked.is_set():
            self.ask_to_stop()
            if not self._is_blocking:
                threading.Thread(target=self.stop, name="onward-stop", daemon=True).start()

    # ---- leaving --------------------------------------------------------------------------------------------

    def _drain(self, grace: float) -> int:
        self._claimer.is_open = False
        self._try(self._claimer.close)
        self._try(lambda: self._say("draining"))
        desks = list(self.pool.active.values())
        for desk in desks:
            desk.is_draining = True
            desk.ask_to_leave(stopped(desk.claim.job_id, "the worker is shutting down"))
            if desk.press_child is not None:
                desk.press_child(0)
        self._wait_left(grace)
        for step in (1, 2):
            for desk in list(self.pool.active.values()):
                self._timekeeper.press(desk, step)
            self._wait_left(_LAST_WORDS if step == 1 else 0.2)
        rest = list(self.pool.active.values())
        if rest:
            self._try(lambda: self._release(rest))
        return len(desks)

    def _wait_left(self, seconds: float) -> None:
        deadline = self._clock.monotonic() + seconds
        while self.pool.active and self._clock.monotonic() < deadline:
            if self._hurry.is_set() and seconds > _LAST_WORDS:
                return
            self._clock.wait(threading.Event(), 0.005)

    def _release(self, rest: list[Desk]) -> None:
        """Give back what would not leave: a new fence keeps its code from writing."""
        for desk in rest:
            desk.save_last()
        self._writer.drain(2.0)
        self._writer.start()

        def work(conn: Connection) -> None:
            now = self._store.now()
            for desk in rest:
                claims.release(conn, self._store.dialect, desk.claim, now)

        self._store.write(work)
        for desk in rest:
            desk.interrupt = JobLost("The worker has given the job back.")

    def _say(self, state: str) -> None:
        now = self._store.now()
        self._store.write(lambda conn: workers.set_state(conn, self._store.dialect, self.id, state, now))

    def _try(self, act: Any) -> None:
        """Something for the database; not waited for while it is known to be away."""
        if self._outage.is_on:
            return
        try:
            act()
        except StoreUnavailable as error:
            _log.warning("While stopping: %s", error)

    # ---- what the services tell -----------------------------------------------------------------------------

    def _left(self, desk: Desk) -> None:
        self._claimer.ran(self._clock.monotonic() - desk.begun)
        if len(self.pool.active) <= self._claimer.low_water:
            self._claimer.wake()
