"""The show: does what the plan says at its time, starts again what has died, heals, and waits until all is done.

It is one file, a little long, since every kind of fault is a few lines here that share the turns of one loop.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from chaos.notes import Ledger, Pulse, boottime
from chaos.plan import Planned, counts
from chaos.proxy import Mode
from chaos.stage import Actor, Stage, is_stopped, lives, wait_until
from onward.errors import StoreUnavailable

_ORPHAN_SECONDS = 2.0
_LONGEST_ORPHAN_SECONDS = 8.0
"""On a crowded machine; what nobody ends lives longer still."""
_TURN_SECONDS = 0.02
_PATIENCE_SECONDS = 120.0
"""How long what could not be done in time, for want of somebody to do it to, may still be done."""
_DRAIN_SECONDS = 1800.0
"""The end of all patience: while jobs move on, a slow machine is nobody's fault."""
_SECOND = 1_000_000_000


@dataclass
class Show:
    """One run on a stage."""

    stage: Stage
    plan: list[Planned]
    seconds: float
    done: Counter[str] = field(default_factory=Counter)
    exits: Counter[str] = field(default_factory=Counter)
    orphans: list[str] = field(default_factory=list)
    children_checked: int = 0
    slow_exits: list[str] = field(default_factory=list)
    drained_after: float = 0.0
    is_drained: bool = False
    _later: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: Any = field(default_factory=itertools.count)
    _chance: random.Random = field(default_factory=lambda: random.Random(1))
    _is_server_up: bool = True
    _is_healing: bool = False

    def run(self) -> None:
        """The whole of it."""
        # Whoever looks at the database from outside of all proxies, and waits for long while the server runs, is
        # short of room as everybody is.
        pulse = Pulse(self.stage.folder, "*", self.stage.lease_seconds / 3, self._look)
        pulse.start()
        try:
            self._run()
        finally:
            pulse.stop()

    def _look(self) -> None:
        if self._is_server_up and self.stage.server is not None:
            with contextlib.suppress(Exception):
                self._left()

    def _run(self) -> None:
        wait_until(self._all_are_online, 120)
        begun = time.monotonic()
        for planned in self.plan:
            self._at(begun + planned.at, partial(self._do, planned))
        while time.monotonic() < begun + self.seconds or (
            self._is_behind() and time.monotonic() < begun + self.seconds + _PATIENCE_SECONDS
        ):
            self._turn()
        self._heal()
        (self.stage.folder / "stop").touch()
        healed = time.monotonic()
        self._drain(healed)
        self.drained_after = time.monotonic() - healed
        self._end_workers()

    def _is_behind(self) -> bool:
        """Whether something of the plan could not be done yet, for want of somebody to do it to."""
        return any(self.done[kind] < count for kind, count in counts(self.plan).items())

    # ---- turns ----------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        while self._later and self._later[0][0] <= time.monotonic():
            heapq.heappop(self._later)[2]()
        self._look_after_workers()
        time.sleep(_TURN_SECONDS)

    def _at(self, when: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._later, (when, next(self._order), act))

    def _in(self, seconds: float, act: Callable[[], None]) -> None:
        self._at(time.monotonic() + seconds, act)

    def _look_after_workers(self) -> None:
        for actor in self.stage.workers:
            now = boottime()
            if actor.process is None or actor.process.poll() is None:
                actor.seen_at = now
                continue
            if actor.restart_at == 0:
                self._has_ended(actor, now)
                actor.restart_at = now + int(self._chance.uniform(0.05, 1.0) * _SECOND)
            elif now >= actor.restart_at:
                self.stage.start(actor)

    def _has_ended(self, actor: Actor, now: int) -> None:
        process = actor.process
        if process is None:
            return
        code, pid = process.returncode, process.pid
        name = actor.expected_exit or "unasked"
        self.exits[f"{name} {code}"] += 1
        # Since it was last seen alive: a turn that was long, on a crowded machine, is no part of the truth.
        self.stage.note("died", actor.part.name, pid, actor.seen_at, now, f"{name} {code}")
        if code == -signal.SIGKILL:
            self._in(_orphan_seconds(), lambda: self._look_for_orphans(pid))

    def _look_for_orphans(self, worker: int) -> None:
        for line in Ledger(self.stage.folder / "ledger").lines():
            if line.kind != "pids" or line.step != str(worker):
                continue
            for pid in map(int, line.more.split()):
                self.children_checked += 1
                if lives(pid):
                    self.orphans.append(f"process {pid} of job {line.job} outlived its worker {worker}")

    # ---- faults ---------------------------------------------------------------------------------------------

    def _do(self, planned: Planned) -> None:
        if self._is_healing:
            return
        match planned.kind:
            case "kill":
                self._kill(planned)
            case "stop":
                self._stop(planned)
            case "stop inside":
                self._stop_inside(planned)
            case "terminate":
                self._terminate_all(planned)
            case "clock":
                self._shift_clock(planned)
            case "disk full":
                self._fill_disk(planned)
            case "pg terminate":
                self._terminate_sessions(planned)
            case kind if kind.startswith("proxy"):
                self._misbehave(planned)
            case _:
                self._stop_server(planned)

    def _victim(self, planned: Planned, *, running: bool = True) -> Actor | None:
        """A worker that lives; the next one where the one that was drawn does not."""
        workers = self.stage.workers
        for offset in range(len(workers)):
            actor = workers[(planned.target + offset) % len(workers)]
            if actor.lives and not (running and actor.is_stopped) and not actor.expected_exit:
                return actor
        return None

    def _again(self, planned: Planned) -> None:
        """There is nobody to do it to at this moment."""
        if not self._is_healing:
            self._in(0.1, lambda: self._do(planned))

    def _kill(self, planned: Planned) -> None:
        actor = self._victim(planned, running=False)
        if actor is None or actor.process is None:
            self._again(planned)
            return
        now = boottime()
        actor.expected_exit = "kill"
        self.stage.note("kill", actor.part.name, actor.pid, now, now)
        actor.process.kill()
        self.done["kill"] += 1

    def _stop(self, planned: Planned) -> None:
        actor = self._victim(planned)
        if actor is None or actor.process is None:
            self._again(planned)
            return
        begin = boottime()
        actor.is_stopped = True
        actor.process.send_signal(signal.SIGSTOP)
        self.done["stop"] += 1
        if planned.seconds > self.stage.lease_seconds:
            self.done["stop longer than the lease"] += 1
        self._in(planned.seconds, lambda: self._go_on("stop", actor, actor.pid, begin))

    def _go_on(self, kind: str, actor: Actor, pid: int, begin: int) -> None:
        if actor.pid == pid and actor.lives and actor.process is not None:
            actor.process.send_signal(signal.SIGCONT)
            actor.is_stopped = False
        self.stage.note(kind, actor.part.name, pid, begin, boottime())

    def _stop_inside(self, planned: Planned) -> None:
        actor = self._victim(planned)
        if actor is None or actor.control is None:
            self._again(planned)
            return
        pid = actor.pid
        actor.control.ask_to_stop_inside()
        actor.is_stopped = True
        self._in(0.05, lambda: self._see_stopped(planned, actor, pid, 40))

    def _see_stopped(self, planned: Planned, actor: Actor, pid: int, tries: int) -> None:
        if is_stopped(pid):
            begin = boottime() - _SECOND // 10
            self.done["stop inside"] += 1
            # No longer than a transaction may be idle: PostgreSQL would end it, and that is another fault.
            self._in(planned.seconds, lambda: self._go_on("stop inside", actor, pid, begin))
        elif tries and actor.pid == pid and actor.lives and not self._is_healing:
            self._in(0.05, lambda: self._see_stopped(planned, actor, pid, tries - 1))
        else:
            if actor.control is not None:
                actor.control.take_stop()
            self._go_on("stop inside", actor, pid, boottime())
            self._again(planned)

    def _terminate_all(self, planned: Planned) -> None:
        """A rolling restart: everybody is asked to stop, one after the other."""
        for number, actor in enumerate(self.stage.workers):
            self._in(number * 0.3, partial(self._terminate, actor))
        self.done["terminate"] += 1

    def _terminate(self, actor: Actor) -> None:
        now = boottime()
        is_young = actor.control is not None and not actor.control.is_ready
        if not actor.lives or actor.process is None or actor.is_stopped or is_young or self._is_healing:
            return
        if actor.expected_exit:
            return
        actor.expected_exit = "terminate"
        self.stage.note("terminate", actor.part.name, actor.pid, now, now)
        actor.process.send_signal(signal.SIGTERM)
        # One that is asked to stop while the database is away may take its grace twice, and no longer.
        pid = actor.pid
        self._in(20 * _crowd(), lambda: self._see_ended(actor, pid, 20))

    def _see_ended(self, actor: Actor, pid: int, tries: int) -> None:
        if actor.pid != pid or not actor.lives or actor.process is None or self._is_healing:
            return
        if tries and (actor.is_stopped or not self._is_server_up):
            self._in(1, lambda: self._see_ended(actor, pid, tries - 1))
            return
        self.slow_exits.append(f"{actor.part.name} (process {pid}) did not end in time after SIGTERM: see its log")
        actor.process.send_signal(signal.SIGUSR2)
        self._in(1, actor.process.kill)

    def _shift_clock(self, planned: Planned) -> None:
        actor = self.stage.workers[planned.target % len(self.stage.workers)]
        if actor.control is None:
            return
        control, begin = actor.control, boottime()
        control.shift_clock(planned.more)
        self.done["clock"] += 1

        def back() -> None:
            control.shift_clock(0)
            self.stage.note("clock", actor.part.name, actor.pid, begin, boottime(), str(planned.more))

        self._in(planned.seconds, back)

    def _fill_disk(self, planned: Planned) -> None:
        filler, begin = self.stage.fill(), boottime()
        if filler is None:
            return
        self.done["disk full"] += 1

        def empty() -> None:
            filler.unlink(missing_ok=True)
            self.stage.note("disk full", "*", 0, begin, boottime())

        self._in(planned.seconds, empty)

    def _misbehave(self, planned: Planned) -> None:
        everybody = [*self.stage.workers, *self.stage.clients]
        actor = everybody[planned.target % len(everybody)]
        if actor.proxy is not None and actor.proxy.mode is not Mode.PASS:
            self._again(planned)
            return
        begin = boottime()
        self.stage.change_proxy(actor, Mode(planned.kind.removeprefix("proxy ")), planned.more)
        self.done[planned.kind] += 1

        def back() -> None:
            self.stage.change_proxy(actor, Mode.PASS)
            self.stage.note(planned.kind, actor.part.name, actor.pid, begin, boottime())

        self._in(planned.seconds, back)

    def _stop_server(self, planned: Planned) -> None:
        server = self.stage.server
        if server is None or not self._is_server_up:
            self._again(planned)
            return
        begin = boottime()
        self._is_server_up = False
        if planned.kind == "pg restart":
            server.stop()
        else:
            server.kill()
        self.done[planned.kind] += 1

        def back() -> None:
            server.start()
            self._is_server_up = True
            self.stage.note(planned.kind, "*", 0, begin, boottime())

        self._in(planned.seconds, back)

    def _terminate_sessions(self, planned: Planned) -> None:
        if not self._is_server_up or self.stage.server is None:
            self._again(planned)
            return
        now = boottime()
        sql = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'onward' "
            "AND pid <> pg_backend_pid()"
        )
        with contextlib.suppress(Exception):
            self.stage.server.run(sql)
        self.stage.note("pg terminate", "*", 0, now, boottime())
        self.done["pg terminate"] += 1

    # ---- the end --------------------------------------------------------------------------------------------

    def _all_are_online(self) -> bool:
        return len(self.stage.app.workers.list()) >= len(self.stage.workers)

    def _heal(self) -> None:
        """Whatever is still to be undone is undone now; what has not begun is not begun any more."""
        self._is_healing = True
        while self._later:
            heapq.heappop(self._later)[2]()
        for actor in self.stage.workers:
            if actor.lives and actor.process is not None:
                if actor.control is not None:
                    actor.control.take_stop()
                actor.process.send_signal(signal.SIGCONT)
                actor.is_stopped = False

    def _drain(self, healed: float) -> None:
        """Until nothing is left to do, or nothing has moved for long."""
        moved, last = time.monotonic(), -1
        while time.monotonic() - healed < _DRAIN_SECONDS:
            self._turn()
            left = self._left()
            if left == 0 and not any(client.lives for client in self.stage.clients):
                self.is_drained = True
                return
            if left != last:
                moved, last = time.monotonic(), left
            if time.monotonic() - moved > max(30.0, 10 * self.stage.lease_seconds) * _crowd():
                return
            time.sleep(0.2)

    def _left(self) -> int:
        """How many jobs are not ended; the paused and those that wait for a person are not counted."""
        sql = (
            "SELECT count(*) FROM jobs WHERE (status IN ('pending', 'running') AND paused_by IS NULL) "
            "OR (status IN ('cancelled', 'failed', 'completed') AND worker_id IS NOT NULL)"
        )
        try:
            with self.stage.app._store.read() as conn:
                return int(self.stage.app._store.dialect.query(conn, sql, [])[0][0])
        except StoreUnavailable:
            return -1

    def _end_workers(self) -> None:
        """Everybody is asked to stop; all are healthy now, so all must end in time and in order."""
        wait_until(
            lambda: all(actor.control is None or actor.control.is_ready for actor in self.stage.workers), 20 * _crowd()
        )
        living = [actor for actor in self.stage.workers if actor.lives]
        for actor in living:
            if actor.process is not None and not actor.expected_exit:
                actor.expected_exit = "last"
                actor.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not any(actor.lives for actor in living), 15 * _crowd())
        for actor in living:
            if actor.lives:
                self.slow_exits.append(
                    f"{actor.part.name} (process {actor.pid}) did not end in time after SIGTERM: see its log"
                )
                if actor.process is not None:
                    actor.process.send_signal(signal.SIGUSR2)
                    time.sleep(1)
            elif actor.process is not None:
                self.exits[f"{actor.expected_exit} {actor.process.returncode}"] += 1


def _orphan_seconds() -> float:
    """How long after its worker a child may be seen: longer where each process has only a share of a core."""
    return min(_LONGEST_ORPHAN_SECONDS, _ORPHAN_SECONDS * _crowd())


def _crowd() -> float:
    """How many want each core, at least one."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
