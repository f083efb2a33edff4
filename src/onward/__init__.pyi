"""The names that `__init__.py` gives, for type checkers: there they are loaded when somebody asks for them."""

from onward.app import Onward
from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.chains import run_combined_job
from onward.clock import Clock, ManualClock, SystemClock
from onward.engine.scheduler import Scheduler
from onward.engine.submission import Submission
from onward.engine.worker import Worker
from onward.errors import (
    AlreadyAnswered,
    AlreadyClaimed,
    CapacityMismatch,
    ChainNotFound,
    ChangedMeanwhile,
    CorruptCheckpoint,
    CursorLost,
    CursorMismatch,
    DatabaseMoved,
    DuplicateStep,
    IdempotencyConflict,
    IllegalTransition,
    ImportClash,
    IncompleteJobFound,
    Interrupt,
    InvalidAnswer,
    InvalidChain,
    InvalidConfig,
    InvalidExport,
    InvalidFilter,
    InvalidJobType,
    InvalidParams,
    InvalidSchedule,
    InvalidValue,
    JobCancelled,
    JobLost,
    JobNotFound,
    JobParked,
    JobStopped,
    JournalUnavailable,
    MissingExtra,
    OnwardError,
    QuestionClosed,
    QuestionNotFound,
    RangeFailed,
    ResourceBusy,
    ScheduleNotFound,
    SchemaMismatch,
    StoreUnavailable,
    UnknownJobType,
    VersionConflict,
    WorkersOnline,
    WrongSqliteLibrary,
)
from onward.model.archive import ArchivedJob, PruneReport
from onward.model.chain import ChainReport, ChainTemplate, JobPhase
from onward.model.cron import DueTime
from onward.model.curve import CurvePoint
from onward.model.family import WorkRange
from onward.model.job import Job, JobError, Page, Progress, Question, Run
from onward.model.limits import Limits
from onward.model.question import QuestionRecord
from onward.model.retry import Backoff
from onward.model.schedule import Backfill, DefaultSchedule, Forecast, Schedule
from onward.model.schedule_entry import ScheduleChange
from onward.model.states import RunStatus, Status
from onward.model.transfer import TransferReport
from onward.server.mount import lifespan, ui
from onward.settings import Settings
from onward.version import __version__

__all__ = [
    "AlreadyAnswered",
    "AlreadyClaimed",
    "ArchivedJob",
    "Backfill",
    "Backoff",
    "CapacityMismatch",
    "ChainNotFound",
    "ChainReport",
    "ChainTemplate",
    "ChangedMeanwhile",
    "Clock",
    "Context",
    "CorruptCheckpoint",
    "CursorLost",
    "CursorMismatch",
    "CurvePoint",
    "DatabaseMoved",
    "DefaultSchedule",
    "DueTime",
    "DuplicateStep",
    "Forecast",
    "IdempotencyConflict",
    "IllegalTransition",
    "ImportClash",
    "IncompleteJobFound",
    "Interrupt",
    "InvalidAnswer",
    "InvalidChain",
    "InvalidConfig",
    "InvalidExport",
    "InvalidFilter",
    "InvalidJobType",
    "InvalidParams",
    "InvalidSchedule",
    "InvalidValue",
    "Job",
    "JobCancelled",
    "JobError",
    "JobLost",
    "JobNotFound",
    "JobParked",
    "JobPhase",
    "JobStopped",
    "JobTypes",
    "JournalUnavailable",
    "Limits",
    "ManualClock",
    "MissingExtra",
    "Onward",
    "OnwardError",
    "Page",
    "Progress",
    "PruneReport",
    "Question",
    "QuestionClosed",
    "QuestionNotFound",
    "QuestionRecord",
    "RangeFailed",
    "ResourceBusy",
    "Run",
    "RunStatus",
    "Schedule",
    "ScheduleChange",
    "ScheduleNotFound",
    "Scheduler",
    "SchemaMismatch",
    "Settings",
    "Status",
    "StoreUnavailable",
    "Submission",
    "SystemClock",
    "TransferReport",
    "UnknownJobType",
    "VersionConflict",
    "WorkRange",
    "Worker",
    "WorkersOnline",
    "WrongSqliteLibrary",
    "__version__",
    "lifespan",
    "run_combined_job",
    "ui",
]
