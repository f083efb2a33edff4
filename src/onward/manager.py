"""The interface of a hand-made job manager, for programs that have one: ``JobManager`` and ``JobRepository``."""

from __future__ import annotations

import threading
from typing import Any

from onward.app import Onward
from onward.engine.memory import EmptyMemoryStore, JobMemoryStore
from onward.engine.older import Board, House, Jobs
from onward.model.older import JobState
from onward.model.states import Status

__all__ = [
    "Board",
    "EmptyMemoryStore",
    "JobManager",
    "JobMemoryStore",
    "JobRepository",
    "JobState",
    "Status",
    "get_job_manager",
    "initialize_job_manager",
]
_PAGE = 1000


class JobRepository:
    """The jobs of one database. ``app``: an ``Onward``, a database address, or nothing for what the settings say."""

    def __init__(self, app: Onward | str | None = None) -> None:
        self.app = app if isinstance(app, Onward) else Onward(app)

    def get_by_status(self, status: str) -> list[JobState]:
        """All jobs of this status, newest first. Raises ``InvalidValue`` for a status that is none."""
        return self._all(status=status)

    def get_multi(self, *, limit: int | None = None, **filters: Any) -> list[JobState]:
        """The jobs of a user (``user_id=…``), or of any other filter of ``Onward.find``, newest first."""
        return self._all(limit, **filters)

    def _all(self, limit: int | None = None, **filters: Any) -> list[JobState]:
        found: list[JobState] = []
        after: str | None = None
        while limit is None or len(found) < limit:
            wanted = _PAGE if limit is None else min(_PAGE, limit - len(found))
            page = self.app.find(limit=wanted, after=after, **filters)
            found += map(JobState.of, page)
            after = page.next
            if after is None:
                break
        return found


class JobManager(Jobs):
    """The verbs of a hand-made job manager over a database: what it says is durable, and seen by every process.

    ``ttl_minutes``: how long jobs stay in this process's memory; ``memory_store`` is another memory, and
    ``EmptyMemoryStore()`` none. Without either the application's own memory is used. Without ``set_db_repo`` the
    database is what the settings say.
    """

    def __init__(self, ttl_minutes: float | None = None, *, memory_store: JobMemoryStore | None = None) -> None:
        self._memory = memory_store
        if memory_store is None and ttl_minutes is not None:
            self._memory = JobMemoryStore(ttl_minutes)
        self._app: Onward | None = None
        self._lock = threading.Lock()

    def set_db_repo(self, repository: JobRepository | Onward) -> None:
        """Keep jobs there from now on."""
        self._app = repository if isinstance(repository, Onward) else repository.app
        if self._memory is not None:
            self._app.memory = self._memory

    @property
    def app(self) -> Onward:
        """The application whose jobs these are."""
        with self._lock:
            if self._app is None:
                self.set_db_repo(JobRepository())
            assert self._app is not None  # noqa: S101 - it has just been set
            return self._app

    @property
    def house(self) -> House:
        """The parts of the application."""
        return self.app.jobs.house

    @property
    def memory(self) -> JobMemoryStore:
        """What this process remembers of jobs: ``ttl_minutes``, ``clear()``, ``len``; another one may be set."""
        return self._memory if self._app is None and self._memory is not None else self.app.memory

    @memory.setter
    def memory(self, memory: JobMemoryStore) -> None:
        self._memory = memory
        if self._app is not None:
            self._app.memory = memory


_lock = threading.Lock()
_manager: JobManager | None = None


def initialize_job_manager(
    repository: JobRepository | Onward | None = None, *, ttl_minutes: float | None = None
) -> JobManager:
    """Make the manager of this process, and say where its jobs are kept."""
    global _manager  # noqa: PLW0603 - one a process is what this interface promises
    manager = JobManager(ttl_minutes)
    if repository is not None:
        manager.set_db_repo(repository)
    with _lock:
        _manager = manager
    return manager


def get_job_manager() -> JobManager:
    """The manager of this process; made when there is none yet."""
    global _manager  # noqa: PLW0603 - as above
    with _lock:
        if _manager is None:
            _manager = JobManager()
        return _manager
