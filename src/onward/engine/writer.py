"""The writer: changes of all jobs of this process, committed together, each under its run's fence.

What a job hands over (saves, steps, logs, its ending) waits here in order. One transaction takes all that has come
since the last one, so a thousand jobs a second do not cost a thousand flushes of the disk. A change whose run no
longer owns its job is refused, and the run is told with ``JobLost``.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from onward.authoring.port import Point
from onward.clock import Clock
from onward.engine import families
from onward.engine.service import Service
from onward.errors import JobLost, StoreUnavailable
from onward.model.codec import encode
from onward.model.ids import Ids
from onward.model.job import JobError
from onward.model.outcome import as_json
from onward.model.states import RunStatus, Status
from onward.store import Connection, Store, checkpoints, endings, logs
from onward.store.claims import Claim
from onward.store.endings import Ending, Owned

_log = logging.getLogger("onward.engine")

_GATHER_SECONDS = 0.003
"""How long a busy writer waits for more; an idle one commits at once."""
_BUSY = 8
"""Changes in the last transaction from which on the writer counts as busy."""
_MOST = 2000
"""Changes in one transaction, at most: what a commit may hold up."""
_AFTER_OUTAGE = 0.5


class Owner(Protocol):
    """The run that a change belongs to, as far as the writer is concerned."""

    claim: Claim
    number: int

    def lose(self) -> None:
        """The run no longer owns its job."""


@dataclass(slots=True)
class Change:
    """One thing to write for one run. ``done`` is set when it is committed or refused."""

    owner: Owner
    point: Point | None = None
    step: tuple[str, str, str] | None = None
    ending: Ending | None = None
    columns: dict[str, Any] | None = None
    done: threading.Event | None = None
    on_done: Callable[[], None] | None = None
    is_refused: bool = False

    def settle(self) -> None:
        """Tell whoever waits."""
        if self.done is not None:
            self.done.set()
        if self.on_done is not None:
            self.on_done()


@dataclass(slots=True)
class _Batch:
    changes: list[Change]
    logs: list[logs.NewLine] = field(default_factory=list)
    verdicts: list[Ending] = field(default_factory=list)
    is_wake: bool = False


class Writer(Service):
    """Commits the changes of all runs of this process."""

    name = "writer"

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        worker_id: Callable[[], str],
        on_end: Callable[[Sequence[Ending]], None],
        on_idle: Callable[[], None],
    ) -> None:
        super().__init__(clock)
        self._worker_id = worker_id
        self._store = store
        self._ids = ids
        self._on_end = on_end
        self._on_idle = on_idle
        self._lock = threading.Lock()
        self._changes: list[Change] = []
        self._logs: list[logs.NewLine] = []
        self._is_writing = False
        self._last = 0
        self._urgent = False

    def put(self, change: Change) -> None:
        """Have a change written soon; sooner when somebody waits for it."""
        with self._lock:
            is_first = not self._changes
            self._changes.append(change)
            if change.done is not None or change.on_done is not None:
                self._urgent = is_first = True
        if is_first:
            self.wake()

    def put_log(self, line: logs.NewLine) -> None:
        """Have a log line written with the next transaction, at the latest in a second."""
        with self._lock:
            self._logs.append(line)

    @property
    def is_idle(self) -> bool:
        """Whether everything that was handed over is committed."""
        with self._lock:
            return not self._changes and not self._is_writing

    def tick(self) -> float | None:
        if self._last >= _BUSY and not self._urgent and not self.is_stopping:
            # More is on its way: one larger transaction costs less than two.
            self.clock.wait(self._stopped, _GATHER_SECONDS)
        batch = self._take()
        if not batch.changes and not batch.logs:
            self._last = 0
            return 1.0
        try:
            self._commit(batch)
        except StoreUnavailable:
            self._give_back(batch)
            if self.is_stopping:
                raise
            self.clock.wait(self._stopped, _AFTER_OUTAGE)
            raise
        self._last = len(batch.changes)
        with self._lock:
            self._is_writing = False
            is_idle = not self._changes
        if is_idle:
            self._on_idle()
            return 1.0
        return 0.0

    def drain(self, timeout: float) -> bool:
        """Write everything that is left; whether that was possible in the time."""
        deadline = self.clock.monotonic() + timeout
        while not self.is_idle and self.clock.monotonic() < deadline:
            self.wake()
            self.clock.wait(threading.Event(), 0.002)
        stopped = self.stop(max(0.1, deadline - self.clock.monotonic()))
        if stopped and (self._changes or self._logs):
            try:
                self.tick()
            except StoreUnavailable:
                return False
        return stopped and self.is_idle

    def _take(self) -> _Batch:
        with self._lock:
            changes, self._changes = self._changes[:_MOST], self._changes[_MOST:]
            lines, self._logs = self._logs, []
            self._urgent = False
            self._is_writing = bool(changes)
        return _Batch(changes, lines)

    def _give_back(self, batch: _Batch) -> None:
        with self._lock:
            self._changes[:0] = batch.changes
            self._logs[:0] = batch.logs
            self._is_writing = False

    def _commit(self, batch: _Batch) -> None:
        def work(conn: Connection) -> None:
            batch.verdicts, batch.is_wake = [], False
            for change in batch.changes:
                change.is_refused = False
            self._apply(conn, batch)

        try:
            self._store.write(work)
        except StoreUnavailable:
            raise
        except Exception:  # noqa: BLE001 - told below, and each change gets its own turn
            # Something in one change cannot be written: find it, so that it harms nobody else.
            _log.exception("A transaction of %d changes failed; each is tried alone.", len(batch.changes))
            self._commit_singly(batch)
            return
        self._settle(batch)

    def _commit_singly(self, batch: _Batch) -> None:
        for change in batch.changes:
            single = _Batch([change])
            try:
                self._store.write(partial(self._apply, batch=single))
            except StoreUnavailable:
                raise
            except Exception:  # noqa: BLE001 - told, refused, and the next one gets its turn
                _log.exception("A change of job %s cannot be written.", change.owner.claim.job_id)
                change.is_refused = not self._end_plainly(change)
            self._settle(single)

    def _end_plainly(self, change: Change) -> bool:
        """End a run whose own ending cannot be written as failed: its job must not stay ``running``."""
        wanted = change.ending
        if wanted is None:
            return False
        error = JobError("CannotBeKept", "How the run ended cannot be written to the database.")
        change.point = change.step = change.columns = None
        change.ending = Ending(
            job_id=wanted.job_id,
            job_type=wanted.job_type,
            run_id=wanted.run_id,
            fence=wanted.fence,
            status=Status.FAILED,
            run_status=RunStatus.FAILED,
            duration_ms=wanted.duration_ms,
            error=encode(as_json(error), "The error", 4096),
            error_parts=(error.type, error.message, ""),
            has_needs=wanted.has_needs,
            failures=wanted.failures,
        )
        try:
            self._store.write(lambda conn: self._apply(conn, _Batch([change])))
        except StoreUnavailable:
            raise
        except Exception:  # noqa: BLE001 - told, and refused by the caller
            _log.exception("The end of job %s cannot be written.", wanted.job_id)
            return False
        return True

    def _settle(self, batch: _Batch) -> None:
        for change in batch.changes:
            if change.is_refused:
                change.owner.lose()
            change.settle()
        ended = [change.ending for change in batch.changes if change.ending is not None and not change.is_refused]
        if ended or batch.is_wake:
            self._store.doorbell.ring()
        if ended:
            self._on_end(ended)

    def _apply(self, conn: Connection, batch: _Batch) -> None:
        store, now = self._store, self._store.now()
        if batch.changes:
            owned = endings.lock_owned(conn, store.dialect, _ids_of(batch.changes))
            numbers: dict[str, int] = {}
            saved: set[str] = set()
            ended: list[Ending] = []
            for change in batch.changes:
                claim = change.owner.claim
                mine = owned.get(claim.job_id)
                if not endings.is_owner(mine, claim.fence):
                    change.is_refused = True
                    if change.ending is not None and mine is not None and mine.worker_id is not None:
                        endings.leave_behind(conn, store.dialect, change.ending, self._worker_id(), now)
                    continue
                number = numbers.get(claim.job_id, mine.number if mine else 0)
                if change.point is not None or change.step is not None:
                    saved.add(claim.job_id)
                numbers[claim.job_id] = self._apply_saves(conn, change, number, now)
                if change.ending is not None:
                    change.ending.has_saved = claim.job_id in saved
                    ended.append(change.ending)
            if ended:
                batch.verdicts = endings.end_runs(conn, store.dialect, ended, owned, now)
                self._end_phases(conn, batch.changes, batch.verdicts, owned, now)
        if batch.logs:
            logs.append(conn, store.dialect, batch.logs, store.settings.limits.log_lines)

    def _apply_saves(self, conn: Connection, change: Change, number: int, now: datetime) -> int:
        dialect, claim, point = self._store.dialect, change.owner.claim, change.point
        if change.columns:
            _set_columns(conn, dialect, claim, change.columns)
        if change.step is not None:
            scope, name, result = change.step
            checkpoints.keep_step(conn, dialect, claim.job_id, scope, name, result, claim.fence, now)
        if point is not None:
            number += 1
            for name, (first, records) in point.partials.items():
                checkpoints.append_partial(conn, dialect, claim.job_id, name, first, records, claim.fence)
            checkpoints.save_checkpoint(
                conn,
                dialect,
                claim.job_id,
                number=number,
                state=point.text,
                type_version=claim.type_version,
                percent=point.percent,
                fence=claim.fence,
                now=now,
            )
            if point.done_scopes:
                checkpoints.drop_scopes(conn, dialect, claim.job_id, point.done_scopes)
            change.owner.number = number
        return number

    def _end_phases(
        self,
        conn: Connection,
        changes: Iterable[Change],
        verdicts: Iterable[Ending],
        owned: dict[str, Owned],
        now: datetime,
    ) -> None:
        claims = {change.owner.claim.job_id: change.owner.claim for change in changes}
        for ending in verdicts:
            parent_id, is_phase = claims[ending.job_id].parent_id, claims[ending.job_id].phase_share is not None
            if parent_id is not None and parent_id in owned:
                parent, new_id = owned[parent_id], self._ids.new
                families.child_ended(conn, self._store, ending, parent_id, parent, now, new_id, is_phase=is_phase)

    def write_now(self, conn: Connection, change: Change) -> None:
        """Write a change within somebody's open transaction. Raises ``JobLost``."""
        dialect, claim = self._store.dialect, change.owner.claim
        owned = endings.lock_owned(conn, dialect, [claim.job_id])
        mine = owned.get(claim.job_id)
        if not endings.is_owner(mine, claim.fence):
            change.owner.lose()
            raise JobLost(f"This worker no longer owns job {claim.job_id}.")
        self._apply_saves(conn, change, mine.number if mine else 0, self._store.now())


def _ids_of(changes: Iterable[Change]) -> set[str]:
    """The jobs, and the chains that their endings move on."""
    found = {change.owner.claim.job_id for change in changes}
    found |= {
        change.owner.claim.parent_id
        for change in changes
        if change.ending is not None and change.owner.claim.parent_id is not None
    }
    return found


def _set_columns(conn: Connection, dialect: Any, claim: Claim, columns: dict[str, Any]) -> None:
    names = ", ".join(f"{name} = ?" for name in columns)
    sql = f"UPDATE jobs SET {names} WHERE job_id = ? AND fence = ?"
    dialect.execute(conn, sql, [*columns.values(), claim.job_id, claim.fence])
