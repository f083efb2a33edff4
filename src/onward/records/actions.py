"""What can be done with a job now, and why not what cannot."""

from __future__ import annotations

from collections.abc import Iterator

from typing_extensions import TypedDict

from onward.model.job import Job
from onward.model.states import Status, Waiting


class ActionRecord(TypedDict):
    """Whether a verb fits a job now; ``reason`` says why it does not."""

    allowed: bool
    reason: str | None


VERBS = ("answer", "resume", "fresh", "again", "pause", "unpause", "cancel", "force-stop", "ack", "discard", "delete")
"""What people can do with a job, besides looking at it."""


def actions(job: Job) -> list[str]:
    """The verbs that fit a job now, as people type them: ``resume`` lets a paused job go on, too."""
    return list(_fitting(job))


def _fitting(job: Job) -> Iterator[str]:
    if job.waiting_on is Waiting.PAUSE:
        yield from ("resume", "cancel")
    elif job.waiting_on is Waiting.HOLD:
        yield from ("resume", "fresh", "cancel", *_ack(job))
    elif job.status is Status.COMPLETED:
        yield from ("again", "delete")
    elif job.status.is_ended:
        yield from ("force-stop",) if job.is_owned else ()
        yield from ("resume", "fresh", "again", *_ack(job), "delete")
    elif job.status is Status.PENDING_HITL:
        yield from ("answer", "resume" if job.paused_by else "pause", "cancel")
    else:
        yield "watch"
        is_chain = job.waiting_on is Waiting.CHILDREN and (
            job.waiting_reason is None or job.waiting_reason.code == "phase"
        )
        if not is_chain and job.waiting_on is not Waiting.OUTSIDE:
            yield "resume" if job.waiting_on is Waiting.CHILDREN and job.paused_by else "pause"
        yield "cancel"
        yield from ("force-stop",) if job.is_owned else ()


def _ack(job: Job) -> list[str]:
    return ["ack"] if job.acknowledged_by is None else []


def action_records(job: Job) -> dict[str, ActionRecord]:
    """Every verb, with the reason why it does not fit now."""
    fitting = set(_fitting(job))
    if "resume" in fitting and job.paused_by is not None:
        fitting.add("unpause")
    if job.has_checkpoint and (job.status.is_ended or job.waiting_on is Waiting.HOLD):
        fitting.add("discard")
    if job.is_part:
        fitting -= {"fresh", "delete"}
    if job.is_owned and job.status.is_ended:
        fitting -= {"delete"}
    return {
        verb: {"allowed": verb in fitting, "reason": None if verb in fitting else _why_not(job, verb)} for verb in VERBS
    }


def _why_not(job: Job, verb: str) -> str:
    is_over = job.status.is_ended
    reasons = (
        (job.is_part and verb in ("fresh", "delete"), "It belongs to another job, which is the one to do that with."),
        (is_over and job.is_owned and verb == "delete", "Its code has not left yet."),
        (job.acknowledged_by is not None and verb == "ack", f"{job.acknowledged_by} has taken note."),
        (is_over and verb == "discard", "It has saved nothing."),
        (verb == "force-stop", "None of its code runs."),
        (verb == "answer", "It asks nothing."),
        (verb == "unpause", "It is not paused."),
        (job.status is Status.COMPLETED, "It has succeeded."),
        (is_over, f"It has ended: {job.state}."),
        (verb in ("fresh", "again", "ack", "delete", "discard", "resume"), f"It has not ended: {job.state}."),
    )
    return next((text for holds, text in reasons if holds), f"It is {job.state}.")
