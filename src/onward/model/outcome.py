"""How an attempt ended, as a value."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from onward.errors import Interrupt, JobCancelled, JobLost, JobParked
from onward.model.job import JobError, Json


class Kind(StrEnum):
    """The ways in which an attempt ends."""

    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    PARKED = "parked"
    LOST = "lost"
    SKIPPED = "skipped"
    """The job type's ``skip_if`` gave a reason: there was nothing to do."""
    HANDED_ON = "handed_on"
    """A chain has started its phase: what is left to write has been written."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended; ``exception`` is what a retry policy looks at."""

    kind: Kind
    result: Json = None
    error: JobError | None = None
    exception: BaseException | None = None
    until: datetime | None = None


def of_result(result: Json) -> Outcome:
    """The outcome of a function that returned: dictionaries may say that it was cancelled or has failed."""
    if isinstance(result, dict) and result.get("success") is False:
        if result.get("cancelled"):
            return Outcome(Kind.CANCELLED, result)
        if "error" in result:
            error = JobError("Failed", str(result["error"]))
            return Outcome(Kind.FAILURE, result, error, RuntimeError(str(result["error"])))
    return Outcome(Kind.SUCCESS, result)


def of_exception(error: BaseException) -> Outcome:
    """The outcome of a function that raised."""
    leaving = interrupt_of(error)
    if leaving is None:
        return Outcome(Kind.FAILURE, None, describe(error), error)
    if isinstance(leaving, JobCancelled):
        return Outcome(Kind.CANCELLED)
    if isinstance(leaving, JobLost):
        return Outcome(Kind.LOST)
    return Outcome(Kind.PARKED if isinstance(leaving, JobParked) else Kind.STOPPED)


def interrupt_of(error: BaseException) -> Interrupt | None:
    """The interrupt, also out of exception groups that are made only of interrupts."""
    if isinstance(error, Interrupt):
        return error
    if isinstance(error, BaseExceptionGroup):
        found = [interrupt_of(inner) for inner in error.exceptions]
        if found and all(inner is not None for inner in found):
            return found[0]
    return None


def describe(error: BaseException) -> JobError:
    """An exception as it is kept: class, message, and the traceback without local variables."""
    text = "".join(traceback.format_exception(error))
    return JobError(type(error).__name__, str(error) or type(error).__name__, text[-65536:])


def as_json(error: JobError) -> dict[str, Any]:
    """An error as it is kept in a job's row."""
    return {"type": error.type, "message": error.message, "traceback": error.traceback}
