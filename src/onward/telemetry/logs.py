"""Logs: one line for each run, beside what the engine and libraries say; JSON, or readable on a terminal.

The line of a run has ``level``, ``service``, ``filename.function_name``, ``job_id``, ``job_name``, ``duration`` in
seconds, and ``success``. Secrets are taken out of every line before it is written.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter

from onward.authoring.registry import JobTypes
from onward.errors import UnknownJobType
from onward.events import Bus, Event, JobStalled, RunEnded, StartSkipped, WorkerLost, WorkerStarted, WorkerStopped
from onward.model.ids import shown
from onward.model.states import RunStatus
from onward.settings import Settings
from onward.telemetry.secrets import Secrets, known_values

RUNS = "onward.runs"
"""The name of the logger that has a line for each run."""

Line = MutableMapping[str, Any]
_GOOD = {RunStatus.SUCCESS, RunStatus.SKIPPED, RunStatus.PARKED}
_LEVELS = {RunStatus.FAILED: logging.ERROR, RunStatus.LOST: logging.WARNING, RunStatus.INTERRUPTED: logging.WARNING}
_QUIET = ("alembic", "chromadb", "httpx", "httpcore", "asyncio")
"""Libraries whose lines below WARNING say nothing about jobs."""


def set_up(
    settings: Settings,
    bus: Bus,
    job_types: JobTypes,
    service: str,
    stream: TextIO | None = None,
) -> Callable[[], None]:
    """Write this process's logs to ``stream`` (stderr) by ``settings.log``, with a line for each run.

    ``service`` is what the process is called in each line. Call what is returned to stop that.
    """
    stream = stream or sys.stderr
    level = logging.getLevelName(settings.log.level)
    handler = logging.StreamHandler(stream)
    handler.setLevel(level)
    handler.setFormatter(_formatter(settings, service, stream))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(min(level, before) if before else level)
    quiet = {} if level <= logging.DEBUG else {name: logging.getLogger(name).level for name in _QUIET}
    for name in quiet:
        logging.getLogger(name).setLevel(logging.WARNING)
    unsubscribe = bus.subscribe(RunLog(job_types).hear)

    def undo() -> None:
        unsubscribe()
        root.removeHandler(handler)
        root.setLevel(before)
        for name, its_level in quiet.items():
            logging.getLogger(name).setLevel(its_level)

    return undo


class RunLog:
    """Logs what runs and workers do, through the logger ``onward.runs``."""

    def __init__(self, job_types: JobTypes) -> None:
        self._job_types = job_types
        self._log = logging.getLogger(RUNS)

    def hear(self, event: Event) -> None:
        """Log an event; the listener of the bus."""
        match event:
            case RunEnded():
                self._run_ended(event)
            case JobStalled():
                self._say(logging.WARNING, event, f"no progress for {event.seconds:.0f} s", event.job_type, {})
            case StartSkipped():
                facts = {"job_name": event.job_type, "schedule": event.schedule, "reason": event.reason}
                self._log.info("start by schedule skipped: %s", event.reason, extra={"facts": facts})
            case WorkerStarted():
                self._log.info("worker %s takes jobs, %d at a time", event.worker, event.concurrency)
            case WorkerStopped():
                self._log.info("worker %s has stopped, %d jobs go on elsewhere", event.worker, event.interrupted)
            case WorkerLost():
                self._log.warning("worker %s is lost (%s), %d jobs taken over", event.worker, event.reason, event.jobs)
            case _:
                pass

    def _run_ended(self, event: RunEnded) -> None:
        outcome = RunStatus(event.outcome)
        level = _LEVELS.get(outcome, logging.INFO)
        if not self._log.isEnabledFor(level):
            return
        facts: dict[str, Any] = {
            "duration": round(event.duration_seconds, 3),
            "success": outcome in _GOOD,
            "outcome": event.outcome,
            "run_id": event.run_id,
            "worker": event.worker,
        }
        if event.error_type:
            facts["error_type"] = event.error_type
        facts |= {name: value for name, value in event.statistics if name != "duration"}
        self._say(level, event, f"run ended: {event.outcome}", event.job_type, facts)

    def _say(self, level: int, event: Any, said: str, job_type: str, facts: dict[str, Any]) -> None:
        line = {"filename.function_name": self._place(job_type), "job_id": event.job_id, "job_name": job_type, **facts}
        self._log.log(level, said, extra={"facts": line})

    def _place(self, job_type: str) -> str:
        """``FILE.FUNCTION`` of the job type's code."""
        try:
            func: Any = self._job_types.get(job_type).func
        except UnknownJobType:
            return job_type
        code = getattr(func, "__code__", None)
        file = Path(code.co_filename).stem if code else str(getattr(func, "__module__", "")).rpartition(".")[2]
        return f"{file}.{getattr(func, '__qualname__', job_type)}"


def _formatter(settings: Settings, service: str, stream: TextIO) -> ProcessorFormatter:
    form = settings.log.format
    is_text = form == "text" or (form == "auto" and stream.isatty())
    secrets = Secrets(known_values(settings, os.environ))
    has_colors = is_text and stream.isatty() and "NO_COLOR" not in os.environ

    def fill(_logger: Any, _name: str, line: Line) -> Line:
        return _filled(line, service)

    def hide(_logger: Any, _name: str, line: Line) -> Line:
        hidden: Line = secrets.hide(line)
        return hidden

    ending: list[Any] = [_readable, structlog.dev.ConsoleRenderer(colors=has_colors, pad_event_to=28)]
    if not is_text:
        ending = [structlog.processors.JSONRenderer()]
    return ProcessorFormatter(processors=[fill, structlog.processors.format_exc_info, hide, *ending])


def _filled(line: Line, service: str) -> Line:
    """The fields of a line in their order, from a record of the standard library."""
    record: logging.LogRecord = line["_record"]
    facts: dict[str, Any] = dict(getattr(record, "facts", None) or {})
    filled: Line = {
        "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "service": service,
        "filename.function_name": f"{Path(record.pathname).stem}.{record.funcName}",
        "event": line["event"],
        "logger": record.name,
        **facts,
    }
    if line.get("exc_info"):
        filled["exc_info"] = line["exc_info"]
    return filled


def _readable(_logger: Any, _name: str, line: Line) -> Line:
    """For people: the time of day, ids as they are shown elsewhere, and no control characters in anything."""
    for key in ("service", "logger", "run_id", "filename.function_name"):
        line.pop(key, None)
    line["timestamp"] = str(line["timestamp"])[11:19]
    line["level"] = str(line["level"]).lower()
    if "job_id" in line:
        line["job_id"] = shown(str(line["job_id"]))
    return {key: _printable(value) if isinstance(value, str) else value for key, value in line.items()}


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in text)
