"""The verbs of ``onward job`` that change something, on one job, several, or all that a filter finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from onward.cli import exits
from onward.cli.command import verb
from onward.cli.here import Here
from onward.cli.input.filters import describe, read_filter
from onward.cli.input.names import job_ids
from onward.cli.input.prompts import confirm, confirm_many
from onward.cli.nouns.job_look import FilterOption
from onward.cli.nouns.job_noun import verbs
from onward.cli.show.output import Column
from onward.cli.show.times import length
from onward.cli.show.watching import Watcher
from onward.cli.told import say
from onward.errors import OnwardError
from onward.model.ids import shown
from onward.model.job import Job
from onward.model.states import Waiting
from onward.records.actions import actions

_LONG_WORK_SECONDS = 300
Jobs = Annotated[
    list[str] | None,
    typer.Argument(metavar="[JOB]...", help="Ids, endings of them, @last, @last:TYPE; - reads them from stdin."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say which jobs it would be.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; with --expect.")]
Expect = Annotated[int | None, typer.Option("--expect", metavar="N", help="Refuse unless exactly so many match.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the job.")]
Watch = Annotated[bool, typer.Option("--watch", help="Follow them until they have ended.")]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which jobs, and how they were confirmed."""

    names: Sequence[str]
    filter: str | None
    dry_run: bool = False
    yes: bool = False
    expect: int | None = None


def act(
    here: Here, word: str, chosen: Chosen, do: Callable[[Job], Job | None], *, allowed: str | None = None
) -> list[Job]:
    """Do it to each, print what became of it, and raise the first error at the end if any."""
    jobs = _chosen_jobs(here, word, chosen, allowed or word)
    outcomes: list[dict[str, Any]] = []
    done: list[Job] = []
    first: OnwardError | None = None
    for job in jobs:
        try:
            after = job if chosen.dry_run else do(job)
        except OnwardError as error:
            first = first or error
            outcomes.append(_outcome(job, "refused", error.message))
            continue
        outcomes.append(_outcome(after or job, f"would {word}" if chosen.dry_run else _PAST[word], ""))
        done.append(after or job)
    if first is not None and len(jobs) == 1:
        raise first
    columns = (Column("id"), Column("job_type", "job type"), Column("outcome"), Column("note", fixed=False))
    here.out.records(outcomes, columns, empty="No jobs match.")
    if first is not None:
        raise OnwardError(f"{len(jobs) - len(done)} of {len(jobs)} jobs were refused.", hint="see the notes above")
    return done


_PAST = {
    "resume": "resumed",
    "fresh": "started fresh",
    "again": "new job",
    "pause": "paused",
    "cancel": "cancelled",
    "delete": "deleted",
    "discard": "discarded",
    "force-stop": "told to stop at once",
    "ack": "acknowledged",
}


def _outcome(job: Job, outcome: str, note: str) -> dict[str, Any]:
    record = {"id": shown(job.id), "job_type": job.job_type, "state": job.state, "outcome": outcome, "note": note}
    if outcome == "resumed" and job.checkpoint_number and job.progress.percent is not None:
        record["note"] = f"goes on from {job.progress.percent}%"
    if outcome == _PAST["force-stop"] and job.waiting_reason is not None:
        record["note"] = job.waiting_reason.text
    return record


def _chosen_jobs(here: Here, word: str, chosen: Chosen, allowed: str) -> list[Job]:
    if bool(chosen.names) == (chosen.filter is not None):
        raise typer.BadParameter("name jobs, or give --filter")
    if chosen.filter is None:
        return [here.app.get(job_id) for job_id in job_ids(here.app, chosen.names)]
    found = read_filter(chosen.filter, here.app.clock.now()).jobs(here.app)
    jobs = [job for job in found if allowed in actions(job) and (job.parent_id is None or word == "cancel")]
    skipped = len(found) - len(jobs)
    if skipped:
        say(f"{skipped:,} more match, but cannot {word} or belong to a chain.")
    if jobs and not chosen.dry_run:
        confirm_many(word.capitalize(), len(jobs), describe(jobs), yes=chosen.yes, expect=chosen.expect)
    elif chosen.expect is not None and not chosen.dry_run:
        confirm_many(word.capitalize(), 0, "none", yes=chosen.yes, expect=chosen.expect)
    return jobs


def go_on(here: Here, job: Job) -> Job:
    """Resume: from the checkpoint, or from a pause."""
    if job.paused_by is not None or job.waiting_on is Waiting.PAUSE:
        return here.app.unpause(job.id, actor=here.actor)
    return here.app.resume(job.id, actor=here.actor)


def _watched(here: Here, jobs: Sequence[Job], watch: bool) -> int:
    return Watcher(here.app, [job.id for job in jobs], here.told).follow() if watch and jobs else exits.DONE


_BULK = "onward job {0} --filter 'state={1}' --dry-run"


@verb(
    verbs,
    "resume",
    "onward job resume @last --watch",
    "onward job resume 7K2M9Q",
    _BULK.format("resume", "failed"),
    data=True,
)
def resume(
    here: Here,
    jobs: Jobs = None,
    filter: FilterOption = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    expect: Expect = None,
    watch: Watch = False,
) -> int:
    """Go on with failed, cancelled, interrupted or paused jobs, each from its newest checkpoint."""
    chosen = Chosen(jobs or (), filter, dry_run, yes, expect)
    return _watched(here, act(here, "resume", chosen, lambda job: go_on(here, job)), watch and not dry_run)


@verb(
    verbs, "fresh", "onward job fresh 7K2M9Q", "onward job fresh 7K2M9Q --keep", _BULK.format("fresh", "failed"),
    data=True,
)  # fmt: skip
def fresh(
    here: Here,
    jobs: Jobs = None,
    keep: Annotated[bool, typer.Option("--keep", help="As new jobs; the old ones stay, with what they saved.")] = False,
    filter: FilterOption = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    expect: Expect = None,
    watch: Watch = False,
) -> int:
    """Start failed, cancelled or interrupted jobs from the beginning; what they saved is dropped."""

    def do(job: Job) -> Job:
        if filter is None and not yes and not keep:
            _confirm_loss(job)
        return here.app.restart(job.id, keep=keep, actor=here.actor)

    return _watched(
        here, act(here, "fresh", Chosen(jobs or (), filter, dry_run, yes, expect), do), watch and not dry_run
    )


def _confirm_loss(job: Job) -> None:
    """More than five minutes of work are not thrown away by a slip."""
    if not job.has_checkpoint or job.started_at is None or job.checkpoint_at is None:
        return
    seconds = (job.checkpoint_at - job.started_at).total_seconds()
    if seconds > _LONG_WORK_SECONDS:
        confirm(f"This discards {job.progress.percent or 0}% of {job.job_type} ({length(seconds)} of work).", "Go on?")


@verb(verbs, "again", "onward job again @last --watch", _BULK.format("again", "succeeded"), data=True)
def again(
    here: Here,
    jobs: Jobs = None,
    filter: FilterOption = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    expect: Expect = None,
    watch: Watch = False,
) -> int:
    """Make new jobs with the same parameters."""
    chosen = Chosen(jobs or (), filter, dry_run, yes, expect)
    return _watched(here, act(here, "again", chosen, lambda job: here.app.run_again(job.id)), watch and not dry_run)


@verb(verbs, "pause", "onward job pause 7K2M9Q --reason 'disk is full'", data=True)
def pause(
    here: Here,
    jobs: Jobs = None,
    filter: FilterOption = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    expect: Expect = None,
    reason: Reason = "",
) -> None:
    """Keep jobs from running; a running one stops at its next safe point. `job resume` lets them go on."""
    chosen = Chosen(jobs or (), filter, dry_run, yes, expect)
    act(here, "pause", chosen, lambda job: here.app.pause(job.id, actor=here.actor, reason=reason))


@verb(verbs, "cancel", "onward job cancel 7K2M9Q", _BULK.format("cancel", "queued"), data=True)
def cancel(
    here: Here,
    jobs: Jobs = None,
    filter: FilterOption = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    expect: Expect = None,
    reason: Reason = "",
) -> None:
    """Cancel jobs; a running one stops at its next safe point and keeps its checkpoint."""
    chosen = Chosen(jobs or (), filter, dry_run, yes, expect)
    act(here, "cancel", chosen, lambda job: here.app.cancel(job.id, actor=here.actor, reason=reason))


@verb(verbs, "force-stop", "onward job force-stop 7K2M9Q", _BULK.format("force-stop", "cancelled"), data=True)
def force_stop(
    here: Here,
    jobs: Jobs = None,
    filter: FilterOption = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    expect: Expect = None,
) -> None:
    """Cancel jobs, and press code that does not leave at once; a job's process is killed."""
    chosen = Chosen(jobs or (), filter, dry_run, yes, expect)
    act(here, "force-stop", chosen, lambda job: here.app.force_stop(job.id, actor=here.actor))


@verb(verbs, "ack", "onward job ack 7K2M9Q --note 'disk was full'", _BULK.format("ack", "failed"), data=True)
def ack(
    here: Here,
    jobs: Jobs = None,
    filter: FilterOption = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    expect: Expect = None,
    note: Annotated[str, typer.Option("--note", help="What is to be known about it; kept with the job.")] = "",
) -> None:
    """Take note of failed, cancelled or interrupted jobs: they are no longer open for anybody."""
    chosen = Chosen(jobs or (), filter, dry_run, yes, expect)
    act(here, "ack", chosen, lambda job: here.app.acknowledge(job.id, by=here.actor, note=note))


@verb(verbs, "delete", "onward job delete 7K2M9Q", _BULK.format("delete", "succeeded created=..30d ago"), data=True)
def delete(
    here: Here,
    jobs: Jobs = None,
    filter: FilterOption = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    expect: Expect = None,
) -> None:
    """Delete the records of jobs that have ended, with all that belongs to them."""

    def do(job: Job) -> None:
        here.app.delete(job.id)

    act(here, "delete", Chosen(jobs or (), filter, dry_run, yes, expect), do)
