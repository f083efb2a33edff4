"""Questions to people: who is asked what, who looks after it, and the answer, of which the first one counts."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import get_args

from onward.engine import expirer, transitions
from onward.errors import (
    AlreadyAnswered,
    AlreadyClaimed,
    ChangedMeanwhile,
    IllegalTransition,
    InvalidValue,
    JobNotFound,
    OnwardError,
    QuestionClosed,
    QuestionNotFound,
)
from onward.model import codec
from onward.model.ages import age_text
from onward.model.ids import Ids, parsed, shown
from onward.model.job import Job, Json, Page
from onward.model.question import TIMEOUT, QuestionRecord, State
from onward.model.schema import check_answer
from onward.model.states import Status
from onward.store import Connection, Store, jobs, questions

_PARKING_SECONDS = 5.0
"""How long an answer waits for a job that is about to ask: it may have told somebody before."""
_TURN_SECONDS = 0.02


class Questions:
    """What jobs ask of people. Every id is taken in either form."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store = store
        self._ids = ids
        self.parking_seconds = _PARKING_SECONDS

    # ---- looking --------------------------------------------------------------------------------------------

    def list(
        self,
        state: State | None = "open",
        *,
        job_id: str | None = None,
        job_type: str | None = None,
        assigned_to: str | None = None,
        claimed_by: str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Page[QuestionRecord]:
        """A page of questions: open ones as they were asked, those of other states (None: all) newest first.

        ``job_id``: of this job, or of the phases of this chain. ``after`` is the ``next`` of the page before.
        """
        if state is not None and state not in get_args(State):
            raise InvalidValue(
                f"{state!r} is not a state of questions.", hint=f"Use one of {', '.join(get_args(State))}."
            )
        if not 1 <= limit <= 10_000:
            raise InvalidValue(f"A limit of {limit} is not possible.", hint="Use 1 to 10,000.")
        with self._store.read() as conn:
            found = questions.list_questions(
                conn,
                self._store.dialect,
                limit + 1,
                parsed(after) if after is not None else None,
                state != "open",
                state=state,
                job_id=parsed(job_id) if job_id is not None else None,
                job_type=job_type,
                assigned_to=assigned_to,
                claimed_by=claimed_by,
            )
            records = questions.with_what_they_hold(conn, self._store.dialect, found[:limit])
        return Page(records, records[-1].id if len(found) > limit else None)

    def get(self, question_id: str) -> QuestionRecord:
        """The question of this id. Raises ``QuestionNotFound``."""
        with self._store.read() as conn:
            return questions.with_what_they_hold(conn, self._store.dialect, [self._get(conn, question_id)])[0]

    def _get(self, conn: Connection, question_id: str) -> QuestionRecord:
        found = questions.get_question(conn, self._store.dialect, parsed(question_id))
        if found is None:
            raise QuestionNotFound(f"There is no question {question_id}.", hint="See `onward input list`.")
        return found

    # ---- whose it is ----------------------------------------------------------------------------------------

    def claim(self, question_id: str, by: str, *, expect_version: str | None = None) -> QuestionRecord:
        """Say that ``by`` looks after an open question; all may still answer it. Raises ``AlreadyClaimed``.

        ``expect_version``, here and in the verbs that follow: the ``version`` of the question as it was looked at. If
        it has changed since, ``ChangedMeanwhile`` is raised with the question as it is, and nothing is done.
        """
        check_person(by, "by")

        def work(conn: Connection) -> None:
            question = self._open(conn, question_id, expect_version)
            self._refuse_others(question, by)
            if question.claimed_by is None:
                now = self._store.now()
                questions.change_question(conn, self._store.dialect, question.id, claimed_by=by, claimed_at=now)
                self.tell(conn, question, "claimed", by)

        return self._change(work, question_id)

    def release(self, question_id: str, by: str | None = None, *, expect_version: str | None = None) -> QuestionRecord:
        """Nobody looks after it any more. With ``by`` only if it was they; ``AlreadyClaimed`` otherwise."""

        def work(conn: Connection) -> None:
            question = self._open(conn, question_id, expect_version)
            if by is not None:
                self._refuse_others(question, by)
            if question.claimed_by is not None:
                questions.change_question(conn, self._store.dialect, question.id, claimed_by=None, claimed_at=None)
                self.tell(conn, question, "released", by)

        return self._change(work, question_id)

    def reassign(
        self, question_id: str, to: str | None, *, actor: str | None = None, expect_version: str | None = None
    ) -> QuestionRecord:
        """Ask somebody else (None: anybody); a claim ends with it."""
        if to is not None:
            check_person(to, "to")

        def work(conn: Connection) -> None:
            question = self._open(conn, question_id, expect_version)
            questions.change_question(
                conn, self._store.dialect, question.id, assigned_to=to, claimed_by=None, claimed_at=None
            )
            self.tell(conn, question, "reassigned", actor, to=to)

        return self._change(work, question_id)

    def _change(self, work: Callable[[Connection], None], question_id: str) -> QuestionRecord:
        self._store.write(work)
        self._store.doorbell.ring()
        return self.get(question_id)

    def _open(self, conn: Connection, question_id: str, expected: str | None = None) -> QuestionRecord:
        """The question, kept from others, or an error that says why it is not open."""
        question = self._get(conn, question_id)
        transitions.locked(conn, self._store, question.job_id)
        question = self._get(conn, question_id)
        if question.state != "open":
            raise self.not_open(question)
        _check_version(question, expected)
        return question

    def _refuse_others(self, question: QuestionRecord, by: str) -> None:
        if question.claimed_by is not None and question.claimed_by != by:
            ago = self._ago(question.claimed_at)
            raise AlreadyClaimed(
                f"Question {question.name!r} of job {shown(question.job_id)} was claimed by "
                f"{question.claimed_by} {ago}.",
                hint="Talk to them, or release it first.",
                question=question,
            )

    def tell(self, conn: Connection, question: QuestionRecord, kind: str, actor: str | None, **more: Json) -> None:
        """Write into the history of its job what was done with a question."""
        job = transitions.locked(conn, self._store, question.job_id)
        when = self._store.dialect.time(self._store.now())
        data = questions.told(question.id, question.name, **more)
        jobs.tell_events(conn, self._store.dialect, [(job.id, job.generation, kind, when, job.fence, actor, data)])

    # ---- the answer -----------------------------------------------------------------------------------------

    def answer(
        self,
        job_id: str,
        response: Json,
        *,
        question_id: str | None = None,
        answered_by: str | None = None,
        reason: str = "",
        via: str = "",
        expect_version: str | None = None,
    ) -> Job:
        """Answer what a job asks; see ``Onward.answer``. ``via``: the way by which it came, for the history."""
        if answered_by is not None:
            check_person(answered_by, "answered_by")
        text = codec.encode(response, "The answer", self._store.settings.limits.payload_bytes)
        question = self._asked(parsed(job_id), question_id)
        if question.state == "open":
            check_answer(question.name, question.schema, response)
            why = {name: value for name, value in (("reason", reason), ("via", via)) if value}
            said = (text, answered_by, why, expect_version)
            job = self._store.write(lambda conn: self._answer(conn, question, *said))
            self._store.doorbell.ring()
            if job is not None:
                return job
            with self._store.read() as conn:
                question = self._get(conn, question.id)
        raise self.not_open(question)

    def _answer(
        self,
        conn: Connection,
        question: QuestionRecord,
        text: str,
        by: str | None,
        why: dict[str, str],
        expected: str | None,
    ) -> Job | None:
        """Keep the answer if the question is still open; its time being over counts as it says itself."""
        if expirer.expire(conn, self._store, question.id, question.job_id, self._ids.new):
            return None
        job, now, dialect = (
            transitions.locked(conn, self._store, question.job_id),
            self._store.now(),
            self._store.dialect,
        )
        _check_version(self._get(conn, question.id), expected)
        if not questions.settle(conn, dialect, question.id, "answered", response=text, by=by, now=now):
            return None
        if not questions.send_back(conn, dialect, job.id, text, now):
            raise IllegalTransition(
                f"Job {shown(job.id)} is {job.status} and does not wait for an answer. Its id is {job.id}."
            )
        self.tell(conn, question, "answered", by, **why)
        return with_questions(conn, self._store, [transitions.locked(conn, self._store, job.id)])[0]

    def _asked(self, job_id: str, question_id: str | None) -> QuestionRecord:
        """The question that is meant. Without an id it is the one that is open in the job or its chain."""
        if question_id is not None:
            with self._store.read() as conn:
                question = self._get(conn, question_id)
            if job_id not in (question.job_id, question.parent_id):
                raise QuestionNotFound(
                    f"Job {shown(job_id)} has not asked question {question_id}.", hint="See `onward input list`."
                )
            return question
        misses, rang, clock = 0, threading.Event(), self._store.clock
        deadline = clock.monotonic() + self.parking_seconds
        stop = self._store.doorbell.listen(rang.set)
        try:
            while True:
                rang.clear()
                job, found = self._look(job_id)
                if found is not None:
                    return found
                # Its code may be on the way to the question; then nobody has answered yet, and nothing is mixed up.
                over = misses * _TURN_SECONDS >= self.parking_seconds or clock.monotonic() >= deadline
                if job.status is not Status.RUNNING or not job.is_owned or over:
                    raise IllegalTransition(
                        f"Job {shown(job_id)} ({job.job_type}) is {job.status} and asks nothing. Its id is {job_id}.",
                        hint="`onward input list` shows what is asked.",
                    )
                misses += not clock.wait(rang, _TURN_SECONDS)
        finally:
            stop()

    def _look(self, job_id: str) -> tuple[Job, QuestionRecord | None]:
        """The job, and what it or one of its family asks now or has asked last."""
        with self._store.read() as conn:
            job = jobs.get_job(conn, self._store.dialect, job_id)
            if job is None:
                raise JobNotFound(f"There is no job {job_id}.", hint="See `onward job list`; it may have been deleted.")
            still_open = questions.open_in_family(conn, self._store.dialect, job_id)
            if len(still_open) > 1:
                names = ", ".join(shown(question.id, "inp") for question in still_open[:5])
                raise IllegalTransition(
                    f"Job {shown(job_id)} waits for {len(still_open)} answers: {names}.", hint="Name the question."
                )
            if still_open:
                return job, still_open[0]
            family = [job, *jobs.children_of(conn, self._store.dialect, job_id)]
            asked = questions.latest_of(conn, self._store.dialect, [each.id for each in family])
        return job, max(asked.values(), key=lambda question: question.id, default=None)

    # ---- what is said ---------------------------------------------------------------------------------------

    def not_open(self, question: QuestionRecord) -> OnwardError:
        """The error that says why a question takes no answer."""
        what = f"Question {question.name!r} of job {shown(question.job_id)}"
        if question.state == "answered":
            ago = self._ago(question.answered_at)
            if question.answered_by == TIMEOUT:
                return AlreadyAnswered(f"{what} went on with its default {ago}.", question=question)
            by = f" by {question.answered_by}" if question.answered_by else ""
            return AlreadyAnswered(f"{what} was answered{by} {ago}.", question=question)
        if question.state == "expired":
            return QuestionClosed(f"{what} has expired.", hint="Resume the job, and it asks again.")
        return QuestionClosed(f"{what} was withdrawn: the job was cancelled or started fresh.")

    def _ago(self, moment: datetime | None) -> str:
        now = self._store.now()
        return age_text(max(0.0, (now - (moment or now)).total_seconds()))


def with_questions(conn: Connection, store: Store, found: Sequence[Job]) -> list[Job]:
    """The jobs; those that have asked know what they asked last."""
    asking = [job.id for job in found if job.hitl is not None]
    if not asking:
        return list(found)
    latest = questions.latest_of(conn, store.dialect, asking)
    return [dataclasses.replace(job, hitl=latest[job.id]) if job.id in latest else job for job in found]


def _check_version(question: QuestionRecord, expected: str | None) -> None:
    """Refuse who has seen an open question as it is no more; what became of one that is not open says another error."""
    if question.state == "open" and expected not in (None, question.version):
        raise ChangedMeanwhile(
            f"Question {question.name!r} has changed since it was looked at. Nothing was done.",
            hint="Look again, and decide anew.",
            question=question,
        )


def check_person(text: str, what: str) -> None:
    """Raise ``InvalidValue`` for what is no name of a person."""
    if not text or len(text) > 200:
        raise InvalidValue(f"{what}={text[:50]!r} names nobody.", hint="Use 1 to 200 characters.")
    if text == TIMEOUT:
        raise InvalidValue(f"{what}={TIMEOUT!r} is said of defaults only.", hint="Name the person.")
