"""A player of a simulation: one process through its lives, in a thread that goes on only when it is its turn."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

from onward.app import Onward
from onward.clock import ManualClock
from onward.engine.desk import Desk
from onward.engine.writer import Change
from onward.errors import StoreUnavailable
from onward.settings import Settings
from onward.testing.plan import Chance

_LATENCY_SECONDS = 4.0
_BORN_SECONDS = 20.0


class Scene(Protocol):
    """Where it is played."""

    time: ManualClock
    settings: Settings
    seed: int
    outage_until: float

    @property
    def now(self) -> float: ...
    def at(self, when: float, act: Callable[[], None]) -> None: ...
    def note(self, who: str, what: str) -> None: ...
    def wrong(self, what: str) -> None: ...
    def named(self, job_id: str) -> str: ...
    def births(self) -> int: ...
    def new_app(self, clock: Any, machine: str) -> Onward: ...
    def was_claimed(self, desk: Desk) -> None: ...
    def was_written(self, change: Change) -> None: ...
    def was_committed(self) -> None: ...


class Killed(BaseException):
    """This process is no more: whatever its code tries, it is told so."""


class Wall:
    """The clock of one machine: the time of all, its own wall clock, and chance from the seed."""

    def __init__(self, time: ManualClock, seed: int, wait: Callable[[float], None] | None = None) -> None:
        self._time, self._wait = time, wait
        self._bits = ManualClock(seed=seed)
        self.skew = timedelta()

    def now(self) -> datetime:
        return self._time.now() + self.skew

    def monotonic(self) -> float:
        return self._time.monotonic()

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        if self._wait is not None:
            self._wait(1.0 if seconds is None else seconds)
        return event.is_set()

    def random_bits(self, bits: int) -> int:
        return self._bits.random_bits(bits)

    def random_bytes(self, count: int) -> bytes:
        return self._bits.random_bytes(count)


class _Baton:
    """What one thread gives and another waits for; once given it stays given, however often."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def give(self) -> None:
        """The other may go on. One thread at a time gives."""
        with contextlib.suppress(RuntimeError):  # it was given already
            self._lock.release()

    def take(self) -> None:
        """Wait until it is given."""
        self._lock.acquire()


class Player:
    """One process through its lives: a thread that goes on only when it is its turn. What it does there, each kind
    of player says."""

    kind = "player"

    def __init__(self, theatre: Scene, number: int, seed: int) -> None:
        self.theatre, self.number = theatre, number
        self.name = f"{self.kind} {number}"
        self.chance = Chance(seed)
        self.wall = Wall(theatre.time, seed, self.pause)
        self.doom = ""
        self.is_dead = True
        self.is_busy = False
        self.stopped_until = self.cut_until = -1.0
        self._app: Onward | None = None
        self._go, self._back = _Baton(), _Baton()
        self._thread: threading.Thread | None = None
        self._is_inside = False
        self._life = 0

    def be_born(self) -> None:
        """A new process with a thread that works."""
        self._life = self.theatre.births()
        self.doom, self.is_dead, self.is_busy = "", False, False
        self.stopped_until = -1.0
        self.wall.skew = timedelta()
        self._thread = threading.Thread(target=self._live, name=f"simulated-{self._life}", daemon=True)
        self._thread.start()
        self.theatre.at(self.theatre.now, self._turn)
        self.begin_services(self._life)

    def begin_services(self, life: int) -> None:
        """What has turns of its own beside the thread, in this life."""

    def live(self, app: Onward) -> None:
        """What the thread does, in one life, with an application of its own."""
        raise AssertionError(f"every player has a life of its own in {app!r}")

    def fall(self) -> None:
        """What the system does for the dead."""

    def written(self) -> None:
        """A transaction is committed, and nobody has heard of it yet."""
        self.theatre.was_committed()

    def heal(self) -> None:
        """Nothing keeps it any more; one that is to die dies later, or not at all."""
        self.stopped_until = self.cut_until = -1.0
        self.wall.skew = timedelta()
        self.doom = ""

    def die_idle(self) -> None:
        """One that was to die at its next word with the database, and had none, dies now."""
        if self.doom and not self.is_dead and not self.is_busy:
            self._die()

    def end(self) -> None:
        """Let its thread end."""
        self.is_dead = True
        if self._thread is not None and self._thread.is_alive():
            self._go.give()
            self._thread.join(10)

    def close(self) -> None:
        """Close its connections."""
        self.end()
        if self._app is not None:
            self._app.close()

    # ---- turns ----------------------------------------------------------------------------------------------

    def pause(self, seconds: float) -> None:
        """Let others have their turns for so long."""
        if not self._is_inside:
            return
        self.alive()
        self.theatre.at(self.theatre.now + max(0.0, seconds), self._turn)
        self._yield()

    def alive(self) -> None:
        """What the code of the dead would do is not done."""
        if self.is_dead:
            raise Killed

    def before(self) -> None:
        """On the way to the database."""
        self.alive()
        if self._is_inside:
            self.pause(self.chance.between(0.1, 2) * _LATENCY_SECONDS)
            if self.doom == "kill":
                self._die()
                raise Killed
        if self.theatre.now < max(self.cut_until, self.theatre.outage_until):
            raise StoreUnavailable("The database is away, as the simulation wants it.")

    def after(self) -> None:
        """It was committed; the word of it is on its way."""
        self.alive()
        if not self._is_inside:
            return
        if self.doom == "kill after":
            self._die()
            raise Killed
        if self.theatre.now < max(self.cut_until, self.theatre.outage_until):
            raise StoreUnavailable("The word of the commit was lost, as the simulation wants it.")

    def _turn(self) -> None:
        thread = self._thread
        if thread is None or not thread.is_alive():
            return
        if not self.is_dead and self.theatre.now < self.stopped_until:
            self.theatre.at(self.stopped_until, self._turn)
            return
        self._is_inside = True
        self._go.give()
        self._back.take()
        self._is_inside = False

    def _yield(self) -> None:
        self._back.give()
        self._go.take()
        if self.is_dead:
            raise Killed

    def every(self, seconds: float, life: int, act: Callable[[], None]) -> None:
        """Have it act again and again in this life, beside its thread."""

        def turn() -> None:
            if self._life != life or self.is_dead:
                return
            if self.theatre.now < self.stopped_until:
                self.theatre.at(self.stopped_until, turn)
                return
            act()
            self.theatre.at(self.theatre.now + seconds, turn)

        self.theatre.at(self.theatre.now + seconds, turn)

    def _die(self) -> None:
        self.theatre.note(self.name, "dies")
        self.is_dead, self.doom = True, ""
        self.fall()
        wait = self.chance.between(0.1, 2) * _BORN_SECONDS
        self.theatre.at(self.theatre.now + wait, self._again)

    def _again(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            # It is to hear of its death before another takes its place.
            self._turn()
        if self._app is not None:
            self._app.close()
        self.be_born()

    # ---- the thread -----------------------------------------------------------------------------------------

    def _live(self) -> None:
        self._go.take()
        try:
            if not self.is_dead:
                self._app = self.theatre.new_app(self.wall, f"machine-{self.name.replace(' ', '-')}")
                self.live(self._app)
        except Killed:
            pass
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in the engine is what was looked for
            self.theatre.wrong(f"{self.name}: {type(error).__name__}: {error}")
        finally:
            self.is_busy = False
            self._back.give()

    def patiently(self, act: Callable[[], None]) -> None:
        """Until the database is there."""
        while True:
            try:
                act()
            except StoreUnavailable:
                self.pause(1.0)
            else:
                return
