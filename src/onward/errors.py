"""Every error that onward raises, and what each one asks of you.

::

    OnwardError                     everything below; the message says what happened and what to do
    ├── JobNotFound                 no job has this id
    ├── UnknownJobType              nothing is registered under this name (near names are given)
    ├── InvalidJobType              a function cannot be registered as it stands
    ├── InvalidParams               the parameters do not fit the job type, field by field
    ├── InvalidValue                a value is not JSON, too large, too deep, or not an id
    │   ├── InvalidFilter           a filter of a list cannot be understood (names its key)
    │   └── CursorMismatch          a cursor belongs to another list
    ├── ChangedMeanwhile            somebody has changed it since it was looked at
    ├── ResourceBusy                another job occupies what this one needs
    ├── CapacityMismatch            two declarations of one resource differ in capacity
    ├── IncompleteJobFound          unfinished work exists for this source and job type
    ├── IdempotencyConflict         the key was used before with another payload
    ├── IllegalTransition           the job's status does not allow this
    │   └── QuestionClosed          the question has expired or was withdrawn
    ├── InvalidSchedule             an expression is wrong or never fires
    ├── ScheduleNotFound            no schedule has this name
    ├── InvalidConfig               a setting or a configuration file is wrong
    ├── InvalidChain                the phases of a chain do not fit together
    ├── QuestionNotFound            no question has this id, or it is another job's
    ├── ChainNotFound               no chain is saved under this name
    ├── VersionConflict             somebody has saved another version meanwhile
    ├── AlreadyAnswered             the question has its answer
    ├── AlreadyClaimed              somebody else looks after the question
    ├── InvalidAnswer               the answer does not fit the question's schema
    ├── StoreUnavailable            the database cannot be reached, or is locked or full
    │   ├── SchemaMismatch          the database is of an older or newer version, or somebody else's
    │   ├── DatabaseMoved           everything in it was moved to another database
    │   └── ServerUnreachable       the server that is asked over HTTP does not answer
    ├── JournalUnavailable          the journal for outages cannot be written: its disk or its limit is full
    ├── InvalidExport               a file is not a whole export that this version can read
    ├── ImportClash                 what is to be brought in is there already
    ├── WorkersOnline               workers are at work where none may be
    ├── WrongSqliteLibrary          two SQLite libraries on one file
    ├── CorruptCheckpoint           no valid checkpoint is left
    ├── CursorLost                  the place where the job was is no longer in its items
    ├── RangeFailed                 ranges of a fan-out have failed or were cancelled
    ├── DuplicateStep               one name of a step or question twice in one scope
    └── MissingExtra                an optional part is not installed (names the command)

    Interrupt (BaseException)       how a run leaves; ``except Exception`` does not swallow it
    ├── JobCancelled                somebody cancelled the job
    ├── JobLost                     this worker no longer owns the job
    ├── JobStopped                  the worker is shutting down; the job goes on elsewhere
    └── JobParked                   the job waits and needs no worker meanwhile
"""

from __future__ import annotations

from typing import Any


class OnwardError(Exception):
    """Base of all errors.

    ``code`` is stable (command line and HTTP show it); ``hint`` is what to do, or empty; ``exit_code`` is
    what the command line returns.
    """

    code = "error"
    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip() if self.hint else self.message


class JobNotFound(OnwardError):
    """No job has this id, here or in the archive."""

    code = "job-not-found"
    exit_code = 3


class UnknownJobType(OnwardError):
    """Nothing is registered under this name; ``near`` lists names like it."""

    code = "job-type-unknown"
    exit_code = 2

    def __init__(self, message: str, *, hint: str = "", near: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.near = near


class InvalidJobType(OnwardError):
    """A function or its policy cannot be registered as it stands."""

    code = "job-type-invalid"
    exit_code = 6


class InvalidParams(OnwardError):
    """Parameters do not fit; ``errors`` is a list of ``{"field", "message"}``."""

    code = "params-invalid"
    exit_code = 6

    def __init__(self, message: str, *, hint: str = "", errors: tuple[dict[str, str], ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.errors = errors


class InvalidValue(OnwardError):
    """A value cannot be kept exactly: not JSON, too large, too deep, or an id with a path in it."""

    code = "value-invalid"
    exit_code = 6


class InvalidFilter(InvalidValue):
    """A filter of a list cannot be understood; ``errors`` names its key."""

    code = "filter-invalid"

    def __init__(self, message: str, *, hint: str = "", errors: tuple[dict[str, str], ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.errors = errors


class CursorMismatch(InvalidValue):
    """A cursor belongs to another list, or is none."""

    code = "cursor-mismatch"


class ChangedMeanwhile(OnwardError):
    """Somebody has changed it since it was looked at; nothing was done.

    ``job``, ``schedule`` or ``question`` is how it stands now.
    """

    code = "changed-meanwhile"
    exit_code = 5

    def __init__(
        self, message: str, *, hint: str = "", job: Any = None, schedule: Any = None, question: Any = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.job, self.schedule, self.question = job, schedule, question


class _InTheWay(OnwardError):
    """Carries the job that is in the way."""

    exit_code = 5

    def __init__(self, message: str, *, hint: str = "", job: Any = None) -> None:
        super().__init__(message, hint=hint)
        self.job = job


class ResourceBusy(_InTheWay):
    """Another job occupies a source or resource; ``job`` is the one in the way, ``resource`` its name."""

    code = "resource-held"

    def __init__(self, message: str, *, hint: str = "", job: Any = None, resource: str = "") -> None:
        super().__init__(message, hint=hint, job=job)
        self.resource = resource


class CapacityMismatch(OnwardError):
    """Two declarations of one resource differ in capacity."""

    code = "capacity-mismatch"
    exit_code = 5


class IncompleteJobFound(_InTheWay):
    """Unfinished work exists; ``job``, ``percent`` and ``age_seconds`` say which, how far and how old."""

    code = "incomplete-job-exists"

    def __init__(
        self, message: str, *, hint: str = "", job: Any = None, percent: int = 0, age_seconds: float = 0
    ) -> None:
        super().__init__(message, hint=hint, job=job)
        self.percent = percent
        self.age_seconds = age_seconds
        self.resume: Any = None
        """What a server has told about it: the facts of the question whether to resume."""


class IdempotencyConflict(_InTheWay):
    """An idempotency key or job id was used before with another payload."""

    code = "idempotency-conflict"


class IllegalTransition(OnwardError):
    """The job's status does not allow what was asked; nothing was changed."""

    code = "illegal-transition"
    exit_code = 5


class InvalidSchedule(OnwardError):
    """A schedule's expression is wrong or never fires; the message names the field."""

    code = "schedule-invalid"
    exit_code = 6


class ScheduleNotFound(OnwardError):
    """No schedule has this name."""

    code = "schedule-not-found"
    exit_code = 3


class InvalidConfig(OnwardError):
    """A setting or configuration file is wrong; ``problems`` lists all of them, with file and line where known."""

    code = "config-invalid"
    exit_code = 6

    def __init__(self, message: str, *, hint: str = "", problems: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.problems = problems or (message,)


class InvalidChain(OnwardError):
    """The phases of a chain do not fit together; ``report`` is the chain report."""

    code = "chain-invalid"
    exit_code = 6

    def __init__(self, message: str, *, hint: str = "", report: Any = None) -> None:
        super().__init__(message, hint=hint)
        self.report = report


class ChainNotFound(OnwardError):
    """No chain is saved under this name."""

    code = "chain-not-found"
    exit_code = 3


class VersionConflict(OnwardError):
    """Somebody has saved another version meanwhile; ``version`` is the one that is there, 0 for none."""

    code = "version-conflict"
    exit_code = 5

    def __init__(self, message: str, *, hint: str = "", version: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.version = version


class _OfQuestion(OnwardError):
    """Carries the question as it stands."""

    exit_code = 5

    def __init__(self, message: str, *, hint: str = "", question: Any = None) -> None:
        super().__init__(message, hint=hint)
        self.question = question


class QuestionClosed(IllegalTransition):
    """The question has expired or was withdrawn; it takes no answer any more."""

    code = "question-closed"


class QuestionNotFound(OnwardError):
    """No question has this id, or it was asked by another job."""

    code = "question-not-found"
    exit_code = 3


class AlreadyAnswered(_OfQuestion):
    """The question has its answer already; ``question`` tells which, by whom and when."""

    code = "already-answered"


class AlreadyClaimed(_OfQuestion):
    """Somebody else has said that they look after the question; ``question`` tells who and since when."""

    code = "already-claimed"


class InvalidAnswer(OnwardError):
    """The answer does not fit the question's schema; ``errors`` is a list of ``{"field", "message"}``."""

    code = "answer-invalid"
    exit_code = 6

    def __init__(self, message: str, *, hint: str = "", errors: tuple[dict[str, str], ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.errors = errors


class StoreUnavailable(OnwardError):
    """The database cannot be reached, is locked by somebody else for too long, or its disk is full."""

    code = "database-unreachable"
    exit_code = 7


class SchemaMismatch(StoreUnavailable):
    """The database's schema is older or newer than this version, or its tables belong to another program."""

    code = "schema-outdated"
    exit_code = 6


class JournalUnavailable(OnwardError):
    """The journal for outages cannot be written: its disk or its limit is full, or the folder is not ours."""

    code = "journal-unavailable"
    exit_code = 7


class DatabaseMoved(StoreUnavailable):
    """Everything in this database was moved to another, or is being moved; nothing is written here any more."""

    code = "database-moved"
    exit_code = 6


class ServerUnreachable(StoreUnavailable):
    """The server that is asked over HTTP does not answer, or its own database is away."""

    code = "server-unreachable"


class InvalidExport(OnwardError):
    """A file is not an export, is damaged or torn, or was made by a newer version; nothing was brought in."""

    code = "export-invalid"
    exit_code = 6


class ImportClash(OnwardError):
    """What is to be brought in is there already; ``clashes`` lists some of it. Nothing was brought in."""

    code = "import-clash"
    exit_code = 5

    def __init__(self, message: str, *, hint: str = "", clashes: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.clashes = clashes


class WorkersOnline(OnwardError):
    """Workers are at work on a database that is to be moved; ``workers`` names them."""

    code = "workers-online"
    exit_code = 5

    def __init__(self, message: str, *, hint: str = "", workers: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.workers = workers


class WrongSqliteLibrary(OnwardError):
    """A connection of a second SQLite library on the same file: its locks would not be seen."""

    code = "sqlite-library"
    exit_code = 6


class CorruptCheckpoint(OnwardError):
    """No valid checkpoint is left; what is damaged was set aside, never overwritten."""

    code = "checkpoint-corrupt"
    exit_code = 6


class CursorLost(OnwardError):
    """The key at which the job stopped no longer occurs in its items."""

    code = "cursor-lost"


class RangeFailed(OnwardError):
    """Ranges of a fan-out have failed or were cancelled, the others have ended; ``ranges`` are their jobs' ids."""

    code = "range-failed"
    exit_code = 10

    def __init__(self, message: str, *, hint: str = "", ranges: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.ranges = ranges


class DuplicateStep(OnwardError):
    """One name of a step or question was used twice in one scope."""

    code = "step-duplicate"


class MissingExtra(OnwardError):
    """An optional part is not installed; the message names the command that installs it."""

    code = "extra-missing"
    exit_code = 6


class Interrupt(BaseException):
    """How a run leaves before its end: at a checkpoint, and neither a success nor an error."""


class JobCancelled(Interrupt):
    """Somebody cancelled the job; its checkpoint is saved and the code leaves."""


class JobLost(Interrupt):
    """This worker no longer owns the job; nothing that it writes counts."""


class JobStopped(Interrupt):
    """The worker is shutting down; the job goes on from its checkpoint elsewhere."""


class JobParked(Interrupt):
    """The job waits for a time, a person or other jobs and needs no worker meanwhile."""
