"""The intake of an import: which rows of a file are new here, and as what they are brought in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from onward.engine.export_file import ExportFile
from onward.errors import InvalidExport
from onward.model.transfer import TransferReport
from onward.store import Connection, Store, facts, plain, transfer
from onward.store.tables import metadata

_MERGED = ("workers", "journals", "resources")
"""Tables of which what is there already stays, and nobody minds."""


class Intake:
    """What becomes of the rows of one file in one database."""

    def __init__(self, store: Store, file: ExportFile) -> None:
        self._store = store
        self._file = file
        self._floor = 0
        self._left_out: set[str] = set()
        """Jobs that are not there by their ids, and yet cannot be brought in."""
        self._filled: set[str] = set()

    def look_through(self) -> list[str]:
        """Read all of it, so that it is known to be whole; what of it is there already, in words."""
        clashes: list[str] = []
        with self._store.read() as conn:
            for name, columns, rows in self._file.tables():
                if name not in metadata.tables or set(columns) - set(plain.column_names(metadata.tables[name])):
                    raise InvalidExport(
                        f"{self._file.path} has a table {name!r} with columns that this version does not know. "
                        "Nothing was brought in.",
                        hint="Install the onward that made it, or a newer one.",
                    )
                if rows:
                    clashes += self._clashes(conn, name, [dict(zip(columns, row, strict=True)) for row in rows])
        return clashes

    def _clashes(self, conn: Connection, name: str, rows: Sequence[dict[str, Any]]) -> list[str]:
        dialect, table = self._store.dialect, metadata.tables[name]
        if name in _MERGED or transfer.rising(table):
            return []
        if name == "job_resources":
            return self._places(conn, rows)
        key = transfer.key_of(table)
        if ("job_id" in table.c and name not in ("jobs", "archived_jobs")) or len(key) > 1:
            return []
        there = transfer.known(conn, dialect, name, key[0], [row[key[0]] for row in rows])
        found = [f"{_word(name)} {value}" for value in sorted(there)]
        if name == "jobs":
            found += self._keys(conn, [row for row in rows if row["job_id"] not in there])
        return found

    def _keys(self, conn: Connection, rows: Sequence[dict[str, Any]]) -> list[str]:
        """Idempotency keys that other jobs have; and the children of what is left out are left out too."""
        keys = {row["idempotency_key"]: row["job_id"] for row in rows if row.get("idempotency_key")}
        taken = transfer.known(conn, self._store.dialect, "jobs", "idempotency_key", list(keys)) if keys else set()
        self._left_out.update(keys[key] for key in taken)
        self._left_out.update(row["job_id"] for row in rows if row.get("parent_id") in self._left_out)
        return [f"idempotency key {key} (of another job than {keys[key]})" for key in sorted(taken)]

    def _places(self, conn: Connection, rows: Sequence[dict[str, Any]]) -> list[str]:
        """Places of resources that jobs here have."""
        wanted = [row for row in rows if row.get("slot") is not None]
        if not wanted:
            return []
        taken = transfer.places_taken(conn, self._store.dialect, sorted({row["resource"] for row in wanted}))
        found = []
        for row in wanted:
            holder = taken.get((row["resource"], row["slot"]))
            if holder is not None and holder != row["job_id"]:
                self._left_out.add(row["job_id"])
                found.append(f"resource {row['resource']} (of job {row['job_id']}, and here of {holder})")
        return found

    def load(self, conn: Connection, report: TransferReport, on_rows: Callable[[str, int], object]) -> None:
        """Bring it in."""
        dialect = self._store.dialect
        floor = facts.get_fact(conn, dialect, "fence_floor")
        self._floor = int(floor or 0)
        self._filled = {table.name for table in transfer.tables() if transfer.is_filled(conn, dialect, table)}
        for name, columns, rows in self._file.tables():
            table = metadata.tables[name]
            named = [dict(zip(columns, row, strict=True)) for row in rows]
            taken = self._wanted(conn, name, named) if rows else []
            names = [column for column in columns if not (column == transfer.rising(table) and name in self._filled)]
            transfer.load(conn, dialect, table, names, [[row[column] for column in names] for row in taken])
            report.rows[name] = report.rows.get(name, 0) + len(taken)
            if len(taken) < len(rows):
                report.skipped[name] = report.skipped.get(name, 0) + len(rows) - len(taken)
            on_rows(name, len(rows))
        transfer.take_facts(conn, dialect, self._file.header.facts)
        if not self._filled:
            transfer.raise_numbers(conn, dialect, self._file.header.numbers)

    def _wanted(self, conn: Connection, name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those rows that are to be brought in, as they are to be."""
        dialect, table = self._store.dialect, metadata.tables[name]
        key = transfer.key_of(table)
        if name in self._filled and len(key) == 1 and not transfer.rising(table) and name != "job_runs":
            there = transfer.known(conn, dialect, name, key[0], [row[key[0]] for row in rows])
            if name == "resources":
                for row in rows:
                    if row["name"] in there:
                        transfer.raise_token(conn, dialect, row["name"], row["token"])
            rows = [row for row in rows if row[key[0]] not in there]
        if "job_id" in table.c and name != "archived_jobs":
            rows = self._of_new_jobs(conn, name, rows)
        if name == "workers":
            return [row | {"state": "lost" if row["state"] in ("online", "draining") else row["state"]} for row in rows]
        if name == "jobs":
            return [self._as_new(row) for row in rows]
        return rows

    def _of_new_jobs(self, conn: Connection, name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        ids = {row["job_id"] for row in rows if row["job_id"] is not None}
        there = set(self._left_out)
        if "jobs" in self._filled and name != "jobs":
            there |= transfer.known(conn, self._store.dialect, "jobs", "job_id", sorted(ids))
        return [row for row in rows if row["job_id"] not in there]

    def _as_new(self, row: dict[str, Any]) -> dict[str, Any]:
        """A job: its worker is elsewhere, and its fence is none that was ever used here for this id."""
        fence = max(row["fence"], self._floor) if self._floor else row["fence"]
        owner = None if row["worker_id"] is None else transfer.TAKEN_OVER_FROM
        return row | {"worker_id": owner, "fence": fence}


def _word(table: str) -> str:
    return {"jobs": "job", "archived_jobs": "archived job", "chain_templates": "template"}.get(table, table)
