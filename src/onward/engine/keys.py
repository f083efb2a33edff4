"""The rooms of the server's own things: keys, tickets, and answers that may be asked for again."""

from __future__ import annotations

import base64
import builtins
import hashlib
import hmac
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from onward.clock import Clock
from onward.engine.submission import check_text
from onward.errors import InvalidValue
from onward.model.ids import Ids, parsed
from onward.model.key import ROLES, Key
from onward.model.limits import ALL, Limits
from onward.store import Connection, Store, keys

PREFIX = "onw_"
_SECRET_BYTES = 32
_USED_SECONDS = 60.0
"""How often the time of a key's last use is written, at most."""
_ANSWER_HOURS = 24
_TICKET_OWNER = "ticket:"
"""Tickets are kept beside answers, under an owner that no caller can be."""
_TICKET_SECONDS = 60
_STUCK_SECONDS = 300.0
"""After which an answer that was begun and never given may be begun again: its server has died."""


class Keys:
    """Keys for HTTP: shown once, kept as a hash, good for a while."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store, self._clock, self._ids = store, clock, ids
        self._lock = threading.Lock()
        self._used: dict[str, float] = {}

    def create(
        self,
        name: str,
        role: str = "operator",
        *,
        days: float | None = 90,
        limits: Limits = ALL,
        created_by: str | None = None,
    ) -> tuple[Key, str]:
        """A new key and its secret, which cannot be seen again. ``days``: how long it is good, None: for ever.

        ``limits``: the jobs that it may see and steer; it opens nothing that shows more.
        """
        check_text("name of a key", name)
        if role not in ROLES:
            raise InvalidValue(f"{role[:50]!r} is not a role.", hint=f"Use one of {', '.join(ROLES)}.")
        if days is not None and not 0 < days <= 3650:
            raise InvalidValue(f"A key cannot be good for {days} days.", hint="Use up to 3650, or no end.")
        secret = PREFIX + base64.urlsafe_b64encode(self._clock.random_bytes(_SECRET_BYTES)).decode().rstrip("=")
        now = self._store.now()
        expires = now + timedelta(days=days) if days is not None else None
        key = Key(self._ids.new(), name, secret[:9], role, created_by, now, expires, limits=limits)
        self._store.write(lambda conn: keys.insert_key(conn, self._store.dialect, key, hash_of(secret)))
        return key, secret

    def check(self, secret: str) -> Key | None:
        """The key of a secret, if it is good now."""
        hashed = hash_of(secret)
        with self._store.read() as conn:
            found = keys.find_key(conn, self._store.dialect, hashed)
        now = self._store.now()
        if found is None or not hmac.compare_digest(found[1], hashed) or not found[0].is_good(now):
            return None
        self._note_use(found[0].id)
        return found[0]

    def is_good(self, key_id: str) -> bool:
        """Whether a key opens anything now."""
        with self._store.read() as conn:
            found = keys.get_key(conn, self._store.dialect, key_id)
        return found is not None and found.is_good(self._store.now())

    def _note_use(self, key_id: str) -> None:
        elapsed = self._clock.monotonic()
        with self._lock:
            last = self._used.get(key_id)
            if last is not None and elapsed - last < _USED_SECONDS:
                return
            self._used[key_id] = elapsed
        self._store.write(lambda conn: keys.touch_key(conn, self._store.dialect, key_id, self._store.now()))

    def list(self) -> builtins.list[Key]:
        """All keys, newest first; expired and revoked ones too."""
        with self._store.read() as conn:
            return keys.list_keys(conn, self._store.dialect)

    def any(self) -> bool:
        """Whether there is a key that is good now."""
        with self._store.read() as conn:
            return keys.any_key(conn, self._store.dialect, self._store.now())

    def revoke(self, key_id: str) -> None:
        """Have a key open nothing any more, from now on. Raises ``InvalidValue``."""
        found = parsed(key_id)
        if not self._store.write(lambda conn: keys.revoke_key(conn, self._store.dialect, found, self._store.now())):
            raise InvalidValue(f"There is no good key {key_id[:60]}.", hint="See: onward key list.")


def hash_of(secret: str) -> str:
    """What is kept of a secret. It has 256 random bits: a slow hash would protect nothing more."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered."""

    status: int
    headers: dict[str, str]
    body: str


class Answers:
    """What requests with an Idempotency-Key were answered, for a day."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, owner: str, key: str, digest: str) -> Answer | str | None:
        """None: it is yours to answer. Else what was answered, or ``running``, or ``other``: another request."""

        def work(conn: Connection) -> Answer | str | None:
            dialect, now = self._store.dialect, self._store.now()
            keys.forget_answers(conn, dialect, now - timedelta(hours=_ANSWER_HOURS))
            if keys.begin_answer(conn, dialect, owner, key, digest, now):
                return None
            found = keys.get_answer(conn, dialect, owner, key)
            if found is None:
                return "running"
            known, status, headers, body, began = found
            if known != digest:
                return "other"
            if status is not None:
                return Answer(int(status), orjson.loads(headers), body)
            if (now - began).total_seconds() < _STUCK_SECONDS:
                return "running"
            keys.drop_answer(conn, dialect, owner, key)
            keys.begin_answer(conn, dialect, owner, key, digest, now)
            return None

        return self._store.write(work)

    def keep(self, owner: str, key: str, answer: Answer) -> None:
        """Give this answer again to the same request."""
        headers = orjson.dumps(answer.headers).decode()
        self._store.write(
            lambda conn: keys.keep_answer(conn, self._store.dialect, owner, key, answer.status, headers, answer.body)
        )

    def drop(self, owner: str, key: str) -> None:
        """Nothing was done: the same request may be tried again."""
        self._store.write(lambda conn: keys.drop_answer(conn, self._store.dialect, owner, key))


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a ticket lets in: a name, a role, and the key that it was asked for with."""

    name: str
    role: str
    key_id: str | None = None
    limits: Limits = ALL


class Tickets:
    """What lets somebody in once within a minute, where a key cannot be sent. Kept as hashes, at every server known."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def issue(self, holder: Holder) -> tuple[str, datetime]:
        """A new ticket, and until when it is good."""
        ticket = base64.urlsafe_b64encode(self._clock.random_bytes(_SECRET_BYTES)).decode().rstrip("=")
        body, hashed = orjson.dumps(holder).decode(), hash_of(ticket)

        def work(conn: Connection) -> datetime:
            dialect, now = self._store.dialect, self._store.now()
            keys.begin_answer(conn, dialect, _TICKET_OWNER, hashed, "", now)
            keys.keep_answer(conn, dialect, _TICKET_OWNER, hashed, 200, "{}", body)
            return now + timedelta(seconds=_TICKET_SECONDS)

        return ticket, self._store.write(work)

    def redeem(self, ticket: str) -> Holder | None:
        """Whom a ticket lets in, the first time and in time; None otherwise."""

        def work(conn: Connection) -> str | None:
            since = self._store.now() - timedelta(seconds=_TICKET_SECONDS)
            return keys.take_answer(conn, self._store.dialect, _TICKET_OWNER, hash_of(ticket), since)

        body = self._store.write(work)
        if body is None:
            return None
        kept = orjson.loads(body)
        return Holder(**kept | {"limits": Limits.of(kept["limits"])})
