"""The expirer: ends questions that nobody has answered in time, as each of them has said."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from onward.clock import Clock
from onward.engine import families, transitions
from onward.engine.service import Service
from onward.errors import StoreUnavailable
from onward.model import codec
from onward.model.ages import length_text
from onward.model.ids import Ids
from onward.model.job import JobError
from onward.model.outcome import as_json
from onward.model.question import TIMEOUT, QuestionRecord
from onward.model.states import RunStatus, Status
from onward.store import Connection, Store, endings, jobs, questions, resources
from onward.store.endings import Ending, Owned

_log = logging.getLogger("onward.engine")
_MOST = 100
"""Questions ended in one turn; the next one follows at once."""


class Expirer(Service):
    """Looks for questions whose time is over. Any number may run: each question is ended once."""

    name = "expirer"

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        super().__init__(clock)
        self._store = store
        self._ids = ids

    def tick(self) -> float | None:
        with self._store.read() as conn:
            late = questions.overdue(conn, self._store.dialect, self._store.now(), _MOST)
        has_ended = False
        for question_id, job_id in late:
            try:
                has_ended |= self._store.write(
                    partial(expire, store=self._store, question_id=question_id, job_id=job_id, new_id=self._ids.new)
                )
            except StoreUnavailable:
                raise
            except Exception:  # noqa: BLE001 - told, and the other questions get their turn
                _log.exception("Question %s of job %s cannot be ended.", question_id, job_id)
        if has_ended:
            self._store.doorbell.ring()
        return 0.0 if has_ended and len(late) == _MOST else self._store.settings.worker.reap_seconds


def expire(conn: Connection, store: Store, question_id: str, job_id: str, new_id: Callable[[], str]) -> bool:
    """End a question if it is open and its time is over, and with it the wait of its job; whether it was."""
    now, dialect = store.now(), store.dialect
    job = jobs.get_job(conn, dialect, job_id)
    if job is None:
        return False
    # A phase's end ends its chain: both rows, in the order in which everybody takes them.
    owned = endings.lock_owned(conn, dialect, [job_id, *([job.parent_id] if job.parent_id else [])])
    question = questions.get_question(conn, dialect, question_id)
    if question is None or question.state != "open" or question.expires_at is None or question.expires_at > now:
        return False
    mine = owned[job_id]
    _tell(conn, store, question, mine, "expired", None)
    if question.on_timeout == "default":
        text = codec.encode(question.default, "The default answer", 1 << 30)
        questions.settle(conn, dialect, question_id, "answered", response=text, by=TIMEOUT, now=now)
        questions.send_back(conn, dialect, job_id, text, now)
        _tell(conn, store, question, mine, "answered", TIMEOUT)
        return True
    questions.settle(conn, dialect, question_id, "expired")
    if question.on_timeout == "cancel":
        transitions.cancel(conn, store, job_id, now, actor=TIMEOUT, reason=_sentence(question))
    else:
        _fail(conn, store, question, owned, new_id, is_phase=job.position is not None)
    return True


def _fail(
    conn: Connection,
    store: Store,
    question: QuestionRecord,
    owned: dict[str, Owned],
    new_id: Callable[[], str],
    *,
    is_phase: bool,
) -> None:
    dialect, now, mine = store.dialect, store.now(), owned[question.job_id]
    error = codec.encode(as_json(JobError("QuestionExpired", _sentence(question))), "The error", 1 << 20)
    jobs.change_job(
        conn,
        dialect,
        question.job_id,
        mine.fence,
        now,
        status=str(Status.FAILED),
        waiting_on=None,
        paused_by=None,
        paused_reason=None,
        error=error,
        completed_at=now,
    )
    _tell(conn, store, question, mine, "failed", None)
    resources.let_go(conn, dialect, [question.job_id], keep_wanting=False)
    if question.parent_id is not None and question.parent_id in owned:
        ending = Ending(
            question.job_id, question.job_type, "", mine.fence, Status.FAILED, RunStatus.FAILED, 0, error=error
        )
        parent_id = question.parent_id
        families.child_ended(conn, store, ending, parent_id, owned[parent_id], now, new_id, is_phase=is_phase)


def _tell(conn: Connection, store: Store, question: QuestionRecord, job: Owned, kind: str, actor: str | None) -> None:
    data = None if kind == "failed" else questions.told(question.id, question.name, then=question.on_timeout)
    when = store.dialect.time(store.now())
    jobs.tell_events(conn, store.dialect, [(question.job_id, job.generation, kind, when, job.fence, actor, data)])


def _sentence(question: QuestionRecord) -> str:
    """What a person reads as the reason; a prompt that is long is cut."""
    said = f" ({question.asks[:200]})" if question.prompt.strip() else ""
    within = ""
    if question.expires_at is not None and question.asked_at is not None:
        within = f" within {length_text((question.expires_at - question.asked_at).total_seconds())}"
    return f"Nobody has answered the question {question.name!r}{said}{within}."
