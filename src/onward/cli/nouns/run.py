"""``onward run``: submit a job, and what happens when unfinished work of the same kind is found."""

from __future__ import annotations

import sys
from typing import Annotated, Any, Literal

import typer

from onward.cli import exits
from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.input.params import read_params
from onward.cli.input.resume_prompt import ask_resume, differing_inputs
from onward.cli.input.times import read_length, read_moment
from onward.cli.show.watching import Watcher, Wishes
from onward.cli.target import app_name
from onward.cli.told import is_dialogue, say
from onward.errors import IncompleteJobFound, OnwardError, UnknownJobType
from onward.model.ids import shown
from onward.model.job import Job
from onward.records.jobs import job_record

verbs = noun("run", "Submit a job.")
IfIncomplete = Literal["ask", "resume", "fresh", "fail"]


@verb(
    verbs,
    "run",
    "onward run metadata --source docs --watch",
    "onward run scrape --source docs -a url=https://example.org/ -a page_limit=50",
    "onward run index_offline --source docs --resume --watch",
    "onward run word_count --app jobs:app --args-file params.json --in 10m",
    data=True,
)
def run(
    here: Here,
    job_type: Annotated[str, typer.Argument(metavar="JOB_TYPE", help="See: onward job types.")],
    *,
    args: Annotated[list[str] | None, typer.Option("-a", "--arg", metavar="NAME=VALUE", help="A parameter.")] = None,
    args_file: Annotated[str | None, typer.Option(metavar="FILE", help="Parameters as JSON; - is stdin.")] = None,
    watch: Annotated[
        bool, typer.Option("--watch/--no-watch", help="Follow it; the exit code says how it ended.")
    ] = False,
    until_input: Annotated[
        bool, typer.Option("--until-input", help="With --watch: stop when it waits for a person.")
    ] = False,
    in_: Annotated[str | None, typer.Option("--in", metavar="LENGTH", help="Begin then, such as 10m.")] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="Begin then, such as 18:00.")] = None,
    source: Annotated[str | None, typer.Option("--source", metavar="ID", help="What it works on.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(metavar="K", help="The same key gives the same job.")] = None,
    queue: Annotated[str | None, typer.Option(metavar="Q", help="The queue; else that of the job type.")] = None,
    priority: Annotated[int | None, typer.Option(help="Higher first.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="A tag; may be repeated.")] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="ID", help="On whose behalf.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Queue behind what is in the way, or refuse.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with unfinished work.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin again, and drop unfinished work.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="With --fresh: what was saved stays with the old job.")] = False,
    if_incomplete: Annotated[
        str, typer.Option(metavar="ask|resume|fresh|fail", help="What to do about unfinished work.")
    ] = "ask",
) -> int:
    """Submit a job and print its id."""
    if in_ and at:
        raise typer.BadParameter("give --in or --at, not both")
    params = _params(here, job_type, args or [], args_file)
    options: dict[str, Any] = {
        "source_id": source,
        "user_id": user,
        "queue": queue,
        "priority": priority,
        "delay": read_length(in_) if in_ else None,
        "run_at": read_moment(at, here.app.clock.now()) if at else None,
        "idempotency_key": idempotency_key,
        "tags": tag or (),
        "on_conflict": "wait" if wait else None,
        "keep": keep,
    }
    if keep and not fresh:
        raise typer.BadParameter("--keep goes with --fresh")
    job = _submit(here, job_type, params, options, _choice(resume, fresh, if_incomplete))
    if job is None:
        return exits.CONFLICT
    return told(here, job, watch=watch, until_input=until_input)


def told(here: Here, job: Job, *, watch: bool, until_input: bool = False) -> int:
    """Print the id; say why it waits; follow it if asked."""
    now = here.app.get(job.id)
    here.out.record(job_record(now, here.app.job_types), shown(job.id))
    sys.stdout.flush()
    if watch:
        return Watcher(here.app, [job.id], here.told, Wishes(until_input=until_input)).follow()
    if now.waiting_reason is not None and now.waiting_reason.code != "queued":
        say(now.waiting_reason.text)
    return exits.DONE


def _choice(resume: bool, fresh: bool, if_incomplete: str) -> IfIncomplete:
    if resume and fresh:
        raise typer.BadParameter("give --resume or --fresh, not both")
    for choice in ("ask", "resume", "fresh", "fail"):
        if choice == ("resume" if resume else "fresh" if fresh else if_incomplete):
            return choice
    raise typer.BadParameter(f"--if-incomplete is ask, resume, fresh or fail, not {if_incomplete!r}")


def _params(here: Here, job_type: str, args: list[str], args_file: str | None) -> dict[str, Any]:
    try:
        kind = here.app.job_types.get(job_type)
    except UnknownJobType as error:
        if app_name(here.told) is None:
            error.hint += (
                "\n    These are built in; your own application is named by --app module:attribute or ONWARD_APP."
            )
        raise
    return read_params(args, args_file, kind.schema())


def _submit(
    here: Here, job_type: str, params: dict[str, Any], options: dict[str, Any], choice: IfIncomplete
) -> Job | None:
    try:
        return here.app.submit(job_type, params, **options, resume=False if choice == "fresh" else None)
    except IncompleteJobFound as error:
        differing = differing_inputs(here.app, error, job_type, params)
        if choice == "ask" and is_dialogue():
            answer = ask_resume(here, error.job, differing)
            if answer == "cancel":
                say("Nothing was changed.")
                return None
            return here.app.submit(job_type, params, **options, resume=answer == "resume")
        if choice != "resume":
            raise
        if differing:
            raise OtherInputs(error.job, differing) from None
    return here.app.submit(job_type, params, **options, resume=True)


class OtherInputs(OnwardError):
    """Unfinished work cannot be gone on with, as its inputs were others."""

    code = "incomplete-job-exists"
    exit_code = 5

    def __init__(self, job: Job, differing: str) -> None:
        super().__init__(
            f"The unfinished job {shown(job.id)} has other inputs: {differing}. Nothing was started.",
            hint=f"onward job resume {shown(job.id)} goes on with its own inputs; --fresh begins with the new ones",
        )
