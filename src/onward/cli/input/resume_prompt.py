"""The question that is asked when unfinished work is found: resume, start fresh, or neither."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from onward.cli.door import Door
from onward.cli.here import Here
from onward.cli.input.prompts import ask
from onward.cli.show.bars import amount, bar
from onward.cli.show.phases import phase_of
from onward.cli.show.times import length
from onward.cli.told import say
from onward.errors import IncompleteJobFound
from onward.model.ages import age_text, length_text
from onward.model.ids import shown
from onward.model.job import Job
from onward.records.resume import DifferenceRecord, differing, stopped_at, stopped_why, version_now, worked
from onward.remote import Remote

_MUCH_WORK_SECONDS = 300
Answer = Literal["resume", "fresh", "cancel"]


def ask_resume(here: Here, job: Job, differing: str) -> Answer:
    """What a person wants to be done with unfinished work. Resume is offered only where it is the same work."""
    now = here.app.clock.now()
    for line in facts(here, job, differing, now):
        say(line)
    far = amount(job.progress) or "the checkpoint"
    choices = "[f] Start fresh  [c] Cancel"
    if differing:
        answer = ask(f"{choices}:", "fc")
    else:
        is_same = job.type_version == version_now(here.app.job_types, job)
        default = "r" if is_same else ""
        answer = ask(f"[r] Resume from {far}  {choices}{'  (r)' if default else ''}:", "rfc", default)
    if answer == "f" and not _is_sure(here, job):
        answer = "c"
    return {"r": "resume", "f": "fresh"}.get(answer, "cancel")  # type: ignore[return-value]  # one of the three


def _is_sure(here: Here, job: Job) -> bool:
    """More than five minutes of work are asked about a second time, and steps that may happen twice."""
    seconds, steps = worked(job), here.app.checkpoints.in_doubt(job.id)
    if seconds <= _MUCH_WORK_SECONDS and not steps:
        return True
    if steps:
        named = ", ".join(dict.fromkeys(found.step for found in steps))
        say(f"May have happened already, and is done again without a question: {named}.")
    return (
        ask(f"Discards {amount(job.progress)} ({length_text(seconds)}). [d] Discard and start fresh  [b] Back:", "db")
        == "d"
    )


def facts(here: Here, job: Job, differing: str, now: datetime) -> Iterator[str]:
    """The lines above the question."""
    stopped = stopped_at(job, now)
    far = amount(job.progress) or "0%"
    yield f"Incomplete job found ({far}, {age_text(max(0.0, (now - stopped).total_seconds()))})"
    about = [job.job_type, job.source_id or "", *(need.resource for need in job.resources), f"job {shown(job.id)}"]
    yield "  " + " · ".join(dict.fromkeys(part for part in about if part and not part.startswith("source:")))
    counted = ""
    if job.progress.done is not None and job.progress.total:
        counted = f"{job.progress.done:,} of {job.progress.total:,}"
    phase = phase_of(job, here.app)
    yield "  " + "  ".join(
        part for part in (bar(job.progress.percent, 20), counted, phase and f"phase {phase}") if part
    )
    yield f"  Stopped {here.zone.clock(stopped)}: {stopped_why(job)}"
    if job.checkpoint_at is not None:
        before = max(0.0, (stopped - job.checkpoint_at).total_seconds())
        number = f" {job.checkpoint_number}" if job.checkpoint_number else ""
        yield f"  Checkpoint{number}, taken {length(before)} before."
    for doubt in here.app.checkpoints.in_doubt(job.id):
        where = f" ({doubt.scope})" if doubt.scope else ""
        yield f"  ! {doubt.step}{where} was under way and may have happened: you are asked before it is done again."
    version = version_now(here.app.job_types, job)
    code = "same version" if job.type_version == version else f"changed since (v{job.type_version} to v{version})"
    yield f"  Code {code}; inputs {f'differ: {differing}' if differing else 'the same'}."
    work = worked(job)
    if work > 0:
        yield f"  Start fresh loses {length(work)} of work."
    yield "  Cancel changes nothing."


def differing_inputs(app: Door, error: IncompleteJobFound, job_type: str, params: dict[str, Any]) -> str:
    """Which parameters are others than those of the unfinished job: ``dimension 1536 to 3072``; empty for none."""
    if isinstance(app, Remote):
        # Only the server knows what is hidden from others, and has compared already.
        found = error.resume["inputs"]["differences"] if error.resume is not None else []
    else:
        found = differing(app, error.job, job_type, params)
    return ", ".join(_difference(item) for item in found)


def _difference(item: DifferenceRecord) -> str:
    if item["was"] == item["now"]:
        return item["name"]  # both are hidden
    return f"{item['name']} {_brief(item['was'])} to {_brief(item['now'])}"


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
