"""The room of the database: its schema, its health, and taking everything in it along."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from onward.engine.mover import Mover
from onward.model.transfer import TransferReport
from onward.store import Store, counting, migrate

Progress = Callable[[str, int], object]


def _quiet(table: str, count: int) -> None:
    """Tell nobody."""


class Database:
    """The database itself: its schema and its health."""

    def __init__(self, store: Store, mover: Mover) -> None:
        self._store = store
        self._mover = mover

    def ping(self) -> None:
        """Return when the database has answered. Raises ``StoreUnavailable``."""
        with self._store.read() as conn:
            self._store.dialect.query(conn, "SELECT 1", [])

    def upgrade(self) -> tuple[int, int]:
        """Make or bring forward the schema; (version before, version now)."""
        return self._store.upgrade()

    def version(self) -> int | None:
        """The schema's version, None for an empty database."""
        with self._store.look() as conn:
            return migrate.version(conn)

    def status(self) -> dict[str, Any]:
        """Address, schema version, library, size in bytes and rows of each table."""
        return counting.status(self._store)

    def check(self) -> list[str]:
        """What is wrong with it; an empty list when nothing is."""
        return counting.check(self._store)

    def reset(self) -> None:
        """Delete every table with everything in it, and make them anew."""
        migrate.drop_all(self._store.engines)
        migrate.upgrade(self._store.engines)

    def query(self, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run one statement of SQL: names of columns, and rows."""
        return counting.run_sql(self._store, sql)

    def backup(self, path: Path) -> None:
        """Copy a SQLite database to another file while it is in use."""
        counting.backup(self._store, path)

    def export(self, path: str | Path, *, on_rows: Progress | None = None) -> TransferReport:
        """Write everything, as it is at one moment, into a new file; compressed if its name ends in ``.gz``.

        Jobs may go on meanwhile. ``on_rows(table, count)`` is called now and then. Raises ``InvalidValue`` when the
        file is there already.
        """
        return self._mover.export(Path(path), on_rows or _quiet)

    def import_(
        self, path: str | Path, *, on_clash: Literal["refuse", "skip"] = "refuse", on_rows: Progress | None = None
    ) -> TransferReport:
        """Bring everything of an export in, or nothing.

        What is there already is refused before anything is written (``ImportClash`` lists it), or passed over with all
        that belongs to it (``on_clash="skip"``). Jobs that a worker had go on here from their checkpoints, under a new
        fence. Raises ``InvalidExport`` for a file that is damaged, torn, or of a newer version.
        """
        return self._mover.import_(Path(path), on_clash, on_rows or _quiet)

    def move(
        self, to: str, *, dry_run: bool = False, force: bool = False, on_rows: Progress | None = None
    ) -> TransferReport:
        """Move everything to the empty database at the address ``to``, and compare it there.

        This database stays as it is but is marked: whoever uses it gets ``DatabaseMoved``, which names the new place.
        Broken off, the same call goes on. ``force`` moves although workers are online (else ``WorkersOnline``); their
        jobs go on in the new place from their last checkpoints. Raises ``ImportClash`` when the target is not empty.
        """
        return self._mover.move(to, dry_run=dry_run, force=force, on_rows=on_rows or _quiet)

    def reopen(self) -> bool:
        """Take the mark of a move away, so that this database is worked on again; whether there was one.

        What was done in the new place meanwhile is not here.
        """
        return self._mover.reopen()

    def moved_to(self) -> str | None:
        """Where everything was moved, or is being moved; None for a database that is in use."""
        mark = self._mover.mark()
        return mark.to if mark else None
