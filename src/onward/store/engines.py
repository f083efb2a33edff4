"""Connections to SQLite and PostgreSQL: which library, which settings, and which errors mean what."""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import IO, Any, Protocol

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, InvalidatePoolError, NoSuchModuleError

from onward.clock import SystemClock
from onward.errors import InvalidConfig, MissingExtra, StoreUnavailable
from onward.settings import Database
from onward.store.dialects import Dialect, PostgresDialect, SqliteDialect
from onward.store.watchdog import Watchdog, cut

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows is a client only
    fcntl = None  # type: ignore[assignment]  # Windows has no such module

_NETWORK_FILESYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs"}
_STATEMENT_ERRORS = {1, 18, 20, 25}  # SQLITE_ERROR, TOOBIG, MISMATCH, RANGE: the statement is at fault, not the file
_SAFE_CHECKPOINT_WRITES = 1000
_CONNECT_SECONDS = 5
_LEAST_IDLE_SECONDS = 10
"""A job's own transaction may last so long, however short the lease is."""


class Engines(Protocol):
    """The two ways into a database: ``writing`` in a transaction, ``reading`` statement by statement."""

    dialect: Dialect
    engine: Engine
    driver_errors: tuple[type[Exception], ...]

    # ``patience``: seconds after which a server that does not answer counts as gone; None is the setting's.
    def writing(self, patience: float | None = None) -> contextlib.AbstractContextManager[Connection]: ...
    def writing_once(self, patience: float | None = None) -> contextlib.AbstractContextManager[Connection]: ...
    def reading(self, patience: float | None = None) -> contextlib.AbstractContextManager[Connection]: ...
    def snapshot(self) -> contextlib.AbstractContextManager[Connection]: ...
    def watch(self, raw: Any, patience: float | None = None) -> contextlib.AbstractContextManager[None]: ...
    def cut(self, conn: Connection) -> None: ...
    def asks_again(self, error: BaseException) -> bool: ...
    def is_outage(self, error: BaseException) -> bool: ...
    def forget_connections(self) -> None: ...
    def close(self) -> None: ...


def open_engines(url: str, settings: Database, lease_seconds: float) -> Engines:
    """The engines for a database address. Raises ``InvalidConfig`` for one that is none.

    ``lease_seconds``: whoever is stopped within a transaction on a server holds others up for as long, at least 10 s.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InvalidConfig(
            f"{url!r} is not a database address.",
            hint="Use sqlite:///file.db or postgresql://user@host/name.",
        ) from None
    if settings.table_prefix:
        raise InvalidConfig(
            "database.table_prefix is not in this release.",
            hint="Use a database of its own, or on PostgreSQL a schema: ONWARD_DATABASE_SCHEMA=onward.",
        )
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        return SqliteEngines(parsed.database or "", settings)
    if kind in ("postgresql", "postgres"):
        return PostgresEngines(parsed.set(drivername="postgresql+psycopg"), settings, lease_seconds)
    raise InvalidConfig(
        f"onward does not keep its jobs in {kind!r}.",
        hint="Use sqlite:///file.db or postgresql://user@host/name.",
    )


def sqlite_module() -> ModuleType:
    """The SQLite library: the one that carries its own recent version, else Python's."""
    for name in ("pysqlite3", "sqlite3"):
        with contextlib.suppress(ImportError):
            return importlib.import_module(name)
    raise MissingExtra("Python was built without SQLite.", hint="pip install pysqlite3")


def has_wal_reset_fault(version: tuple[int, ...]) -> bool:
    """Whether this SQLite can damage a WAL database when two checkpoints meet.

    Present from 3.7.0 to 3.51.2; mended in 3.51.3, 3.50.7 and 3.44.6 (sqlite.org, release history).
    """
    if version >= (3, 51, 3):
        return False
    return not ((3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45))


class SqliteEngines:
    """One file: many readers, and one writing connection a process, which waits its turn with other processes.

    ``safe`` is the mode for a library with the WAL-reset fault: one lock of a file of its own around every write
    and every checkpoint, and no automatic checkpoints.
    """

    def __init__(self, path: str, settings: Database) -> None:
        self.dialect: Dialect = SqliteDialect()
        self.module = sqlite_module()
        if path in ("", ":memory:"):
            raise InvalidConfig(
                "A SQLite database in memory is gone when the process ends.",
                hint="Use a file: sqlite:///onward.db.",
            )
        self.path = Path(path).absolute()
        self._check_place()
        self.safe = settings.sqlite_safe_mode or has_wal_reset_fault(self.module.sqlite_version_info)
        self._timeout = settings.busy_timeout_seconds
        self.driver_errors: tuple[type[Exception], ...] = (self.module.Error,)
        self.engine = self._engine(writes=True)
        self._readers = self._engine(writes=False)
        self._lock = threading.RLock()
        self._writer: Connection | None = None
        self._safe_lock: IO[str] | None = None
        self._writes = 0

    def _check_place(self) -> None:
        if not self.path.parent.is_dir():
            raise StoreUnavailable(
                f"The folder {self.path.parent} of the database does not exist.",
                hint="Make it, or name another.",
            )
        kind = _filesystem(self.path.parent)
        if kind in _NETWORK_FILESYSTEMS:
            raise InvalidConfig(
                f"{self.path} lies on a network file system ({kind}), where SQLite's locks cannot be trusted.",
                hint="Put it on a local disk, or use PostgreSQL.",
            )

    def _engine(self, *, writes: bool) -> Engine:
        engine = create_engine(
            f"sqlite:///{self.path}",
            module=self.module,
            pool_size=32,
            max_overflow=64,
            connect_args={"check_same_thread": False, "timeout": self._timeout, "isolation_level": None},
            # The driver counts as in autocommit here, since BEGIN is ours: what failed is rolled back all the same.
            skip_autocommit_rollback=not writes,
            **({} if writes else {"isolation_level": "AUTOCOMMIT"}),
        )
        event.listen(engine, "connect", self._on_connect)
        if writes:
            event.listen(engine, "begin", lambda conn: conn.exec_driver_sql("BEGIN IMMEDIATE"))
        return engine

    def _on_connect(self, connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(self._timeout * 1000)}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA cache_size = -16000")
        cursor.execute("PRAGMA temp_store = MEMORY")
        if self.safe:
            cursor.execute("PRAGMA wal_autocheckpoint = 0")
        cursor.close()

    @contextlib.contextmanager
    def writing(self, patience: float | None = None) -> Iterator[Connection]:  # noqa: ARG002 - a file always answers
        with self._lock, self._safely():
            if self._writer is None:
                self._writer = self._readers.connect()
            raw: Any = self._writer.connection.driver_connection
            # In the driver's words: SQLAlchemy's begin and commit would be a third of a small transaction.
            try:
                raw.execute("BEGIN IMMEDIATE")
                yield self._writer
                raw.execute("COMMIT")
            except BaseException as error:
                has_rolled_back = self._has_rolled_back(raw)
                if isinstance(error, self.module.Error) or not has_rolled_back:
                    # A connection that failed in an unknown way is not used again.
                    self._drop_writer()
                raise

    def _has_rolled_back(self, raw: Any) -> bool:
        try:
            if raw.in_transaction:
                raw.execute("ROLLBACK")
        except self.module.Error:
            return False
        return True

    def writing_once(self, patience: float | None = None) -> contextlib.AbstractContextManager[Connection]:
        """For one statement of rows: here several, since rows are written in groups."""
        return self.writing(patience)

    @contextlib.contextmanager
    def reading(self, patience: float | None = None) -> Iterator[Connection]:  # noqa: ARG002 - a file always answers
        with self._readers.connect() as conn:
            yield conn

    def watch(self, raw: Any, patience: float | None = None) -> contextlib.AbstractContextManager[None]:  # noqa: ARG002 - a file always answers
        """Nothing to watch: the busy timeout bounds every call."""
        return contextlib.nullcontext()

    def cut(self, conn: Connection) -> None:
        """Have whoever uses this connection fail."""
        driver: Any = conn.connection.driver_connection
        driver.close()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """For reading all of it as it is at one moment, however long that takes."""
        with self._readers.connect() as conn:
            raw: Any = conn.connection.driver_connection
            raw.execute("BEGIN")
            try:
                yield conn
            finally:
                raw.execute("ROLLBACK")

    @contextlib.contextmanager
    def _safely(self) -> Iterator[None]:
        if not self.safe or fcntl is None:
            yield
            return
        if self._safe_lock is None:
            self._safe_lock = open(f"{self.path}.safe-lock", "a")  # noqa: SIM115 - held until close
        fcntl.flock(self._safe_lock, fcntl.LOCK_EX)
        try:
            yield
            self._writes += 1
            if self._writes % _SAFE_CHECKPOINT_WRITES == 0 and self._writer is not None:
                self._writer.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            fcntl.flock(self._safe_lock, fcntl.LOCK_UN)

    def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with contextlib.suppress(Exception):
                writer.invalidate()
                writer.close()

    def asks_again(self, error: BaseException) -> bool:  # noqa: ARG002 - SQLite's one writer never meets another
        return False

    def is_outage(self, error: BaseException) -> bool:
        module = self.module
        if isinstance(error, module.IntegrityError | module.ProgrammingError):
            return False
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _STATEMENT_ERRORS:
            return False
        return isinstance(error, module.OperationalError | module.DatabaseError)

    def forget_connections(self) -> None:
        """A file is not reached over connections that can be lost."""

    def close(self) -> None:
        with self._lock, self._safely():
            self._drop_writer()
            self._readers.dispose()
            self.engine.dispose()
        if self._safe_lock is not None:
            self._safe_lock.close()
            self._safe_lock = None


class PostgresEngines:
    """A pool for transactions, and the same pool in autocommit for reading: a read costs one round trip."""

    def __init__(self, url: Any, settings: Database, lease_seconds: float) -> None:
        self.dialect: Dialect = PostgresDialect()
        try:
            psycopg = importlib.import_module("psycopg")
        except ImportError:
            raise MissingExtra(
                "PostgreSQL needs a driver that is not installed.", hint="pip install 'onward[postgres]'"
            ) from None
        self._errors = psycopg.errors
        self._outages = (psycopg.OperationalError, psycopg.InterfaceError)
        self.driver_errors: tuple[type[Exception], ...] = (psycopg.Error,)
        # Finding a few hundred jobs by their keys is cheaper than reading the table, whatever the default cost says.
        idle_ms = int(max(lease_seconds, _LEAST_IDLE_SECONDS) * 1000)
        options = f"-c timezone=UTC -c random_page_cost=1.1 -c idle_in_transaction_session_timeout={idle_ms}"
        if settings.schema_name:
            options += f" -c search_path={settings.schema_name}"
        self.schema = settings.schema_name
        self.pooled = settings.pooled
        connect_args: dict[str, Any] = {"connect_timeout": _CONNECT_SECONDS, "application_name": "onward"}
        if settings.pooled:
            connect_args["prepare_threshold"] = None
        else:
            connect_args["options"] = options
        self._watchdog = Watchdog(SystemClock(), settings.call_timeout_seconds)
        try:
            self.engine = create_engine(
                url,
                pool_size=settings.pool_size,
                max_overflow=settings.max_overflow,
                pool_pre_ping=False,
                pool_use_lifo=True,
                connect_args=connect_args,
                skip_autocommit_rollback=True,
            )
        except NoSuchModuleError as error:
            raise InvalidConfig(str(error)) from None
        event.listen(self.engine, "checkout", self._on_checkout)
        self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self.url = url

    @contextlib.contextmanager
    def writing(self, patience: float | None = None) -> Iterator[Connection]:
        with self.engine.connect() as conn, self.watch(conn.connection.driver_connection, patience), conn.begin():
            yield conn

    def writing_once(self, patience: float | None = None) -> contextlib.AbstractContextManager[Connection]:
        """For one statement, which is a transaction by itself: one round trip instead of three."""
        return self.reading(patience)

    @contextlib.contextmanager
    def reading(self, patience: float | None = None) -> Iterator[Connection]:
        with self._reading.connect() as conn, self.watch(conn.connection.driver_connection, patience):
            yield conn

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """For reading all of it as it is at one moment, however long that takes."""
        with self.engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn, conn.begin():
            conn.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield conn

    def watch(self, raw: Any, patience: float | None = None) -> contextlib.AbstractContextManager[None]:
        """End what the server does not answer on this connection of the driver."""
        return self._watchdog.watch(raw, patience)

    def cut(self, conn: Connection) -> None:
        """Have whoever uses this connection fail at once, also while it waits for the server."""
        cut(conn.connection.driver_connection)

    def _on_checkout(self, connection: Any, _record: Any, _proxy: Any) -> None:
        """A server that has ended a connection while it lay in the pool has said so: no caller need meet that."""
        errors: tuple[type[Exception], ...] = (*self.driver_errors, OSError)
        try:
            while _has_input(connection.pgconn.socket):
                connection.pgconn.consume_input()
        except errors as error:
            raise InvalidatePoolError("The server has ended the connection.") from error

    def asks_again(self, error: BaseException) -> bool:
        # Two that insert the same key at once: the second one looks again and finds it.
        again = (self._errors.DeadlockDetected, self._errors.SerializationFailure, self._errors.UniqueViolation)
        return isinstance(error, again)

    def is_outage(self, error: BaseException) -> bool:
        errors = self._errors
        # The last one: this process stood still within a transaction, and the server has ended its session.
        more = (
            errors.DiskFull, errors.OutOfMemory, errors.ReadOnlySqlTransaction, errors.IdleInTransactionSessionTimeout,
        )  # fmt: skip
        return isinstance(error, self._outages + more)

    def forget_connections(self) -> None:
        """One was lost: those that wait in the pool are as dead, and would fail one caller each."""
        self.engine.dispose()

    def close(self) -> None:
        self.engine.dispose()
        self._watchdog.close()


def _has_input(number: int) -> bool:
    """Whether something has come over a socket."""
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))


def _filesystem(folder: Path) -> str:
    """The kind of file system that a folder lies on, or '' where that cannot be read."""
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return ""
    best, kind = "", ""
    place = os.path.realpath(folder)
    for line in lines:
        before, _, after = line.partition(" - ")
        mount = before.split()[4]
        if (place == mount or place.startswith(mount.rstrip("/") + "/")) and len(mount) >= len(best):
            best, kind = mount, after.split()[0]
    return kind
