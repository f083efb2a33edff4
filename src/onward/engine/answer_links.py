"""Links with which one person answers one question: signed, good for a while, and good for nothing else."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import uuid
from datetime import UTC, datetime, timedelta

from onward.engine.questions import Questions, check_person
from onward.errors import InvalidValue, OnwardError, QuestionClosed, QuestionNotFound
from onward.model.job import Job, Json
from onward.model.question import AnswerLink, QuestionRecord
from onward.store import Connection, Store, facts

PAGE = "answer"
"""The page that a link opens; the token stands behind ``#``, where no server and no log sees it."""
_FACT = "answer_link_key"
_KEY_BYTES = 32
_DAYS = 7.0
_MOST_DAYS = 365.0
_FORM = b"\x01"
_ID = slice(1, 17)
_TIME = slice(17, 22)
_BROKEN = "This link opens nothing: it is incomplete, or not from here."


class AnswerLinks:
    """Makes such links, and takes the answers that come by them.

    A token names the question, the person and until when it is good, and is signed with HMAC-SHA256 (RFC 2104) by a
    key that the database keeps. A question belongs to one generation of its job and is answered once; so is its link.
    """

    def __init__(self, store: Store, questions: Questions) -> None:
        self._store, self._questions = store, questions

    def make(self, question_id: str, person: str, *, days: float = _DAYS, actor: str | None = None) -> AnswerLink:
        """A link for ``person`` to an open question, good for ``days`` or until the question's own end.

        Raises ``QuestionClosed`` or ``AlreadyAnswered``, and ``InvalidValue`` where somebody else is asked.
        """
        check_person(person, "person")
        if not 0 < days <= _MOST_DAYS:
            raise InvalidValue(f"A link cannot be good for {days} days.", hint=f"Use up to {_MOST_DAYS:g}.")
        question = self._questions.get(question_id)
        if question.state != "open":
            raise self._questions.not_open(question)
        if question.assigned_to not in (None, person):
            raise InvalidValue(
                f"{question.assigned_to} is asked, not {person}.", hint="Make it for them, or ask somebody else first."
            )

        def work(conn: Connection) -> AnswerLink:
            made = link_to(conn, self._store, question, person, days)
            self._questions.tell(conn, question, "linked", actor, to=person)
            return made

        return self._store.write(work)

    def look(self, token: str) -> tuple[QuestionRecord, str]:
        """The question of a link, in whatever state it is, and the person whom the link is for.

        Raises ``QuestionNotFound`` for what is no link of this database, ``QuestionClosed`` for one that is over or
        whose question was passed on to somebody else.
        """
        with self._store.read() as conn:
            key = facts.get_fact(conn, self._store.dialect, _FACT)
        question_id, person, expires = _read(token, bytes.fromhex(key or ""))
        if self._store.now() >= expires:
            raise QuestionClosed(
                f"This link was good until {expires:%Y-%m-%d %H:%M} UTC.", hint="Whoever sent it can make a new one."
            )
        question = self._questions.get(question_id)
        if question.assigned_to not in (None, person):
            raise QuestionClosed(
                f"{question.assigned_to} is asked now; this link was for {person}.", hint="There is nothing to do here."
            )
        return question, person

    def answer(self, token: str, response: Json, *, reason: str = "") -> Job:
        """Answer the question of a link, in the name of the person whom it is for; the first answer counts."""
        question, person = self.look(token)
        return self._questions.answer(
            question.job_id,
            response,
            question_id=question.id,
            answered_by=person,
            reason=reason,
            via="link",
            expect_version=question.version if question.state == "open" else None,
        )


def link_to(conn: Connection, store: Store, question: QuestionRecord, person: str, days: float = _DAYS) -> AnswerLink:
    """A link for a person to a question, within a transaction."""
    expires = store.now() + timedelta(days=days)
    if question.expires_at is not None:
        expires = min(expires, question.expires_at)
    said = _FORM + uuid.UUID(question.id).bytes + int(expires.timestamp()).to_bytes(5, "big") + person.encode("utf-8")
    token = f"{_text(said)}.{_text(_signed(said, _key(conn, store)))}"
    base = store.settings.server.public_url
    return AnswerLink(question.id, person, token, expires, f"{base.rstrip('/')}/{PAGE}#{token}" if base else None)


def _key(conn: Connection, store: Store) -> bytes:
    """The key of this database, made when it is wanted first."""
    facts.claim_fact(conn, store.dialect, _FACT, store.clock.random_bytes(_KEY_BYTES).hex())
    return bytes.fromhex(facts.get_fact(conn, store.dialect, _FACT) or "")


def _read(token: str, key: bytes) -> tuple[str, str, datetime]:
    """Question, person and end of a token whose signature is right."""
    said, _, signature = token.partition(".")
    try:
        body, given = _bytes(said), _bytes(signature)
    except (binascii.Error, ValueError):
        raise _broken() from None
    if not key or not hmac.compare_digest(given, _signed(body, key)) or body[:1] != _FORM:
        raise _broken()
    expires = datetime.fromtimestamp(int.from_bytes(body[_TIME], "big"), UTC)
    return str(uuid.UUID(bytes=body[_ID])), body[_TIME.stop :].decode("utf-8"), expires


def _broken() -> OnwardError:
    return QuestionNotFound(_BROKEN, hint="Open it as it was sent, to its last character.")


def _signed(body: bytes, key: bytes) -> bytes:
    return hmac.new(key, b"onward answer link\0" + body, hashlib.sha256).digest()


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
