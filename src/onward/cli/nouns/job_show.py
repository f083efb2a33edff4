"""``onward job show``: all about one job, on a page."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from onward.cli.command import verb
from onward.cli.here import Here
from onward.cli.input.names import job_id
from onward.cli.nouns.job_look import JobArgument
from onward.cli.nouns.job_noun import verbs
from onward.cli.show import bars
from onward.cli.show.output import dump
from onward.cli.show.phases import phase_names, phase_of, range_lines
from onward.cli.show.times import ago, length, took
from onward.cli.show.words import WORDS
from onward.model.ids import shown
from onward.model.job import Job
from onward.model.states import Status
from onward.records.actions import actions
from onward.records.details import job_detail
from onward.records.jobs import event_record, shown_params
from onward.records.questions import hitl_record
from onward.remote import Remote

_LONG = 2000
_OF_QUESTION = (("Data", "data"), ("Answer as", "schema"))


@verb(
    verbs,
    "show",
    "onward job show @last",
    "onward job show 7K2M9Q --trace",
    "onward job show 7K2M9Q --json",
    data=True,
)
def show(
    here: Here,
    job: JobArgument,
    trace: Annotated[bool, typer.Option("--trace", help="Show the trace of its error.")] = False,
    history: Annotated[bool, typer.Option("--history", help="Show all that happened to it.")] = False,
) -> None:
    """Show all about a job: state, progress, parameters, result, attempts, and what can be done with it."""
    app = here.app
    found = app.get(job_id(app, job))
    children = app.children(found.id)
    record = {
        **(app.detail(found.id) if isinstance(app, Remote) else job_detail(found, app)),
        "history": [event_record(event) for event in app.history(found.id)],
    }
    if here.out.form != "table" or here.told.columns:
        here.out.record(record, "")
        return
    here.out.record(record, [*_facts(here, found), *_parts(here, found, children, trace=trace, history=history)])


def _facts(here: Here, job: Job) -> list[tuple[str, str]]:
    now, zone = here.app.clock.now(), here.zone
    rows = [
        ("Job", shown(job.id)),
        ("Type", f"{job.job_type} ({job.label})" if job.label else job.job_type),
        ("State", WORDS[job.state] + (f" ({job.status})" if job.state == "interrupted" else "")),
        ("Why", job.waiting_reason.text if job.waiting_reason else ""),
        ("Progress", _progress(here, job)),
        ("Source", job.source_id or ""),
        ("Chain" if job.family is None else "Parent", shown(job.parent_id) if job.parent_id else ""),
        ("Range", _range(job)),
        ("Queue", job.queue + (f", priority {job.priority}" if job.priority else "")),
        ("Occupies", ", ".join(need.resource for need in job.resources)),
        ("Tags", ", ".join(job.tags)),
        ("Submitted", _moment(here, job, "created_at")),
        ("Due", _moment(here, job, "run_at") if job.run_at and job.run_at > now else ""),
        ("Started", _moment(here, job, "started_at")),
        ("Ended", _moment(here, job, "completed_at") + _duration(job)),
        ("Checkpoint", _checkpoint(job, zone.show(job.checkpoint_at), ago(job.checkpoint_at, now))),
        ("Noted by", _noted(here, job)),
        ("Followed by", shown(job.superseded_by) if job.superseded_by and job.superseded_by != job.parent_id else ""),
    ]
    return [(name, value) for name, value in rows if value]


def _noted(here: Here, job: Job) -> str:
    if job.acknowledged_by is None:
        return ""
    note = f": {job.acknowledged_note}" if job.acknowledged_note else ""
    return f"{job.acknowledged_by}, {_moment(here, job, 'acknowledged_at')}{note}"


def _range(job: Job) -> str:
    part = job.range
    if part is None:
        return ""
    return (
        f"{part.worker_id + 1} of {part.total_workers} of {job.family}, items {part.start:,} to {(part.end or 0) - 1:,}"
    )


def _moment(here: Here, job: Job, name: str) -> str:
    moment = getattr(job, name)
    return f"{here.zone.show(moment)} ({ago(moment, here.app.clock.now())})" if moment else ""


def _duration(job: Job) -> str:
    lasted = took(job.started_at, job.completed_at)
    return f", after {lasted}" if lasted else ""


def _checkpoint(job: Job, when: str, age: str) -> str:
    if not job.has_checkpoint or job.status is Status.COMPLETED:
        return ""
    number = f"{job.checkpoint_number}, " if job.checkpoint_number else ""
    return f"{number}saved {when} ({age})"


def _progress(here: Here, job: Job) -> str:
    progress, now = job.progress, here.app.clock.now()
    if progress.percent is None and progress.done is None and not progress.message:
        return ""
    counted = f"{progress.done:,} of {progress.total:,}" if progress.done is not None and progress.total else ""
    facts = [
        f"{bars.bar(progress.percent)} {bars.amount(progress)}",
        counted,
        phase_of(job, here.app),
    ]
    if job.status is Status.RUNNING:
        facts += [bars.rate(progress.rate), bars.eta(job, now)]
    return "  ".join(fact for fact in [*facts, bars.first_line(progress.message)] if fact)


def _parts(here: Here, job: Job, children: list[Job], *, trace: bool, history: bool) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    names = phase_names(job, here.app)
    if names:
        current = {child.position: child for child in children if not child.superseded_by}
        width = max(len(name) for name in names)
        lines = [
            bars.phase_line(name, current.get(at), width, here.app.clock.now()).strip()
            + (f"  {shown(current[at].id)}" if at in current else "")
            for at, name in enumerate(names)
        ]
        rows.append(("Phases", "\n".join(lines)))
    hitl = hitl_record(job.hitl, job.job_type, here.app.job_types)
    if hitl is not None and job.status is Status.PENDING_HITL:
        rows.append(("Asks", f"{hitl['prompt'] or hitl['name']}"))
        asked: dict[str, Any] = {**hitl}
        rows += [(title, _json(asked[key])) for title, key in _OF_QUESTION if asked[key] is not None]
    ranges = range_lines(children, here.app.clock.now())
    if ranges:
        rows.append(("Ranges", "\n".join(line.strip() for line in ranges)))
    params = shown_params(job, here.app.job_types)
    rows.append(("Parameters", _json(params) if params else "none"))
    if job.result is not None:
        rows.append(("Result", _json(job.result)))
    if job.error is not None:
        rows.append(("Error", f"{job.error.type}: {job.error.message}"))
        if trace and job.error.traceback:
            rows.append(("Trace", job.error.traceback))
    refused = here.app.conflicts(job.id)
    if refused:
        lines = [f"{here.zone.show(one.at)}  {one.kind} of run {one.fence}: {one.reason}" for one in refused]
        rows.append(("Refused", "\n".join(lines)))
    runs = here.app.runs(job.id)
    if runs:
        lines = [_run_line(here, run) for run in runs]
        rows.append(("Attempts", "\n".join(lines)))
    if history:
        events = here.app.history(job.id)
        lines = [f"{here.zone.show(event.at)}  {event.kind}{_by(event.actor)}" for event in events]
        rows.append(("History", "\n".join(lines)))
    can = [f"onward {_NOUNS.get(action, 'job')} {action} {shown(job.id)[-6:]}" for action in actions(job)]
    rows.append(("You can", "\n".join(can)))
    return rows


_NOUNS = {"answer": "input"}
"""Verbs on a job that belong to another noun."""


def _by(actor: str | None) -> str:
    return f" by {shown(actor, 'wrk')}" if actor else ""


def _run_line(here: Here, run: Any) -> str:
    lasted = f", {length(run.duration_ms / 1000)}" if run.duration_ms is not None else ""
    error = f": {run.error.type}: {bars.first_line(run.error.message)}" if run.error else ""
    return f"{here.zone.show(run.started_at)}  {run.status}{lasted}{error}"


def _json(value: Any) -> str:
    text = dump(value, indent=2 if len(dump(value)) > 80 else None)
    return text if len(text) <= _LONG else f"{text[:_LONG].rstrip()}\n… (all of it: --json)"
