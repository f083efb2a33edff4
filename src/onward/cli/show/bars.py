"""Progress in one line: a bar, how far, how fast, how long."""

from __future__ import annotations

import math
from datetime import datetime

from onward.cli.show.times import ago, length
from onward.cli.show.words import WORDS
from onward.model.ids import shown
from onward.model.job import Job, Progress
from onward.model.states import Status, Waiting

_WIDTH = 12
_SURE_PERCENT = 5
_SURE_SECONDS = 30


def bar(percent: int | None, width: int = _WIDTH) -> str:
    """``[=====>------]``; without a total it says only that something goes on."""
    if percent is None:
        return f"[{'·' * width}]"
    full = percent * width // 100
    head = ">" if 0 < percent < 100 else ""
    return f"[{('=' * max(0, full - len(head)) + head).ljust(width, '-')}]"


def amount(progress: Progress) -> str:
    """``45%``, or what is done where no total is known."""
    if progress.percent is not None:
        return f"{progress.percent}%"
    return f"{progress.done:,} done" if progress.done is not None else ""


def rate(per_second: float | None) -> str:
    """``312/s``, ``3.4/s``, ``12/min``."""
    if per_second is None or per_second <= 0:
        return ""
    if per_second >= 10:
        return f"{per_second:,.0f}/s"
    return f"{per_second:.1f}/s" if per_second >= 1 else f"{per_second * 60:.0f}/min"


def eta(job: Job, now: datetime) -> str:
    """``ETA 8-12 min``: a range, and only once there is something to go by."""
    seconds = job.progress.eta_seconds
    if seconds is None or job.status is not Status.RUNNING:
        return ""
    running = (now - job.started_at).total_seconds() if job.started_at else 0
    if (job.progress.percent or 0) < _SURE_PERCENT and running < _SURE_SECONDS:
        return ""
    low, high = seconds * 0.85, seconds * 1.25
    if high < 90:
        return f"ETA {_span(math.floor(low), math.ceil(high))} s"
    if high < 5400:
        return f"ETA {_span(math.floor(low / 60), math.ceil(high / 60))} min"
    return f"ETA {_span(math.floor(low / 3600), math.ceil(high / 3600))} h"


def _span(low: int, high: int) -> str:
    return f"{max(1, low)}-{high}" if max(1, low) < high else str(high)


def name_of(job: Job) -> str:
    """Type and the end of the id, which is enough to name the job again."""
    return f"{job.job_type} {shown(job.id)[-6:]}"


def job_line(job: Job, now: datetime, phase: str = "") -> str:
    """One job in one line."""
    head = name_of(job)
    if job.status.is_ended or job.waiting_on is Waiting.HOLD:
        return f"{head}  {ending(job)}"
    if job.status is not Status.RUNNING:
        why = job.waiting_reason.text if job.waiting_reason else WORDS[job.state]
        done = f"{bar(job.progress.percent)} {amount(job.progress)}  " if amount(job.progress) else ""
        return f"{head}  {done}{WORDS[job.state]}: {why}"
    parts = [bar(job.progress.percent), *_facts(job, now), phase]
    return f"{head}  " + "  ".join(part for part in parts if part)


def _facts(job: Job, now: datetime) -> list[str]:
    progress = job.progress
    counted = ""
    if progress.done is not None and progress.total:
        counted = f"{progress.done:,}/{progress.total:,}"
    percent = f"{progress.percent:>3}%" if progress.percent is not None else amount(progress)
    return [percent, counted, rate(progress.rate), eta(job, now)]


def phase_line(name: str, child: Job | None, width: int, now: datetime) -> str:
    """One phase of a chain: finished ones say how long they took."""
    padded = name.ljust(width)
    if child is None:
        return f"  ○ {padded}"
    if child.status is Status.COMPLETED:
        return f"  ✓ {padded}  {_items(child)}{_took(child)}"
    if child.status.is_ended:
        return f"  ✗ {padded}  {ending(child)}"
    if child.status is not Status.RUNNING:
        why = child.waiting_reason.text if child.waiting_reason else WORDS[child.state]
        done = f"{bar(child.progress.percent)} {child.progress.percent}%  " if child.progress.percent else ""
        return f"  ○ {padded}  {done}{why}"
    return f"  ▶ {padded}  " + "  ".join(part for part in [bar(child.progress.percent), *_facts(child, now)] if part)


def _items(job: Job) -> str:
    return f"{job.progress.done:,} items, " if job.progress.done else ""


def _took(job: Job) -> str:
    if job.started_at is None or job.completed_at is None:
        return ""
    return length(max(0.0, (job.completed_at - job.started_at).total_seconds()))


def ending(job: Job) -> str:
    """How it ended."""
    took = f" after {_took(job)}" if _took(job) else ""
    far = f" at {amount(job.progress)}" if amount(job.progress) and job.status is not Status.COMPLETED else ""
    kept = "; its checkpoint is kept" if job.is_interrupted else ""
    if job.waiting_on is Waiting.HOLD:
        return f"Interrupted{far}: its worker was lost{kept}"
    word = {Status.COMPLETED: "Succeeded", Status.FAILED: "Failed", Status.CANCELLED: "Cancelled"}[job.status]
    why = f": {job.error.type}: {first_line(job.error.message)}" if job.error and job.status is Status.FAILED else ""
    return f"{word}{far}{took}{kept}{why}"


def first_line(text: str) -> str:
    """The first line of a text."""
    return text.strip().splitlines()[0] if text.strip() else ""


def stopped_ago(job: Job, now: datetime) -> str:
    """How long ago it stopped."""
    return ago(job.completed_at or job.checkpoint_at, now)
