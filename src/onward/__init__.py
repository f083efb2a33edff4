"""onward: background jobs for AI and knowledge applications. Schedule, run, watch, stop, resume; lose nothing.

Nothing is loaded before it is asked for, so that the command line starts at once; ``__init__.pyi`` tells type
checkers the same names.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "onward.app": "Onward",
    "onward.authoring.context": "Context",
    "onward.authoring.registry": "JobTypes",
    "onward.chains": "run_combined_job",
    "onward.clock": "Clock ManualClock SystemClock",
    "onward.engine.submission": "Submission",
    "onward.engine.scheduler": "Scheduler",
    "onward.engine.worker": "Worker",
    "onward.errors": (
        "AlreadyAnswered AlreadyClaimed CapacityMismatch ChainNotFound ChangedMeanwhile CorruptCheckpoint CursorLost "
        "CursorMismatch DatabaseMoved "
        "DuplicateStep IdempotencyConflict IllegalTransition ImportClash IncompleteJobFound Interrupt InvalidAnswer "
        "InvalidChain InvalidConfig InvalidExport InvalidFilter InvalidJobType InvalidParams InvalidSchedule "
        "InvalidValue JobCancelled JobLost JobNotFound JobParked JobStopped JournalUnavailable MissingExtra "
        "OnwardError QuestionClosed QuestionNotFound RangeFailed ResourceBusy ScheduleNotFound SchemaMismatch "
        "StoreUnavailable "
        "UnknownJobType VersionConflict WorkersOnline WrongSqliteLibrary"
    ),
    "onward.model.archive": "ArchivedJob PruneReport",
    "onward.model.chain": "ChainReport ChainTemplate JobPhase",
    "onward.model.curve": "CurvePoint",
    "onward.model.family": "WorkRange",
    "onward.model.job": "Job JobError Page Progress Question Run",
    "onward.model.limits": "Limits",
    "onward.model.question": "QuestionRecord",
    "onward.model.cron": "DueTime",
    "onward.model.retry": "Backoff",
    "onward.model.schedule": "Backfill DefaultSchedule Forecast Schedule",
    "onward.model.schedule_entry": "ScheduleChange",
    "onward.model.states": "RunStatus Status",
    "onward.model.transfer": "TransferReport",
    "onward.server.mount": "lifespan ui",
    "onward.settings": "Settings",
    "onward.version": "__version__",
}
_NAMES = {name: home for home, names in _HOMES.items() for name in names.split()}
_MODULES = frozenset({"aio", "chains", "checkpoints", "clock", "errors", "events", "manager", "settings", "testing"})
__all__ = [*_NAMES]  # noqa: PLE0604 - they are strings; the stub spells them out


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"onward.{name}")
    if name not in _NAMES:
        raise AttributeError(f"module 'onward' has no attribute {name!r}")
    value = getattr(importlib.import_module(_NAMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES, *_MODULES})
