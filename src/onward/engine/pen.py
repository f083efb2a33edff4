"""The pen: writes changes of runs into the database, many in one transaction, each under its run's fence.

A change whose run no longer owns its job is refused. If one change of a batch cannot be written, each is tried alone,
so that it harms nobody else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from onward.engine import families
from onward.engine.changes import Batch, Change
from onward.errors import JobLost, StoreUnavailable
from onward.model.codec import encode
from onward.model.ids import Ids
from onward.model.job import JobError
from onward.model.outcome import as_json
from onward.model.states import RunStatus, Status
from onward.store import Connection, Store, checkpoints, endings, jobs, journals, logs, resources, turns
from onward.store.endings import Ending, Owned

_log = logging.getLogger("onward.engine")

Then = Callable[[Connection, Batch], None]
"""What else belongs into the transaction of a batch."""


class Pen:
    """Writes for the runs of one worker."""

    def __init__(self, store: Store, ids: Ids, worker_id: Callable[[], str]) -> None:
        self._store = store
        self._ids = ids
        self._worker_id = worker_id

    def commit(self, batch: Batch, settle: Callable[[Batch], None], then: Then | None = None) -> None:
        """Commit a batch in one transaction, or its changes one by one; ``settle`` is called after each commit.

        Raises ``StoreUnavailable``; what was settled before is committed.
        """
        try:
            self._store.write(partial(self._apply, batch=batch, then=then))
        except StoreUnavailable:
            raise
        except Exception:  # noqa: BLE001 - told below, and each change gets its own turn
            _log.exception("A transaction of %d changes failed; each is tried alone.", len(batch.changes))
            self._commit_singly(batch, settle, then)
            return
        settle(batch)

    def _commit_singly(self, batch: Batch, settle: Callable[[Batch], None], then: Then | None) -> None:
        singles = [Batch([change], seq=change.seq) for change in batch.changes]
        if batch.logs:
            singles.append(Batch([], batch.logs, seq=batch.seq))
        for single in singles:
            try:
                self._store.write(partial(self._apply, batch=single, then=then))
            except StoreUnavailable:
                raise
            except Exception:  # noqa: BLE001 - told, refused, and the next one gets its turn
                self._give_up(single, then)
            settle(single)

    def _give_up(self, single: Batch, then: Then | None) -> None:
        if not single.changes:
            _log.exception("%d log lines cannot be written and are dropped.", len(single.logs))
            return
        [change] = single.changes
        _log.exception("A change of job %s cannot be written.", change.owner.claim.job_id)
        change.is_refused = not self._end_plainly(change)
        if then is not None and change.is_refused:
            self._store.write(lambda conn: then(conn, single))

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
            self._store.write(partial(self._apply, batch=Batch([change]), then=None))
        except StoreUnavailable:
            raise
        except Exception:  # noqa: BLE001 - told, and refused by the caller
            _log.exception("The end of job %s cannot be written.", wanted.job_id)
            return False
        return True

    # ---- within the transaction -----------------------------------------------------------------------------

    def _apply(self, conn: Connection, batch: Batch, then: Then | None) -> None:
        batch.verdicts = []
        for change in batch.changes:
            change.is_refused = False
        store, now = self._store, self._store.now()
        if batch.changes:
            self._apply_changes(conn, batch, now)
        if batch.logs:
            logs.append(conn, store.dialect, batch.logs, store.settings.limits.log_lines)
        if then is not None:
            then(conn, batch)

    def _apply_changes(self, conn: Connection, batch: Batch, now: datetime) -> None:
        store = self._store
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
                    endings.leave_behind(conn, store.dialect, change.ending, change.worker_id or self._worker_id(), now)
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
            self._let_on(conn, batch.changes)

    def _apply_saves(self, conn: Connection, change: Change, number: int, now: datetime) -> int:
        dialect, claim, point = self._store.dialect, change.owner.claim, change.point
        if change.columns:
            jobs.set_columns(conn, dialect, claim.job_id, claim.fence, change.columns)
        if change.release is not None:
            resources.release(conn, dialect, claim.job_id, change.release)
        if change.progress is not None:
            logs.show_progress_of(conn, dialect, claim.job_id, claim.fence, change.progress, now)
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

    def _let_on(self, conn: Connection, changes: Iterable[Change]) -> None:
        """Whoever waits for its turn in a schedule may have it now."""
        found = {change.owner.claim.scheduled_job_id for change in changes if change.ending is not None}
        scheduled = [schedule_id for schedule_id in found if schedule_id is not None]
        if scheduled:
            turns.let_on(conn, self._store.dialect, scheduled)

    def write_now(self, conn: Connection, change: Change) -> None:
        """Write a change within somebody's open transaction. Raises ``JobLost``."""
        dialect, claim = self._store.dialect, change.owner.claim
        owned = endings.lock_owned(conn, dialect, [claim.job_id])
        mine = owned.get(claim.job_id)
        if not endings.is_owner(mine, claim.fence):
            change.owner.lose()
            raise JobLost(f"This worker no longer owns job {claim.job_id}.")
        self._apply_saves(conn, change, mine.number if mine else 0, self._store.now())


def was_written(conn: Connection, store: Store, ending: Ending) -> bool:
    """Whether an ending that is refused has been written before: the reply to its commit was lost."""
    return journals.run_status(conn, store.dialect, ending.run_id) == str(ending.run_status)


def _ids_of(changes: Iterable[Change]) -> set[str]:
    """The jobs, and the chains that their endings move on."""
    found = {change.owner.claim.job_id for change in changes}
    found |= {
        change.owner.claim.parent_id
        for change in changes
        if change.ending is not None and change.owner.claim.parent_id is not None
    }
    return found
