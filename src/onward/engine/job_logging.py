"""Log records that any library makes while a job runs are kept with the job."""

from __future__ import annotations

import logging

from onward.engine.executor import current


class JobHandler(logging.Handler):
    """Hands records that are made on a job's thread or task to the job's desk; others are left alone."""

    def emit(self, record: logging.LogRecord) -> None:
        desk = current.get()
        if desk is None or record.name.startswith("onward.engine"):
            return
        try:
            desk.log(record.levelname, record.getMessage(), {"logger": record.name})
        except Exception:  # noqa: BLE001 - a line that cannot be kept must not end the job that wrote it
            self.handleError(record)


_handler = JobHandler(level=logging.INFO)


def capture() -> None:
    """Begin to keep records; once a process."""
    root = logging.getLogger()
    if _handler not in root.handlers:
        root.addHandler(_handler)
