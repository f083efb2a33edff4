"""The phases of a chain, as its job names them."""

from __future__ import annotations

import onward
from onward.model.job import Job


def phase_names(job: Job, app: onward.Onward) -> list[str]:
    """The names in order; empty for a job that is no chain."""
    listed = job.params.get("phases") if job.job_type == "chain" else None
    if isinstance(listed, list):
        return [str(item.get("name") or item.get("job_type")) for item in listed if isinstance(item, dict)]
    if job.job_type in app.job_types:
        return [phase.name for phase in app.job_types.get(job.job_type).phases]
    return []


def phase_of(job: Job, names: list[str]) -> str:
    """``Embed 2/4``, or the phase that a job reports of itself."""
    phase = job.progress.phase or ""
    plain = [name.lower().replace("_", " ") for name in names]
    name = phase.lower().replace("_", " ")
    return f"{phase} {plain.index(name) + 1}/{len(names)}" if name in plain and not job.status.is_ended else phase
