"""The phases of a chain, as its job names them, and a line for each."""

from __future__ import annotations

from datetime import datetime

from onward.cli.door import Door
from onward.cli.show import bars
from onward.model.job import Job
from onward.model.states import Status, Waiting

_MOST_LINES = 16


def phase_names(job: Job, app: Door) -> list[str]:
    """The names in order; empty for a job that is no chain."""
    listed = job.params.get("phases") if job.job_type == "chain" else None
    if isinstance(listed, list):
        return [str(item.get("name") or item.get("job_type")) for item in listed if isinstance(item, dict)]
    if job.job_type in app.job_types:
        return [phase.name for phase in app.job_types.get(job.job_type).phases]
    return []


def phase_of(job: Job, app: Door) -> str:
    """``Embed 2/4``, or the phase that a job reports of itself."""
    phase = job.progress.phase or ""
    names = phase_names(job, app)
    if phase not in names:
        # A phase at work is told by its label.
        labels = [app.job_types.get(name).label if name in app.job_types else name for name in _types(job, app)]
        names = labels if phase in labels else names
    return f"{phase} {names.index(phase) + 1}/{len(names)}" if phase in names and not job.status.is_ended else phase


def _types(job: Job, app: Door) -> list[str]:
    listed = job.params.get("phases") if job.job_type == "chain" else None
    if isinstance(listed, list):
        return [str(item.get("job_type") or item.get("name")) for item in listed if isinstance(item, dict)]
    return (
        [phase.type_name or "" for phase in app.job_types.get(job.job_type).phases]
        if job.job_type in app.job_types
        else []
    )


def job_lines(job: Job, app: Door, now: datetime) -> list[str]:
    """A job, and below it a line for each phase if it is a chain."""
    names = phase_names(job, app)
    lines = [bars.job_line(job, now, phase_of(job, app))]
    if names:
        children = {child.position: child for child in app.children(job.id) if not child.superseded_by}
        width = max(len(name) for name in names)
        lines += [bars.phase_line(name, children.get(at), width, now) for at, name in enumerate(names)]
    elif job.waiting_on is Waiting.CHILDREN:
        lines += range_lines(app.children(job.id), now)
    return lines


def range_lines(children: list[Job], now: datetime, most: int = _MOST_LINES) -> list[str]:
    """A line for each range of the fan-outs of a job; of many only those that run or have stopped."""
    ranges = [child for child in children if child.family is not None and child.superseded_by is None]
    told = ranges
    if len(ranges) > most:
        plain = (Status.COMPLETED, Status.PENDING)
        told = [child for child in ranges if child.status not in plain][:most]
    width = max((len(_range_name(child)) for child in told), default=0)
    lines = [bars.phase_line(_range_name(child), child, width, now) for child in told]
    if len(told) < len(ranges):
        done = sum(child.status is Status.COMPLETED for child in ranges)
        lines.append(f"  {done} of {len(ranges)} ranges are done; {len(ranges) - len(told)} are not shown")
    return lines


def _range_name(child: Job) -> str:
    part = child.range
    return f"{child.family} {part.worker_id + 1}/{part.total_workers}" if part is not None else ""
