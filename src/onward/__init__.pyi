"""The names that `__init__.py` gives, for type checkers: there they are loaded when somebody asks for them."""

from onward.app import Onward
from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.chains import run_combined_job
from onward.clock import Clock, ManualClock, SystemClock
from onward.engine.submission import Submission
from onward.engine.worker import Worker
from onward.errors import (
    AlreadyAnswered,
    AlreadyClaimed,
    CapacityMismatch,
    CorruptCheckpoint,
    CursorLost,
    DuplicateStep,
    IdempotencyConflict,
    IllegalTransition,
    IncompleteJobFound,
    Interrupt,
    InvalidAnswer,
    InvalidChain,
    InvalidConfig,
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
    SchemaMismatch,
    StoreUnavailable,
    UnknownJobType,
    WrongSqliteLibrary,
)
from onward.model.chain import ChainReport, JobPhase
from onward.model.family import WorkRange
from onward.model.job import Job, JobError, Page, Progress, Question, Run
from onward.model.question import QuestionRecord
from onward.model.retry import Backoff
from onward.model.states import RunStatus, Status
from onward.settings import Settings
from onward.version import __version__

__all__ = [
    "AlreadyAnswered",
    "AlreadyClaimed",
    "Backoff",
    "CapacityMismatch",
    "ChainReport",
    "Clock",
    "Context",
    "CorruptCheckpoint",
    "CursorLost",
    "DuplicateStep",
    "IdempotencyConflict",
    "IllegalTransition",
    "IncompleteJobFound",
    "Interrupt",
    "InvalidAnswer",
    "InvalidChain",
    "InvalidConfig",
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
    "ManualClock",
    "MissingExtra",
    "Onward",
    "OnwardError",
    "Page",
    "Progress",
    "Question",
    "QuestionClosed",
    "QuestionNotFound",
    "QuestionRecord",
    "RangeFailed",
    "ResourceBusy",
    "Run",
    "RunStatus",
    "SchemaMismatch",
    "Settings",
    "Status",
    "StoreUnavailable",
    "Submission",
    "SystemClock",
    "UnknownJobType",
    "WorkRange",
    "Worker",
    "WrongSqliteLibrary",
    "__version__",
    "run_combined_job",
]
