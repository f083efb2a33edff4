"""The pruner: takes what is over out of the way, in small batches, and leaves everybody else their turn.

Each batch is a transaction of its own in which jobs are archived and deleted together, so that it may be stopped or
killed anywhere and begun again. Between batches it rests: long while jobs wait for a worker, shortly otherwise.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from onward.clock import Clock
from onward.engine.archive_files import ArchiveFiles
from onward.errors import InvalidValue
from onward.model.archive import PruneReport
from onward.model.ids import Ids, id_floor
from onward.model.states import Status
from onward.store import Connection, Store, archive, jobs, retention, schedules
from onward.store.retention import Kept

_PIECE = 2000
"""Jobs looked at in one statement."""
_MOST_ROWS = 1000
"""Rows that go in one batch; a single family may have more."""
_DECISIONS = 500
"""Decisions about due times that go in one batch."""
_BATCH_SECONDS = 0.03
"""How long a batch shall take: nobody waits longer for it. Never more than a few times that."""
_SHARE_BUSY = 0.1
_SHARE_IDLE = 0.5
"""The part of the time that batches may take: while jobs wait for a worker, and otherwise."""
_LOOK_SECONDS = 0.25
"""So often it looks during a rest whether somebody still waits for a worker."""
_FAR = timedelta(days=2)
"""Ids beyond this are none that were made here; callers have chosen them."""
ACTOR = "retention"


@dataclass(frozen=True, slots=True)
class Told:
    """What a caller of a pruning wants to be asked and told."""

    should_stop: Callable[[], bool] = lambda: False
    on_batch: Callable[[PruneReport], object] = id


class Pruner:
    """Prunes finished jobs, and what failed ones have saved."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._size = 64
        self._begun_at = 0.0

    # ---- finished jobs --------------------------------------------------------------------------------------

    def jobs(self, older_than: timedelta | None, *, keep: bool, dry_run: bool, told: Told) -> PruneReport:
        """Archive and delete finished jobs that ended before ``older_than`` ago; with their families, all ended."""
        settings = self._store.settings.retention
        begun, now = self._clock.monotonic(), self._store.now()
        where = settings.archive if keep else "none"
        before = now - _length(older_than, settings.finished_days)
        report = PruneReport("jobs", before, dry_run, where)
        files = None
        if where not in ("table", "none"):
            files = ArchiveFiles(Path(where).expanduser(), self._ids.new()[-6:])
            if not dry_run:
                files.check()
        for families in self._old_families(report, now, told):
            if dry_run:
                for family in families:
                    _count(report, family)
                continue
            for batch in self._batches(families):
                if told.should_stop():
                    report.complete = False
                    break
                self._run_batch(report, partial(self._take_out, batch, report, files), told)
        if not dry_run and report.complete:
            self._forget_tombstones(report, now, told)
            self._forget_decisions(report, told)
        report.seconds = self._clock.monotonic() - begun
        return report

    def _old_families(self, report: PruneReport, now: datetime, told: Told) -> Iterator[list[list[Kept]]]:
        """Families that may go, a piece of the table at a time, the oldest first."""
        dialect = self._store.dialect
        # Ids rise with time. What was made after the limit has not ended before it, but for ids that callers chose.
        for start, below in (("", id_floor(report.before)), (id_floor(now + _FAR), None)):
            after = start
            while True:
                if told.should_stop():
                    report.complete = False
                    return
                with self._store.read() as conn:
                    last = retention.piece_end(conn, dialect, after, below, _PIECE)
                    if last is None:
                        break
                    roots = retention.ended_roots(conn, dialect, after, last, report.before)
                    families = retention.families(conn, dialect, roots) if roots else {}
                    pinned = retention.pinned_jobs(conn, dialect, _ids_of(families.values())) if roots else set()
                going = []
                for family in families.values():
                    reason = self._why_kept(family, pinned, report.before, now)
                    if reason:
                        report.kept[reason] += len(family)
                    else:
                        going.append(family)
                if going:
                    yield going
                if not report.complete:
                    return
                after = last

    def _why_kept(self, family: Sequence[Kept], pinned: set[str], before: datetime, now: datetime) -> str:
        """Why a family stays, or ''."""
        saved_before = now - timedelta(days=self._store.settings.retention.checkpoint_days)
        for job in family:
            if not job.is_over:
                return "its family has not ended"
            if job.completed_at is None or job.completed_at >= before:
                return "its family ended later"
            if job.job_id in pinned:
                return "a checkpoint is pinned"
            if job.checkpoint_at is not None and job.checkpoint_at >= saved_before:
                return "its checkpoint is still kept"
        return ""

    def _batches(self, families: Sequence[list[Kept]]) -> Iterator[list[list[Kept]]]:
        """Families in batches of as many rows as go in the time that a batch may take."""
        todo = deque(families)
        while todo:
            taken, members = [todo.popleft()], 0
            while todo and members + len(taken[-1]) + len(todo[0]) <= self._size:
                members += len(taken[-1])
                taken.append(todo.popleft())
            with self._store.read() as conn:
                rows = retention.count_belongings(conn, self._store.dialect, _ids_of(taken))
            total = 0
            for at, family in enumerate(taken):
                total += sum(rows[job.job_id] for job in family)
                if at and total > _MOST_ROWS:
                    todo.extendleft(reversed(taken[at:]))
                    taken = taken[:at]
                    break
            if sum(map(len, taken)) > _MOST_ROWS:
                # A very large family: once its head is gone, its members can only go too, a batch at a time.
                head, *others = taken[0]
                todo.extendleft([other] for other in reversed(others))
                taken = [[head]]
            yield taken

    def _take_out(self, batch: Sequence[list[Kept]], report: PruneReport, files: ArchiveFiles | None) -> None:
        """Archive and delete these families, as far as they are still as they were."""

        def work(conn: Connection) -> tuple[list[list[Kept]], int]:
            self._begun_at = self._clock.monotonic()
            dialect, now = self._store.dialect, self._store.now()
            locked = retention.lock_jobs(conn, dialect, _ids_of(batch))
            pinned = retention.pinned_jobs(conn, dialect, locked)
            going = [family for family in batch if all(_is_same(locked.get(job.job_id), job) for job in family)]
            going = [family for family in going if not any(job.job_id in pinned for job in family)]
            ids = _ids_of(going)
            if not ids:
                return [], 0
            if report.archive == "none":
                archive.keep(conn, dialect, archive.read_facts(conn, dialect, ids), now, whole=False)
            else:
                documents = archive.read_documents(conn, dialect, ids)
                if files is not None:
                    lines = [{"archived_at": now.isoformat(), **document} for document in documents.values()]
                    files.write(lines, now)
                archive.keep(conn, dialect, documents, now, whole=files is None)
            return going, jobs.delete_jobs(conn, dialect, ids)

        gone, rows = self._store.write(work)
        for family in gone:
            _count(report, family)
        report.rows += rows
        left = sum(map(len, batch)) - sum(map(len, gone))
        if left:
            report.kept["changed meanwhile"] += left

    def _forget_tombstones(self, report: PruneReport, now: datetime, told: Told) -> None:
        """Facts without a document are forgotten after a while."""
        before = now - timedelta(days=self._store.settings.retention.tombstone_days)
        report.tombstones = self.forget_archived(before, documents=False, told=told)

    def _forget_decisions(self, report: PruneReport, told: Told) -> None:
        """What schedules have decided long ago, and the records of starts that did not happen."""
        dialect = self._store.dialect
        while not told.should_stop():
            begun = self._clock.monotonic()
            gone: int = self._store.write(
                lambda conn: schedules.prune_decisions(conn, dialect, report.before, _DECISIONS)
            )
            if gone < _DECISIONS:
                return
            self._rest(self._clock.monotonic() - begun)

    def forget_archived(self, before: datetime, *, documents: bool, told: Told) -> int:
        """Forget what was archived before a time: facts, and with ``documents`` also whole documents; how many."""
        dialect, count = self._store.dialect, 0
        after = (dialect.time(datetime(1970, 1, 1, tzinfo=UTC)), "")
        while not told.should_stop():
            with self._store.read() as conn:
                found = archive.old_ones(conn, dialect, before, after, _MOST_ROWS)
            if not found:
                break
            after = found[-1][:2]
            ids = [job_id for _, job_id, has_document in found if documents or not has_document]
            if ids:
                count += self._store.write(partial(archive.forget, dialect=dialect, job_ids=ids))
                self._rest(_BATCH_SECONDS / 2)
        return count

    # ---- what failed jobs have saved ------------------------------------------------------------------------

    def checkpoints(self, older_than: timedelta | None, *, dry_run: bool, told: Told) -> PruneReport:
        """Drop what failed and cancelled jobs have saved whose last save is older than ``older_than``."""
        begun, now = self._clock.monotonic(), self._store.now()
        before = now - _length(older_than, self._store.settings.retention.checkpoint_days)
        report = PruneReport("checkpoints", before, dry_run)
        for status in (Status.FAILED, Status.CANCELLED):
            after = ""
            while report.complete:
                if told.should_stop():
                    report.complete = False
                    break
                with self._store.read() as conn:
                    roots = retention.saved_roots(conn, self._store.dialect, status, after, self._size)
                    families = list(retention.families(conn, self._store.dialect, roots).values())
                    pinned = retention.pinned_jobs(conn, self._store.dialect, _ids_of(families)) if roots else set()
                if not roots:
                    break
                after = roots[-1].job_id
                going = []
                for family in families:
                    reason = _why_saved_stays(family, pinned, before)
                    if reason:
                        report.kept[reason] += 1
                    else:
                        going.append(family)
                if going and dry_run:
                    self._look_at_saved(report, going)
                elif going:
                    self._run_batch(report, partial(self._drop, going, before, report), told)
        report.seconds = self._clock.monotonic() - begun
        return report

    def _look_at_saved(self, report: PruneReport, going: Sequence[list[Kept]]) -> None:
        for family in going:
            _count(report, [job for job in family if job.checkpoint_at is not None])
        with self._store.read() as conn:
            report.bytes += retention.saved_bytes(conn, self._store.dialect, _ids_of(going))

    def _drop(self, batch: Sequence[list[Kept]], before: datetime, report: PruneReport) -> None:
        def work(conn: Connection) -> tuple[list[list[Kept]], int]:
            self._begun_at = self._clock.monotonic()
            dialect, now = self._store.dialect, self._store.now()
            locked = retention.lock_jobs(conn, dialect, _ids_of(batch))
            pinned = retention.pinned_jobs(conn, dialect, locked)
            going = [family for family in batch if all(_is_same(locked.get(job.job_id), job) for job in family)]
            going = [family for family in going if not _why_saved_stays(family, pinned, before)]
            size = retention.saved_bytes(conn, dialect, _ids_of(going)) if going else 0
            for family in going:
                retention.forget_saved(conn, dialect, family, now, ACTOR)
            return going, size

        gone, size = self._store.write(work)
        for family in gone:
            _count(report, [job for job in family if job.checkpoint_at is not None])
        report.bytes += size

    # ---- pace -----------------------------------------------------------------------------------------------

    def _run_batch(self, report: PruneReport, work: Callable[[], None], told: Told) -> None:
        self._begun_at = self._clock.monotonic()
        work()
        # From when it had its turn: waiting for others keeps nobody from anything.
        took = self._clock.monotonic() - self._begun_at
        report.batches += 1
        report.longest_batch_seconds = max(report.longest_batch_seconds, took)
        self._size = max(1, min(_MOST_ROWS, int(self._size * min(1.5, max(0.25, _BATCH_SECONDS / max(took, 1e-4))))))
        told.on_batch(report)
        self._rest(took)

    def _rest(self, took: float) -> None:
        """Rest in proportion to what the batch took, however long that was; shorter once nobody waits any more."""
        rested, never = 0.0, threading.Event()
        while True:
            with self._store.read() as conn:
                is_busy = retention.is_somebody_ready(conn, self._store.dialect)
            left = max(0.001, took * (1 / (_SHARE_BUSY if is_busy else _SHARE_IDLE) - 1)) - rested
            if left <= 0:
                return
            length = min(_LOOK_SECONDS, left)
            self._clock.wait(never, length)
            rested += length


def _why_saved_stays(family: Sequence[Kept], pinned: set[str], before: datetime) -> str:
    if not all(job.is_over for job in family):
        return "its family has not ended"
    if any(job.job_id in pinned for job in family):
        return "a checkpoint is pinned"
    if any(job.checkpoint_at is not None and job.checkpoint_at >= before for job in family):
        return "it was saved later"
    return ""


def _is_same(now: Kept | None, then: Kept) -> bool:
    """Whether nothing has happened to a job that would matter here."""
    return now is not None and now == then


def _count(report: PruneReport, family: Sequence[Kept]) -> None:
    report.jobs += len(family)
    report.by_status.update(str(job.status) for job in family)
    report.by_type.update(job.job_type for job in family)


def _ids_of(families: Iterable[Sequence[Kept]]) -> list[str]:
    return [job.job_id for family in families for job in family]


def _length(given: timedelta | None, days: float) -> timedelta:
    if given is None:
        return timedelta(days=days)
    return checked_length(given)


def checked_length(given: Any) -> timedelta:
    """A length of time as callers give it. Raises ``InvalidValue``."""
    if not isinstance(given, timedelta) or given < timedelta(0):
        raise InvalidValue(f"{given!r} is not a length of time.", hint="Use timedelta(days=30).")
    return given
