"""Workers that are played by hand: what each has claimed, and what its runs may do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from onward import Context, Onward
from onward.authoring.port import Wait
from onward.clock import ManualClock
from onward.engine.desk import Desk
from onward.engine.executor import Executor
from onward.engine.writer import Change, Writer
from onward.errors import InvalidParams
from onward.model.chain import JobPhase
from onward.model.outcome import Kind as How
from onward.model.outcome import Outcome, describe
from onward.model.question import Asking
from onward.model.retry import Backoff
from onward.store import Store, claims
from tests.simulation.model import Kind

KINDS = {
    kind.name: kind
    for kind in (
        Kind("plain", max_attempts=2),
        Kind("gpu", (("gpu", 2),), max_losses=2),
        Kind("held", holds_when_lost=True),
        Kind("keeper", (("desk", 1),), holds_while_parked=True),
        Kind("pair", phases=("plain", "gpu")),
    )
}
ENDINGS = ("succeed", "tell", "fail", "break", "park", "ask", "ask_cancel", "ask_default", "stop", "quit")
ASKING = {"ask": "fail", "ask_cancel": "cancel", "ask_default": "default"}
"""Endings by a question, and what becomes of the job when nobody answers."""
WRITES = ("save", "step", "both", "append", "columns")


@dataclass
class Hand:
    """One run of one worker. It is ``closed`` once its code has ended."""

    worker: Hands
    desk: Desk
    is_closed: bool = False
    appended: int = 0

    @property
    def job_id(self) -> str:
        return self.desk.claim.job_id

    @property
    def fence(self) -> int:
        return self.desk.claim.fence


@dataclass
class Hands:
    """A worker: what it has claimed, and what it has handed to its writer and is not written yet."""

    id: str
    writer: Writer
    executor: Executor
    queue: list[tuple[Hand, str, Any, Change]] = field(default_factory=list)
    is_dead: bool = False


def register(app: Onward) -> None:
    """The job types that the model knows."""
    plain = Backoff(5, 2, 600, 0)

    for kind in KINDS.values():
        if kind.phases:
            app.chain(kind.name, [JobPhase(name, weight=30) for name in kind.phases])
            continue
        declared = list(kind.needs)
        app.job_types.job(
            _function(kind.name),
            name=kind.name,
            max_attempts=kind.max_attempts,
            backoff=plain,
            max_losses=kind.max_losses,
            on_worker_lost="hold" if kind.holds_when_lost else "resume",
            hold_while_waiting=kind.holds_while_parked,
            resources=(lambda _params, _source, declared=declared: declared) if declared else None,
        )


def _function(name: str) -> Any:
    def work(ctx: Context, n: int = 1) -> None:
        """Never called: its runs are played by hand."""

    work.__name__ = name
    return work


def no_child(*_given: Any) -> Any:
    raise AssertionError("no job here runs in a child process")


def outcome_of(hand: Hand, verb: str, clock: ManualClock) -> Outcome:  # noqa: PLR0911 - one for each ending
    match verb:
        case "succeed" | "tell":
            if verb == "tell":
                hand.desk.report(50, "half", 1, 2, None)
            return Outcome(How.SUCCESS, {"ok": 1})
        case "fail":
            return Outcome(How.FAILURE, None, describe(RuntimeError("boom")), RuntimeError("boom"))
        case "break":
            error = InvalidParams("no", hint="no", errors=())
            return Outcome(How.FAILURE, None, describe(error), error)
        case "park":
            hand.desk.park(Wait(clock.now() + timedelta(seconds=20)))
            return Outcome(How.PARKED)
        case "ask" | "ask_cancel" | "ask_default":
            # A name of its own: each run asks something new.
            name, default = f"q{hand.fence}", '"default"' if verb == "ask_default" else None
            asking = Asking("", name, "confirm", timeout_seconds=20, on_timeout=ASKING[verb], default=default)
            hand.desk.park(Wait(question=asking))
            return Outcome(How.PARKED)
        case "stop":
            return Outcome(How.STOPPED)
    return Outcome(How.CANCELLED)


def _hand_back(store: Store, hand: Hand, clock: ManualClock) -> None:
    store.write(lambda conn: claims.hand_back(conn, store.dialect, [hand.desk.claim], clock.now()))


def _release(store: Store, hand: Hand, clock: ManualClock) -> None:
    store.write(lambda conn: claims.release(conn, store.dialect, hand.desk.claim, clock.now()))


def _transaction(_store: Store, hand: Hand, _clock: ManualClock) -> None:
    with hand.desk._store.transaction() as conn:
        hand.worker.writer.write_now(conn, Change(hand.desk))


CALLS: dict[str, Callable[[Store, Hand, ManualClock], None]] = {
    "hand_back": _hand_back,
    "release": _release,
    "forget": lambda _store, hand, _clock: hand.desk.forget(),
    "transaction": _transaction,
}
