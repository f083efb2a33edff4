"""Watching a folder beside a schedule: what changes there starts a job of the schedule at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from onward.clock import Clock
from onward.engine.service import Service
from onward.errors import OnwardError, ResourceBusy, ScheduleNotFound, StoreUnavailable
from onward.model.job import Job
from onward.model.schedule import DefaultSchedule, Schedule, Watched

_log = logging.getLogger("onward.engine")
_LOOK_SECONDS = 10.0
"""So often it is asked whether there is something to watch, while there is not."""
_QUIET_MS = 1000
"""Changes that follow each other within this time start one job."""
_PATIENCE_MS = 30_000
"""But changes that never cease do not wait for longer."""
_TURN_MS = 5000
"""So often it is asked whether the same folder is still meant, and a job that could not be started is tried again."""


class FolderWatch(Service):
    """Starts a job of one schedule when files of its folder change.

    A schedule that is paused or deleted starts nothing: its next due time, if there is one, finds the changes. While a
    job runs and another may not, the start is tried again until it is over, since a change may have come too late for
    that job.
    """

    name = "folder-watch"

    def __init__(
        self,
        clock: Clock,
        declared: DefaultSchedule,
        find: Callable[[str], Schedule],
        run_now: Callable[[str], Job],
    ) -> None:
        super().__init__(clock)
        self._declared = declared
        self._find = find
        self._run_now = run_now
        self._is_owed = False
        self._said = ""

    def tick(self) -> float | None:
        watched = self._watched()
        if watched is None:
            return _LOOK_SECONDS
        try:
            self._follow(watched)
        except ImportError:
            self._complain(f"{watched.folder} is not watched: run pip install 'onward[vault]'.")
            return _LOOK_SECONDS
        except OSError as error:
            # It may not be read, or there is no room for another watch on this machine.
            self._complain(f"{watched.folder} is not watched: {error}")
            return _LOOK_SECONDS
        return None if self.is_stopping else 0.0

    def _follow(self, watched: Watched) -> None:
        """Until another folder is meant, this one is no more, or the service is told to end."""
        turns = self._turns(watched)
        _log.info("%s is watched for %s.", watched.folder, self._declared.name)
        for has_changes in turns:
            self._is_owed = self._is_owed or has_changes
            if self._is_owed:
                self._start(watched.folder)
            if self._watched() != watched:
                break

    def _watched(self) -> Watched | None:
        try:
            found = self._declared.watch() if self._declared.watch is not None else None
        except OnwardError as error:
            self._complain(f"Nothing is watched for {self._declared.name}: {error}")
            return None
        return found if found is not None and found.folder.is_dir() else None

    def _complain(self, text: str) -> None:
        """Once, and not at each turn."""
        if text != self._said:
            _log.warning("%s", text)
            self._said = text

    def _turns(self, watched: Watched) -> Iterator[bool]:
        """Whether there were changes, at each turn; ends when the service is told to."""
        from watchfiles import Change, watch  # noqa: PLC0415 - an optional part

        def is_meant(_change: Change, path: str) -> bool:
            return watched.is_meant(Path(path))

        changes = watch(
            watched.folder, watch_filter=is_meant, debounce=_PATIENCE_MS, step=_QUIET_MS, rust_timeout=_TURN_MS,
            stop_event=self._stopped, yield_on_timeout=True, raise_interrupt=False,
        )  # fmt: skip
        return (bool(found) for found in changes)

    def _start(self, folder: Path) -> None:
        name = self._declared.name
        try:
            if not self._find(name).enabled:
                self._is_owed = False
                return
            job = self._run_now(name)
        except (ResourceBusy, StoreUnavailable):
            # It is still owed, and tried again at the next turn.
            return
        except ScheduleNotFound:
            self._is_owed = False
            return
        self._is_owed = False
        _log.info("Files in %s have changed: job %s of %s was started.", folder, job.id, name)
