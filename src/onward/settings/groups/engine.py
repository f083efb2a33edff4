"""Settings of the engine: the database, workers, what is kept in memory, on disk and for how long."""

from __future__ import annotations

import os

from onward.settings import kinds
from onward.settings.field import Group, group, setting
from onward.settings.origin import hide_secrets

MIB = 2**20


@group
class Database(Group):
    """Where jobs are kept."""

    url: str = setting(
        "sqlite:///onward.db",
        kinds.ADDRESS,
        "the database; a file in the working folder needs no server",
        also=("DATABASE_URL",),
    )
    schema: str | None = setting(None, kinds.TEXT, "PostgreSQL schema of the tables; none: the user's own search path")
    table_prefix: str = setting(
        "", kinds.PREFIX, "put before each table's name, to share a database that has a table jobs"
    )
    pool_size: int = setting(10, kinds.WHOLE, "connections kept open; a worker of 10 threads never waits", least=1)
    max_overflow: int = setting(20, kinds.WHOLE, "connections more at peaks, closed afterwards", least=0)
    pooled: bool = setting(
        False,
        kinds.TRUTH,
        "true behind a transaction pooler: no advisory lock and no LISTEN, so deaths wait for the lease",
    )
    busy_timeout_seconds: float = setting(
        30,
        kinds.SECONDS,
        "how long a locked SQLite file is waited for before it counts as unreachable",
        least=0,
    )
    call_timeout_seconds: float = setting(
        10, kinds.SECONDS, "how long PostgreSQL may take to answer before the connection counts as dead", least=0.1
    )
    sqlite_safe_mode: bool = setting(
        False, kinds.TRUTH, "true: one file lock around writes, for SQLite libraries that lose them otherwise"
    )

    @property
    def schema_name(self) -> str | None:
        """``schema``, under the name that the store uses."""
        return self.schema

    @property
    def sqlalchemy_url(self) -> str:
        """The address as SQLAlchemy takes it: PostgreSQL means psycopg 3."""
        scheme, mark, rest = self.url.partition("://")
        return f"postgresql+psycopg{mark}{rest}" if scheme.startswith("postgres") else self.url

    @property
    def shown_url(self) -> str:
        """The address as it was given, without its password."""
        return hide_secrets(self.url)

    @property
    def is_postgresql(self) -> bool:
        return self.url.startswith("postgres")


@group
class Worker(Group):
    """How a worker claims, runs and leaves jobs."""

    concurrency: int | None = setting(
        None,
        kinds.WHOLE,
        "jobs at a time; none: the number of cores, at least 4, as most jobs wait",
        least=1,
        most=10_000,
    )
    queues: tuple[str, ...] = setting((), kinds.NAMES, "queues served; empty: all but the cluster's")
    name: str | None = setting(
        None, kinds.TEXT, "a worker that comes back under its name takes up its own jobs at once"
    )
    lease_seconds: float = setting(
        30,
        kinds.SECONDS,
        "right to a run without a sign of life; shorter finds dead machines sooner, longer bears pauses",
        least=1,
    )
    grace_seconds: float = setting(
        30, kinds.SECONDS, "how long a stopping worker lets jobs reach a safe point", least=0
    )
    kill_grace_seconds: float = setting(5, kinds.SECONDS, "how long a stopped child process may tidy up", least=0)
    reap_seconds: float = setting(1, kinds.SECONDS, "how often dead workers are looked for", least=0.05)
    poll_seconds: float = setting(
        0.01,
        kinds.SECONDS,
        "how often SQLite's change counter is read, which costs a microsecond",
        least=0.001,
    )
    poll_floor_seconds: float = setting(
        5, kinds.SECONDS, "how often PostgreSQL is asked even without a notification", least=0.05
    )
    progress_seconds: float = setting(
        0.5, kinds.SECONDS, "progress is written at most this often for one job", least=0.01
    )
    prefetch: int = setting(1000, kinds.WHOLE, "jobs claimed in one statement, at most", least=1, most=10_000)

    @property
    def slots(self) -> int:
        """How many jobs run at a time: what was set, or the machine's cores, at least 4."""
        return self.concurrency or max(4, os.cpu_count() or 1)


@group
class Checkpoint(Group):
    """How often a job's place is saved, and for how long it counts."""

    every_seconds: float = setting(
        60, kinds.SECONDS, "a crash costs at most this much work of a job that iterates", least=0
    )
    every_items: int = setting(2000, kinds.WHOLE, "or this many items, whichever comes first", least=1)
    max_age_days: float = setting(7, kinds.DAYS, "an older checkpoint is no longer offered for resuming", least=0)


@group
class Cache(Group):
    """Active and recent jobs kept in memory; the database stays the truth."""

    enabled: bool = setting(True, kinds.TRUTH, "false: every look-up asks the database")
    ttl_minutes: float = setting(
        60, kinds.MINUTES, "a job stays in memory this long after it was last read or changed", least=0
    )
    sweep_minutes: float = setting(5, kinds.MINUTES, "how often expired jobs are taken out", least=0.01)
    max_jobs: int = setting(
        10_000, kinds.WHOLE, "jobs held, about 2 kB each; the longest untouched goes first", least=0
    )


@group
class Journal(Group):
    """What is written while the database is away."""

    folder: str | None = setting(
        None,
        kinds.TEXT,
        "a folder on a local disk; none: beside a SQLite file, else under ~/.local/state/onward",
    )
    max_bytes: int = setting(256 * MIB, kinds.BYTES, "a full journal makes jobs wait, and drops nothing", least=4096)


@group
class Cluster(Group):
    """A Dask cluster that is there, for the ranges of split jobs."""

    address: str | None = setting(
        None, kinds.TEXT, "its scheduler, tcp://host:8786; none: ranges run on workers like any job"
    )
    queue: str = setting("cluster", kinds.TEXT, "queue of ranges whose job type names none, when there is an address")
    tasks: int | None = setting(
        None, kinds.WHOLE, "ranges at a time on it; none: as many as it has threads", least=1, most=100_000
    )
    app: str | None = setting(
        None,
        kinds.TEXT,
        "module:attribute with the job types, imported by its workers; none: the modules of the job types",
    )
    resource: str | None = setting(None, kinds.TEXT, "Dask resource of which each task takes one, such as GPU")


@group
class Limits(Group):
    """What one job may take; more is refused with a message instead of filling the database."""

    payload_bytes: int = setting(MIB, kinds.BYTES, "parameters of a job, as JSON", least=1024)
    checkpoint_bytes: int = setting(8 * MIB, kinds.BYTES, "state saved by a job, as JSON", least=1024)
    result_bytes: int = setting(8 * MIB, kinds.BYTES, "result of a job, as JSON", least=1024)
    depth: int = setting(
        64, kinds.WHOLE, "nesting of any JSON value, within what every reader bears", least=8, most=200
    )
    log_lines: int = setting(1000, kinds.WHOLE, "newest log lines kept of a run", least=0)
    log_line_bytes: int = setting(8192, kinds.BYTES, "longer lines are cut", least=80)


@group
class Retention(Group):
    """How long what is over is kept."""

    finished_days: float = setting(30, kinds.DAYS, "finished jobs and their runs", least=0)
    checkpoint_days: float = setting(
        7, kinds.DAYS, "checkpoints of failed and cancelled jobs, from the last save", least=0
    )
    archive: str = setting(
        "table",
        kinds.TEXT,
        "where finished jobs go: table (archived_jobs), a folder (compressed JSON Lines), or none",
    )
    tombstone_days: float = setting(
        30, kinds.DAYS, "how long it is known of a job without a document in the database that there was one", least=0
    )


@group
class Log(Group):
    """What is logged, and how."""

    level: str = setting(
        "INFO",
        kinds.choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", upper=True),
        "lines below it are not written",
        also=("LOG_LEVEL",),
    )
    format: str = setting("auto", kinds.choice("auto", "json", "text"), "auto: text on a terminal, else JSON")
