"""What an application keeps and for how long: checkpoints, the archive, and the verbs that prune them."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from onward.engine import archive_files
from onward.engine.pruner import Pruner, Told, checked_length
from onward.errors import IllegalTransition, InvalidValue, JobNotFound
from onward.model.archive import ArchivedJob, PruneReport
from onward.model.codec import decode
from onward.model.doubt import Doubt, open_steps
from onward.model.ids import parsed, shown
from onward.model.job import Page
from onward.store import Connection, Store, archive, checkpoints, jobs, retention
from onward.store.tables import parse_time, time_text


def not_found(
    conn: Connection, store: Store, job_id: str, where: str = "in the database or the archive"
) -> JobNotFound:
    """The error for a job that is not there; one that retention has taken says so."""
    found = archive.get(conn, store.dialect, parsed(job_id))
    if found is None:
        return JobNotFound(
            f"There is no job {job_id} {where}.", hint="See `onward job list`; it may have been deleted."
        )
    record, document = found
    when = f"{record.archived_at:%Y-%m-%d}"
    what = f"Job {shown(record.id)} ({record.job_type}, {record.status})"
    if document is None and store.settings.retention.archive in ("table", "none"):
        return JobNotFound(f"{what} was deleted by retention on {when}.", hint="Only this is known of it.")
    return JobNotFound(
        f"{what} was archived by retention on {when}.",
        hint=f"app.archive.get({record.id!r}), or onward archive show {shown(record.id)}.",
    )


class Checkpoints:
    """What jobs have saved."""

    def __init__(self, store: Store, pruner: Pruner) -> None:
        self._store = store
        self._pruner = pruner

    def list(self, job_id: str) -> list[dict[str, Any]]:
        """The kept checkpoints of a job, newest first: number, bytes, percent, saved_at, is_valid, pinned."""
        with self._store.read() as conn:
            return checkpoints.list_checkpoints(conn, self._store.dialect, parsed(job_id))

    def get(self, job_id: str) -> dict[str, Any]:
        """What a job would go on from: ``number``, ``type_version``, ``state``, ``cursors``. Raises ``JobNotFound``.

        ``CorruptCheckpoint`` when none that is kept is valid; ``state`` is None when it has saved no checkpoint.
        """
        with self._store.read() as conn:
            if jobs.get_job(conn, self._store.dialect, parsed(job_id)) is None:
                raise not_found(conn, self._store, job_id)
            found = checkpoints.load_checkpoint(conn, self._store.dialect, parsed(job_id))
        if found is None:
            return {"number": 0, "type_version": None, "state": None, "cursors": None}
        saved = decode(found[0])
        facts = {"number": found[1], "type_version": found[2]}
        return {**facts, "state": saved.get("state"), "cursors": saved.get("cursors")}

    def in_doubt(self, job_id: str) -> builtins.list[Doubt]:
        """Steps of ``ctx.once`` that have begun and may or may not have happened, oldest first.

        The job asks before it does them again.
        """
        with self._store.read() as conn:
            return open_steps(checkpoints.load_steps(conn, self._store.dialect, parsed(job_id)))

    def pin(self, job_id: str) -> int:
        """Keep what a job and its children have saved from retention, and the job with it; how many checkpoints.

        A pin ends when the job completes, is started fresh or discarded. Raises ``JobNotFound``, and
        ``IllegalTransition`` when there is no checkpoint.
        """
        return self._pin(job_id, pinned=True)

    def unpin(self, job_id: str) -> int:
        """Let retention have it again; how many checkpoints that are. Raises ``JobNotFound``."""
        return self._pin(job_id, pinned=False)

    def _pin(self, job_id: str, *, pinned: bool) -> int:
        def work(conn: Connection) -> int:
            dialect = self._store.dialect
            root = retention.lock_jobs(conn, dialect, [parsed(job_id)]).get(parsed(job_id))
            if root is None:
                raise not_found(conn, self._store, job_id)
            family = retention.families(conn, dialect, [root])[root.job_id]
            count = retention.set_pinned(conn, dialect, [job.job_id for job in family], pinned)
            if pinned and not count:
                raise IllegalTransition(
                    f"Job {shown(root.job_id)} ({root.job_type}) has no checkpoint to pin.",
                    hint="See: onward checkpoint list.",
                )
            return count

        return self._store.write(work)

    def prune(
        self,
        older_than: timedelta | None = None,
        *,
        dry_run: bool = False,
        should_stop: Callable[[], bool] | None = None,
        on_batch: Callable[[PruneReport], None] | None = None,
    ) -> PruneReport:
        """Drop checkpoints, steps and partial work of failed and cancelled jobs that were last saved so long ago.

        ``older_than``: the setting ``retention.checkpoint_days`` without it. What belongs to pinned checkpoints, to
        pending or waiting jobs, or to families that have not ended, stays. Returns what was done.
        """
        return self._pruner.checkpoints(older_than, dry_run=dry_run, told=told(should_stop, on_batch))


class Archive:
    """Jobs that retention has taken out of the way."""

    def __init__(self, store: Store, pruner: Pruner) -> None:
        self._store = store
        self._pruner = pruner

    def get(self, job_id: str) -> ArchivedJob:
        """An archived job with its runs, events, log lines and questions. Raises ``JobNotFound``.

        Where only the fact was kept (``retention.archive`` is ``none``), ``job`` is None.
        """
        wanted = parsed(job_id)
        with self._store.read() as conn:
            found = archive.get(conn, self._store.dialect, wanted)
            there = None if found else jobs.get_job(conn, self._store.dialect, wanted)
        if there is not None:
            raise JobNotFound(f"Job {job_id} is not archived.", hint="It is among the jobs: app.get(job_id).")
        record, document = found or (None, None)
        if document is None and self.folder is not None:
            document = archive_files.look_up(self.folder, wanted, record.archived_at if record else None)
            if document is not None and record is None:
                record = archive.fact_of(document, datetime.fromisoformat(document["archived_at"]))
        if record is None:
            raise JobNotFound(f"There is no job {job_id} in the archive.", hint="See: onward archive list.")
        return archive.from_document(record, document) if document is not None else record

    def list(
        self,
        *,
        job_type: str | None = None,
        status: str | None = None,
        source_id: str | None = None,
        parent_id: str | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[ArchivedJob]:
        """A page of archived jobs, the last archived first; ``after`` is the ``next`` of the page before."""
        if not 1 <= limit <= 10_000:
            raise InvalidValue(f"A limit of {limit} is not possible.", hint="Use 1 to 10,000.")
        with self._store.read() as conn:
            found = archive.find(
                conn,
                self._store.dialect,
                job_type=job_type,
                status=status,
                source_id=source_id,
                parent_id=parsed(parent_id) if parent_id else None,
                limit=limit + 1,
                after=_place(after),
            )
        more = len(found) > limit
        last = found[limit - 1] if more else None
        return Page(found[:limit], f"{time_text(last.archived_at)}~{last.id}" if last else None)

    def prune(self, older_than: timedelta) -> int:
        """Forget what was archived longer ago than this in the database, documents too; how many jobs that were."""
        return self._pruner.forget_archived(self._store.now() - checked_length(older_than), documents=True, told=Told())

    @property
    def folder(self) -> Path | None:
        """The folder of the archive's files, where the setting names one."""
        where = self._store.settings.retention.archive
        return None if where in ("table", "none") else Path(where).expanduser()


def told(should_stop: Callable[[], bool] | None, on_batch: Callable[[PruneReport], None] | None) -> Told:
    """What a caller wants to be asked and told; nothing where it gives nothing."""
    return Told(should_stop or (lambda: False), on_batch or id)


def _place(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    when, mark, job_id = cursor.partition("~")
    try:
        if mark:
            return parse_time(when), job_id
    except ValueError:
        pass
    raise InvalidValue(f"{cursor!r} is not a place in the archive.", hint="Use the `next` of the page before.")
