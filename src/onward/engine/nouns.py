"""What an application has besides jobs: its workers, and which jobs were interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from onward.engine.reader import Reader
from onward.errors import InvalidValue
from onward.model.ids import parsed, shown
from onward.model.job import Job, WorkerRecord
from onward.model.load import Load
from onward.model.query import JobQuery
from onward.model.states import Status
from onward.store import Store, workers
from onward.store.load import look

_PAGE = 1000


class Workers:
    """The workers that share the database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self, *, alive: bool = False) -> list[WorkerRecord]:
        """All that are known, newest first; ``alive``: only those that are online or draining."""
        with self._store.read() as conn:
            return workers.list_workers(conn, self._store.dialect, ("online", "draining") if alive else ())

    def ask(self, worker_id: str, wish: Literal["drain", "stop"]) -> None:
        """Have a worker take no more jobs (``drain``), or also leave those that it has (``stop``).

        It is told with its next sign of life. Raises ``InvalidValue`` when no such worker is there.
        """
        found = parsed(worker_id)
        if not self._store.write(lambda conn: workers.wish(conn, self._store.dialect, found, wish)):
            raise InvalidValue(f"No worker {shown(found, 'wrk')} is at work.", hint="See: onward workers list.")


def load(store: Store) -> Load:
    """How much there is to do, and who is there to do it."""
    with store.read() as conn:
        return look(conn, store.dialect, store.now())


def interrupted(reader: Reader, limit: int) -> list[Job]:
    """Interrupted jobs that can be resumed by themselves: a phase is resumed with its chain."""
    found = reader.find(JobQuery(interrupted=True), limit, None)
    return [job for job in found if job.parent_id is None and job.is_interrupted]


def threads_in_use(reader: Reader) -> Iterator[str]:
    """The conversations that unfinished jobs name, as ``thread_id`` in their parameters or in what they ask."""
    unfinished = JobQuery(statuses=(Status.PENDING, Status.RUNNING, Status.PENDING_HITL))
    after: str | None = None
    while True:
        page = reader.find(unfinished, _PAGE, after)
        for job in page:
            yield from _threads_of(job.params)
            yield from _threads_of(job.hitl.data if job.hitl is not None else None)
        after = page.next
        if after is None:
            return


def _threads_of(value: Any) -> Iterator[str]:
    """Also within what LangGraph calls a config: ``{"configurable": {"thread_id": ...}}``."""
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        if name == "thread_id" and isinstance(inner, str | int):
            yield str(inner)
        elif isinstance(inner, dict):
            yield from _threads_of(inner)
