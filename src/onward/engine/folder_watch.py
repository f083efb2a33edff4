"""Watching a folder beside a schedule: what changes there starts a job of the schedule at once."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from onward.clock import Clock
from onward.engine.schedules import Schedules
from onward.engine.service import Service
from onward.errors import OnwardError, ResourceBusy, ScheduleNotFound, StoreUnavailable
from onward.model.schedule import DefaultSchedule, Watched

_log = logging.getLogger("onward.engine")
_LOOK_SECONDS = 10.0
"""So often it is asked whether there is something to watch, while there is not."""
_AFTER_ERROR_SECONDS = 60.0
_QUIET_MS = 1000
"""Changes that follow each other within this time start one job."""
_PATIENCE_MS = 10_000
"""But changes that never cease do not wait for longer."""
_TURN_MS = 5000
"""So often it is asked whether the same folder is still meant, and a job that could not be started is tried again."""


class FolderWatch(Service):
    """Starts a job of one schedule when files of its folder change.

    A watch begins with one job, which finds what changed while nobody watched. A schedule that is paused, by itself or
    with all others, or deleted starts nothing: its next due time, if there is one, finds the changes. While a job of it
    runs or waits, the start is tried again until that is over, whatever the schedule says of overlaps: a change may
    have come too late for that job, and one job behind it finds them all.
    """

    name = "folder-watch"

    def __init__(self, clock: Clock, declared: DefaultSchedule, schedules: Schedules) -> None:
        super().__init__(clock)
        self._declared = declared
        self._schedules = schedules
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
        except (OSError, RuntimeError) as error:
            # It may not be read, there is no room for another watch on this machine, or a name there is no text.
            self._complain(f"{watched.folder} is not watched: {error}")
            return _AFTER_ERROR_SECONDS
        return None if self.is_stopping else 0.0

    def _follow(self, watched: Watched) -> None:
        """Until another folder is meant, this one is no more, or the service is told to end."""
        self._is_owed = True
        turns, place = self._turns(watched), _place(watched.folder)
        _log.info("%s is watched for %s.", watched.folder, self._declared.name)
        for has_changes in turns:
            self._is_owed = self._is_owed or has_changes
            if self._is_owed:
                self._start(watched.folder)
            if self._watched() != watched or _place(watched.folder) != place:
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
        from watchfiles import watch  # noqa: PLC0415 - an optional part

        # Without a filter of its own: changes of what is not meant would leave it without a turn.
        changes = watch(
            watched.folder, watch_filter=None, debounce=_PATIENCE_MS, step=_QUIET_MS, rust_timeout=_TURN_MS,
            stop_event=self._stopped, yield_on_timeout=True, raise_interrupt=False, ignore_permission_denied=True,
        )  # fmt: skip
        return (any(watched.is_meant(Path(path)) for _, path in found) for found in changes)

    def _start(self, folder: Path) -> None:
        name = self._declared.name
        try:
            if not self._schedules.get(name).enabled or self._schedules.paused_reason() is not None:
                self._is_owed = False
                return
            if self._schedules.is_active(name):
                return
            job = self._schedules.run_now(name)
        except (ResourceBusy, StoreUnavailable):
            # It is still owed, and tried again at the next turn.
            return
        except ScheduleNotFound:
            self._is_owed = False
            return
        self._is_owed = False
        _log.info("Files in %s have changed, or may have: job %s of %s was started.", folder, job.id, name)


def _place(folder: Path) -> tuple[int, int] | None:
    """Which folder it is: another one may lie under the same name by now."""
    try:
        found = os.stat(folder)
    except OSError:
        return None
    return found.st_dev, found.st_ino
