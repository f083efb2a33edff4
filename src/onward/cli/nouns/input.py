"""``onward input``: what jobs ask of people, and the answers."""

from __future__ import annotations

from typing import Annotated, Any, get_args

import typer

from onward.cli import exits
from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.input.answers import ask_answer, read_answer
from onward.cli.input.names import job_id, question_named
from onward.cli.show.output import Column, dump
from onward.cli.show.times import ago
from onward.cli.told import is_dialogue, say
from onward.errors import AlreadyAnswered, InvalidAnswer, OnwardError
from onward.model.ids import shown
from onward.model.job import Job
from onward.model.question import QuestionRecord, State
from onward.records.jobs import job_record
from onward.records.moments import rfc3339
from onward.records.questions import hide, question_record, secrets_of

verbs = noun("input", "What jobs ask of people.")
Asked = Annotated[
    str, typer.Argument(metavar="QUESTION", help="A question or the job (or chain) that asks: an id or its ending.")
]
COLUMNS = (
    Column("id"),
    Column("job_type", "job type"),
    Column("asks", "question", fixed=False),
    Column("since"),
    Column("until", "deadline", fixed=False),
    Column("who", "asked of", fixed=False),
    Column("blocks", fixed=False),
)


@verb(
    verbs,
    "list",
    "onward input list",
    "onward input list --for ana",
    "onward input list --state answered --json",
    data=True,
)
def list_questions(
    here: Here,
    state: Annotated[str, typer.Option(metavar="S", help="open, answered, expired, withdrawn or all.")] = "open",
    for_: Annotated[str | None, typer.Option("--for", metavar="WHO", help="Asked of them.")] = None,
    job: Annotated[str | None, typer.Option("--job", metavar="JOB", help="Of this job or chain.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", metavar="N", min=1, max=10_000, help="At most so many.")] = 50,
    after: Annotated[str | None, typer.Option("--after", metavar="QUESTION", help="Those behind this one.")] = None,
) -> None:
    """List questions: open ones as they were asked, others newest first."""
    wanted = None if state == "all" else next((known for known in get_args(State) if known == state), None)
    if wanted is None and state != "all":
        raise typer.BadParameter(f"--state is {', '.join(get_args(State))} or all, not {state!r}")
    chosen = job_id(here.app, job) if job else None
    page = here.app.questions.list(wanted, job_id=chosen, assigned_to=for_, limit=limit, after=after)
    next_one = shown(page.next, "inp") if page.next else None
    records = (_list_record(question, here) for question in page)
    here.out.records(records, COLUMNS, envelope={"next": next_one}, empty="Nobody is asked anything.")
    if next_one and here.out.form == "table":
        say(f"{len(page)} of more · next: onward input list --after {next_one}")


def _list_record(question: QuestionRecord, here: Here) -> dict[str, Any]:
    record: dict[str, Any] = {**question_record(question, here.app.job_types)}
    if here.out.form != "table":
        return record
    now = here.app.clock.now()
    until = f"{ago(question.expires_at, now)}: {question.then}" if question.expires_at else "none"
    return {
        **record,
        "asks": question.asks,
        "since": ago(question.asked_at, now),
        "until": until if question.state == "open" else question.state,
        "who": _who(question),
        "blocks": _blocks(question),
    }


def _who(question: QuestionRecord) -> str:
    if question.state == "answered":
        return f"answered by {question.answered_by or 'somebody'}"
    claimed = f"{question.claimed_by} has claimed it" if question.claimed_by else ""
    return ", ".join(part for part in (question.assigned_to or "", claimed) if part)


def _blocks(question: QuestionRecord) -> str:
    if not question.holds:
        return ""
    behind = f", {question.behind} job{'s' if question.behind != 1 else ''} behind it" if question.behind else ""
    return f"holds {', '.join(question.holds)}{behind}"


@verb(verbs, "show", "onward input show 7K2M9Q", "onward input show 7K2M9Q --json", data=True)
def show(here: Here, question: Asked) -> None:
    """Show a question: what is asked, what an answer looks like, until when, and what it holds up."""
    found = question_named(here.app, question)
    record = question_record(found, here.app.job_types)
    now, zone = here.app.clock.now(), here.zone
    deadline = f"{zone.show(found.expires_at)} ({ago(found.expires_at, now)}), then the job {found.then}"
    answered = f"{zone.show(found.answered_at)} by {found.answered_by or 'somebody'}"
    rows = [
        ("Question", shown(found.id, "inp")),
        ("Asks", found.prompt or found.name),
        ("Kind", found.type if found.name == found.type else f"{found.type} ({found.name})"),
        ("State", found.state),
        ("Job", f"{shown(found.job_id)} {found.job_type}"),
        ("Chain", shown(found.parent_id) if found.parent_id else ""),
        ("Source", found.source_id or ""),
        ("Data", _json(record["data"])),
        ("Answer as", _json(found.schema)),
        ("Since", f"{zone.show(found.asked_at)} ({ago(found.asked_at, now)})"),
        ("Deadline", deadline if found.expires_at else "none"),
        ("Default", _json(record["default"])),
        ("Asked of", found.assigned_to or ""),
        ("Claimed", f"by {found.claimed_by} {ago(found.claimed_at, now)}" if found.claimed_by else ""),
        ("Blocks", _blocks(found)),
        ("Answered", answered if found.state == "answered" else ""),
        ("Answer", _json(record["response"]) if found.state == "answered" else ""),
        ("You can", f"onward input answer {shown(found.id, 'inp')}" if found.state == "open" else ""),
    ]
    here.out.record(record, [(name, value) for name, value in rows if value])


def _json(value: Any) -> str:
    if value is None:
        return ""
    return dump(value, indent=2 if len(dump(value)) > 80 else None)


@verb(
    verbs,
    "answer",
    "onward input answer 7K2M9Q",
    "onward input answer 7K2M9Q --set approve=true --reason 'read it twice'",
    "onward input answer 7K2M9Q --value yes",
    "onward input answer 7K2M9Q --json-file answer.json",
    data=True,
)
def answer(
    here: Here,
    question: Asked,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A field.")] = None,
    value: Annotated[str | None, typer.Option("--value", metavar="V", help="An answer that has no fields.")] = None,
    json_file: Annotated[str | None, typer.Option(metavar="FILE", help="The answer as JSON; - is stdin.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the history.")] = "",
) -> int:
    """Answer a question; the first answer counts. Without options it is asked field by field."""
    if value is not None and (set_ or json_file):
        raise typer.BadParameter("give --value, or --set and --json-file, not both")
    found = question_named(here.app, question)
    given = bool(set_) or value is not None or json_file is not None
    if found.state != "open":
        job = _send(here, found, None, reason)
    elif given:
        job = _send(here, found, read_answer(found, set_ or [], value, json_file), reason)
    elif is_dialogue():
        job = _converse(here, found, reason)
    else:
        raise typer.BadParameter("give the answer: --set NAME=VALUE, --value V or --json-file FILE")
    here.out.record(job_record(job, here.app.job_types), f"{shown(job.id)} goes on: {job.state}")
    return exits.DONE


def _converse(here: Here, question: QuestionRecord, reason: str) -> Job:
    say(question.prompt or question.name)
    if question.data is not None:
        say(_json(hide(question.data, secrets_of(question, question.job_type, here.app.job_types))))
    if question.claimed_by and question.claimed_by != here.actor:
        say(f"{question.claimed_by} has claimed it {ago(question.claimed_at, here.app.clock.now())}.")
    while True:
        try:
            return _send(here, question, ask_answer(question), reason)
        except InvalidAnswer as error:
            say(error.message)


def _send(here: Here, question: QuestionRecord, response: Any, reason: str) -> Job:
    try:
        return here.app.answer(
            question.job_id, response, question_id=question.id, answered_by=here.actor, reason=reason
        )
    except AlreadyAnswered as error:
        raise _pointing(error, question) from None


def _pointing(error: OnwardError, question: QuestionRecord) -> OnwardError:
    error.hint = f"onward input show {shown(question.id, 'inp')}     (shows the answer)"
    return error


@verb(verbs, "claim", "onward input claim 7K2M9Q", data=True)
def claim(here: Here, question: Asked) -> None:
    """Say that you look after a question, so that nobody else does the same work."""
    found = here.app.questions.claim(question_named(here.app, question).id, here.actor)
    here.out.record(
        question_record(found, here.app.job_types), f"{shown(found.id, 'inp')} claimed by {found.claimed_by}"
    )


@verb(verbs, "release", "onward input release 7K2M9Q", data=True)
def release(here: Here, question: Asked) -> None:
    """Take a claim back, your own or that of somebody who is away."""
    found = here.app.questions.release(question_named(here.app, question).id)
    here.out.record(question_record(found, here.app.job_types), f"{shown(found.id, 'inp')} is free")


@verb(verbs, "link", "onward input link 7K2M9Q --for ana", "onward input link 7K2M9Q --for ana --days 1", data=True)
def link(
    here: Here,
    question: Asked,
    for_: Annotated[str, typer.Option("--for", metavar="WHO", help="In whose name it answers.")],
    days: Annotated[float, typer.Option("--days", help="How long it is good, at most until the deadline.")] = 7,
) -> None:
    """Make a link with which somebody answers this one question, once, without a key. Give it to nobody else."""
    found = question_named(here.app, question)
    made = here.app.answer_links.make(found.id, for_, days=days, actor=here.actor)
    say(f"Good for {for_} until {here.zone.show(made.expires_at)}:")
    if made.url is None:
        say("The address of the pages belongs before it; where server.public_url says it, it is there.")
    record = {"url": made.url, "token": made.token, "person": made.person, "expires_at": rfc3339(made.expires_at)}
    here.out.record(record, made.url or f"/answer#{made.token}")
