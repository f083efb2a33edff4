"""Taking everything along: exports, imports, and the move to another database.

An import is one transaction, and the file is read through and checked before it begins: it is in whole or not at all.
A move marks the old database first, so that nothing is written there that would be missed; the new one is filled and
compared in one transaction. Broken off anywhere, it is run again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import orjson

from onward.clock import Clock
from onward.engine import proof
from onward.engine.export_file import ExportFile, ExportWriter, Header
from onward.engine.intake import Intake
from onward.engine.rescuer import Rescuer
from onward.errors import (
    DatabaseMoved,
    ImportClash,
    InvalidExport,
    InvalidValue,
    OnwardError,
    SchemaMismatch,
    StoreUnavailable,
    WorkersOnline,
)
from onward.events import Bus
from onward.model.ids import Ids
from onward.model.job import WorkerRecord
from onward.model.transfer import TransferReport
from onward.store import Connection, Store, facts, migrate, moved, plain, transfer, workers
from onward.store.store import shown_url
from onward.store.transfer import Digest
from onward.version import __version__

OnClash = Literal["refuse", "skip"]
Progress = Callable[[str, int], object]
_SHOWN = 20
"""Clashes that are listed; the rest is counted."""


class Mover:
    """Takes a database's contents to a file, from a file, and to another database."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    # ---- to a file ------------------------------------------------------------------------------------------

    def export(self, path: Path, on_rows: Progress) -> TransferReport:
        """Everything as it is at one moment, into a new file."""
        begun, dialect = self._clock.monotonic(), self._store.dialect
        self._check_schema()
        with ExportWriter(path) as file, self._store.snapshot() as conn:
            file.header(
                Header(
                    schema=migrate.HEAD,
                    version=__version__,
                    made_at=self._clock.now().isoformat(),
                    kind=dialect.name,
                    facts=transfer.facts(conn, dialect),
                    numbers=transfer.numbers(conn, dialect),
                )
            )
            for table in transfer.tables():
                file.begin(table.name, plain.column_names(table))
                for rows in transfer.read_table(conn, dialect, table):
                    file.add(table.name, rows)
                    on_rows(table.name, len(rows))
                file.end(table.name)
            left = transfer.others(conn)
        took = self._clock.monotonic() - begun
        return TransferReport("export", shown_url(self._store.url), str(path), file.rows, left=left, seconds=took)

    def _check_schema(self) -> None:
        """A database that was moved may still be read, one of another schema not."""
        with self._store.look() as conn:
            mark = moved.look(conn, self._store.dialect)
        if mark is None:
            self._store.prepare()

    # ---- from a file ----------------------------------------------------------------------------------------

    def import_(self, path: Path, on_clash: OnClash, on_rows: Progress) -> TransferReport:
        """Everything of a file, in one transaction."""
        if on_clash not in ("refuse", "skip"):
            raise InvalidValue(f"on_clash={on_clash!r} is neither 'refuse' nor 'skip'.")
        begun = self._clock.monotonic()
        self._store.prepare()
        file = ExportFile(path)
        if file.header.schema > migrate.HEAD:
            raise InvalidExport(
                f"{path} has schema {file.header.schema}, made by onward {file.header.version}; this is {__version__}, "
                f"which has schema {migrate.HEAD}.",
                hint="Install the onward that made it, or a newer one.",
            )
        intake = Intake(self._store, file)
        clashes = intake.look_through()
        if clashes and on_clash == "refuse":
            listed = tuple(clashes[:_SHOWN])
            more = f" and {len(clashes) - _SHOWN:,} more" if len(clashes) > _SHOWN else ""
            raise ImportClash(
                f"{len(clashes):,} things in {path} are there already: {'; '.join(listed)}{more}. "
                "Nothing was brought in.",
                hint="Import into an empty database, or pass over what is there: --on-clash skip.",
                clashes=tuple(clashes),
            )
        report = TransferReport("import", str(path), shown_url(self._store.url))
        with self._store.transaction() as conn:
            transfer.take_time(conn, self._store.dialect)
            intake.load(conn, report, on_rows)
        report.taken_over = self._take_over(self._store)
        self._store.doorbell.ring()
        report.seconds = self._clock.monotonic() - begun
        return report

    # ---- to another database --------------------------------------------------------------------------------

    def move(self, to: str, *, dry_run: bool, force: bool, on_rows: Progress) -> TransferReport:
        """Everything into an empty database; this one is marked, and refuses to be written."""
        begun = self._clock.monotonic()
        if to == self._store.url:
            raise InvalidValue("The database is there already.", hint="Name another: --to URL.")
        mark = self._mark(to)
        online = self._online()
        report = TransferReport("move", shown_url(self._store.url), shown_url(to), dry_run=dry_run, workers=online)
        with self._store.look() as conn:
            report.left = transfer.others(conn)
        if online and not force and not dry_run:
            raise WorkersOnline(
                f"{len(online)} workers are online: {', '.join(online)}. Nothing was moved.",
                hint="Stop them first. With --force their jobs go on in the new place, from their last checkpoints.",
                workers=online,
            )
        if dry_run and self._is_new_file(to):
            self._count(report)
            return report
        with self._target(to) as target:
            is_done = self._check_target(target, mark, make=not dry_run)
            if dry_run:
                self._count(report)
                return report
            began_here = mark is None
            mark = mark or moved.Mark("moving", shown_url(to), self._ids.new(), self._store.now().isoformat())
            with self._store.change() as conn:
                moved.set_mark(conn, self._store.dialect, mark)
            try:
                self._fill(target, mark, report, on_rows, is_done=is_done)
            except BaseException:
                if began_here and not self._has_arrived(target, mark):
                    self.reopen()
                raise
            with self._store.change() as conn:
                moved.set_mark(conn, self._store.dialect, dataclasses.replace(mark, state="moved"))
            report.taken_over = self._take_over(target)
        report.seconds = self._clock.monotonic() - begun
        return report

    def reopen(self) -> bool:
        """Take the mark of a move away; whether there was one."""
        with self._store.change() as conn:
            mark = moved.look(conn, self._store.dialect)
            if mark is not None:
                moved.take_mark_away(conn, self._store.dialect)
        return mark is not None

    def mark(self) -> moved.Mark | None:
        """Where this database was moved, if it was."""
        with self._store.look() as conn:
            return moved.look(conn, self._store.dialect)

    def _mark(self, to: str) -> moved.Mark | None:
        mark = self.mark()
        if mark is None:
            self._store.prepare()
        elif mark.state == "moved" or mark.to != shown_url(to):
            raise DatabaseMoved(mark.text, hint=mark.hint)
        return mark

    def _online(self) -> tuple[str, ...]:
        with self._store.look() as conn:
            found = workers.list_workers(conn, self._store.dialect, ("online", "draining"))
        return tuple(f"{worker.name} (pid {worker.pid} on {worker.host})" for worker in found if not _is_gone(worker))

    def _is_new_file(self, to: str) -> bool:
        _, _, path = to.partition("sqlite:///")
        return bool(path) and not Path(path).exists()

    @contextmanager
    def _target(self, to: str) -> Iterator[Store]:
        settings = self._store.settings
        database = dataclasses.replace(settings.database, url=to)
        target = Store(to, dataclasses.replace(settings, database=database), self._clock)
        try:
            yield target
        finally:
            target.close()

    def _check_target(self, target: Store, mark: moved.Mark | None, *, make: bool) -> bool:
        """Whether everything is there already, from a move that was broken off at its very end."""
        if self._store.is_sqlite and self._store.sqlite_path == target.sqlite_path:
            raise InvalidValue("The database is there already.", hint="Name another: --to URL.")
        with target.look() as conn:
            version = migrate.version(conn)
        if version is None and not make:
            return False
        if version not in (None, migrate.HEAD):
            raise SchemaMismatch(
                f"The database {shown_url(target.url)} has schema {version}, not {migrate.HEAD}. Nothing was moved.",
                hint="Name an empty one.",
            )
        target.prepare()
        with target.look() as conn:
            if mark is not None and _came_from(conn, target) == mark.id:
                return True
            filled = [table.name for table in transfer.tables() if transfer.is_filled(conn, target.dialect, table)]
        if filled:
            raise ImportClash(
                f"The database {shown_url(target.url)} is not empty: {', '.join(filled)}. Nothing was moved.",
                hint="Name an empty one, or empty it: onward db reset --force --database URL.",
            )
        return False

    def _fill(
        self, target: Store, mark: moved.Mark, report: TransferReport, on_rows: Progress, *, is_done: bool
    ) -> None:
        dialect = self._store.dialect
        with self._store.snapshot() as source, target.change() as conn:
            transfer.take_time(conn, target.dialect)
            for table in transfer.tables():
                digest, names = Digest(), plain.column_names(table)
                for rows in transfer.read_table(source, dialect, table):
                    digest.add(rows)
                    if not is_done:
                        transfer.load(conn, target.dialect, table, names, rows)
                    on_rows(table.name, len(rows))
                report.rows[str(table.name)] = digest.rows
                if not is_done and digest != transfer.digest_of(conn, target.dialect, table):
                    raise OnwardError(
                        f"{table.name} differs after the move. Nothing was moved.",
                        hint="This is a fault of onward: please report it with both databases' versions.",
                    )
            if is_done:
                return
            transfer.raise_numbers(conn, target.dialect, transfer.numbers(source, dialect))
            transfer.take_facts(conn, target.dialect, transfer.facts(source, dialect))
            came = {"id": mark.id, "from": shown_url(self._store.url), "at": mark.at}
            facts.set_fact(conn, target.dialect, "moved_from", orjson.dumps(came).decode())
            transfer.lose_workers(conn, target.dialect)

    def _has_arrived(self, target: Store, mark: moved.Mark) -> bool:
        """Whether it is sure or may be that the new database has it all: then this one must stay closed."""
        try:
            with target.look() as conn:
                return _came_from(conn, target) == mark.id
        except StoreUnavailable:
            return True

    def _count(self, report: TransferReport) -> None:
        with self._store.snapshot() as conn:
            for table in transfer.tables():
                report.rows[str(table.name)] = transfer.count(conn, self._store.dialect, table)

    def _take_over(self, target: Store) -> int:
        """Jobs whose workers are elsewhere go on here, each under a new fence."""
        with target.read() as conn:
            lost = workers.orphans(conn, target.dialect)
        rescuer = Rescuer(target, self._clock, self._ids, Bus(), lambda: "", None)
        return sum(rescuer.take_over(worker_id) for worker_id in lost)


def _came_from(conn: Connection, target: Store) -> str | None:
    found = facts.get_fact(conn, target.dialect, "moved_from")
    return orjson.loads(found)["id"] if found is not None else None


def _is_gone(worker: WorkerRecord) -> bool:
    """Whether a worker of this machine has ended without a word; of others nothing is known."""
    there = proof.Identity(worker.host, worker.boot_id, worker.pid_namespace, worker.pid, worker.pid_started)
    return bool(proof.is_gone(there, proof.identity()))
