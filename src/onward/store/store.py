"""The door to the database: connections, transactions, retries, and errors in our own words."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from onward.clock import Clock, SystemClock
from onward.errors import OnwardError, StoreUnavailable
from onward.settings import Settings
from onward.store import migrate, moved
from onward.store.dialects import OnTold
from onward.store.engines import Engines, SqliteEngines, open_engines
from onward.store.wakeups import Doorbell

T = TypeVar("T")

_RETRIES = 5
_OFFSET_SECONDS = 60.0
"""How long a measured difference to the database's clock is trusted."""
_AWAY_SECONDS = 5.0
"""How long it is trusted further when the database is away."""


class Store:
    """One database, shared by the threads of a process.

    ``write`` runs a function in one transaction, again if the database asks for that; ``read`` gives a connection
    on which each statement stands alone. ``now`` is the time that decides: the database's on PostgreSQL, this
    machine's on SQLite. The schema is made at first use when the database is empty.
    """

    def __init__(self, url: str, settings: Settings, clock: Clock) -> None:
        self.url = url
        self.settings = settings
        self.clock = clock
        self.on_told: OnTold | None = None
        """What else belongs into a transaction that tells events; to be set before the first use."""
        self._lock = threading.RLock()
        self._engines: Engines | None = None
        self._offset: tuple[float, datetime] | None = None
        self._measure_at = 0.0
        self._checked = False
        self.doorbell = Doorbell(self)

    @property
    def engines(self) -> Engines:
        """The engines, made at first use."""
        if self._engines is None:
            with self._lock:
                if self._engines is None:
                    made = open_engines(self.url, self.settings.database, self.settings.worker.lease_seconds)
                    made.dialect.on_told = self.on_told
                    self._engines = made
        return self._engines

    @property
    def dialect(self) -> migrate.AnyDialect:
        """What this database does in its own way."""
        return self.engines.dialect

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a SQLite file."""
        return self.engines.dialect.name == "sqlite"

    @property
    def sqlite_path(self) -> Path | None:
        """The file of a SQLite database, or None."""
        engines = self.engines
        return engines.path if isinstance(engines, SqliteEngines) else None

    def prepare(self) -> None:
        """Make the schema in an empty database; refuse an older, newer or foreign one. Once a process."""
        if not self._checked:
            with self._lock:
                if not self._checked:
                    with self.in_our_words():
                        migrate.prepare(self.engines)
                        with self.engines.reading() as conn:
                            moved.refuse(conn, self.dialect)
                    self._checked = True

    def write(
        self, work: Callable[[Connection], T], *, is_one_statement: bool = False, patience: float | None = None
    ) -> T:
        """What ``work(connection)`` returns, committed. It may be called again when the database asks for it.

        ``is_one_statement``: it makes one change of rows and needs no more of a transaction than that.
        ``patience``: seconds after which a server that does not answer counts as gone (``math.inf`` for work that
        may take long); None is the setting's.

        Raises ``StoreUnavailable`` when the database cannot be reached, stays locked, or has no room.
        """
        self.prepare()
        begin = self.engines.writing_once if is_one_statement else self.engines.writing
        for last in (*(False,) * _RETRIES, True):
            try:
                with self.in_our_words(), begin(patience) as conn:
                    return work(conn)
            except _Again as error:
                if last:
                    raise StoreUnavailable(
                        f"The database kept refusing a transaction: {error}.",
                        hint="Try again; see `onward doctor`.",
                    ) from None
            finally:
                # Also after an error: the reply of a commit may have been lost.
                self.doorbell.renew()
        raise AssertionError("unreachable")

    @contextlib.contextmanager
    def transaction(self, patience: float | None = math.inf) -> Iterator[Connection]:
        """One writing transaction as a ``with`` block; it is not tried again."""
        self.prepare()
        try:
            with self.in_our_words(), self.engines.writing(patience) as conn:
                yield conn
        finally:
            self.doorbell.renew()

    @contextlib.contextmanager
    def read(self, patience: float | None = None) -> Iterator[Connection]:
        """A connection for reading; each statement sees what is committed when it begins."""
        self.prepare()
        with self.in_our_words(), self.engines.reading(patience) as conn:
            yield conn

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection for reading all of it as it is at one moment, also of a database that was moved."""
        with self.in_our_words(), self.engines.snapshot() as conn:
            yield conn

    @contextlib.contextmanager
    def change(self) -> Iterator[Connection]:
        """A writing transaction on whatever is there: neither schema nor mark are looked at."""
        with self.in_our_words(), self.engines.writing(math.inf) as conn:
            yield conn

    @contextlib.contextmanager
    def look(self) -> Iterator[Connection]:
        """A connection for reading whatever is there; the schema is neither made nor checked."""
        with self.in_our_words(), self.engines.reading(math.inf) as conn:
            yield conn

    def upgrade(self) -> tuple[int, int]:
        """Make or bring forward the schema; (version before, version now)."""
        with self.in_our_words():
            return migrate.upgrade(self.engines)

    def now(self) -> datetime:
        """The time by which machines that share the database decide."""
        if self.is_sqlite or not isinstance(self.clock, SystemClock):
            return self.clock.now()
        elapsed = self.clock.monotonic()
        if self._offset is None or elapsed > self._measure_at:
            self._measure_at = elapsed + _OFFSET_SECONDS
            try:
                self._offset = (elapsed, self._database_time())
            except StoreUnavailable:
                # What runs through an outage goes by the time that was measured before it.
                self._measure_at = elapsed + _AWAY_SECONDS
                if self._offset is None:
                    raise
        measured, then = self._offset
        return then + timedelta(seconds=elapsed - measured)

    def _database_time(self) -> datetime:
        with self.in_our_words(), self.engines.reading() as conn:
            before = self.clock.monotonic()
            row = self.dialect.query(conn, "SELECT clock_timestamp()", [])[0]
            # The reading is half a round trip old when it arrives.
            taken: datetime = row[0]
            return taken + timedelta(seconds=(self.clock.monotonic() - before) / 2)

    def close(self) -> None:
        """Give all connections back."""
        self.doorbell.close()
        with self._lock:
            if self._engines is not None:
                self._engines.close()
                self._engines = None
                self._checked = False

    @contextlib.contextmanager
    def in_our_words(self) -> Iterator[None]:
        """What the driver raises within comes out as ``StoreUnavailable`` where it means that."""
        try:
            yield
        except (OnwardError, _Again):
            raise
        except SQLAlchemyError as error:
            raise self._as_ours(error.orig if isinstance(error, DBAPIError) and error.orig else error) from error
        except Exception as error:
            if self._engines is not None and isinstance(error, self.engines.driver_errors):
                raise self._as_ours(error) from error
            raise

    def _as_ours(self, error: BaseException) -> Exception:
        if self._engines is not None and self.engines.asks_again(error):
            return _Again(str(error))
        was_moved = moved.refused(str(error))
        if was_moved is not None:
            return was_moved
        text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if self._engines is not None and self.engines.is_outage(error):
            self.engines.forget_connections()
            return StoreUnavailable(
                f"Cannot use the database {shown_url(self.url)}: {text}.",
                hint="Check that it runs and has room, then: onward doctor.",
            )
        return error if isinstance(error, Exception) else StoreUnavailable(text)


class _Again(Exception):
    """The database asks for the transaction to be tried again: a deadlock, or a conflict of versions."""


def shown_url(url: str) -> str:
    """An address without its password."""
    head, at, tail = url.rpartition("@")
    if not at or "://" not in head:
        return url
    scheme, _, user = head.partition("://")
    name, colon, _ = user.partition(":")
    return f"{scheme}://{name}{':***' if colon else ''}@{tail}"
