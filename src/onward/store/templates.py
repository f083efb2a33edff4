"""Statements on saved chains."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onward.model.chain import ChainTemplate, JobPhase
from onward.model.codec import decode, encode
from onward.store import rows
from onward.store.dialects import Dialect
from onward.store.tables import chain_templates

_COLUMNS = "name, label, description, phases, version, created_at, updated_at, updated_by"
_SIZE = 4 << 20


def list_templates(conn: Connection, dialect: Dialect) -> list[ChainTemplate]:
    """All saved chains, by name."""
    found = dialect.query(conn, f"SELECT {_COLUMNS} FROM chain_templates", [])
    return sorted(map(_template, found), key=lambda template: template.name)


def get_template(conn: Connection, dialect: Dialect, name: str, *, lock: bool = False) -> ChainTemplate | None:
    """The saved chain of this name, or None; ``lock`` keeps it from others until the transaction ends."""
    sql = f"SELECT {_COLUMNS} FROM chain_templates WHERE name = ?{dialect.lock if lock else ''}"
    found = dialect.query(conn, sql, [name])
    return _template(found[0]) if found else None


def insert_template(conn: Connection, dialect: Dialect, new: ChainTemplate) -> None:
    """Save a chain under a new name."""
    columns = tuple(name.strip() for name in _COLUMNS.split(","))
    at = dialect.time(new.updated_at)
    row = (new.name, new.label, new.description, _listed(new), new.version, at, at, new.updated_by)
    dialect.insert_many(conn, chain_templates, columns, [row])


def update_template(conn: Connection, dialect: Dialect, new: ChainTemplate) -> None:
    """Save another version under a name that is there."""
    keys, sets = ("name",), ("label", "description", "phases", "version", "updated_at", "updated_by")
    at = dialect.time(new.updated_at)
    row = (new.name, new.label, new.description, _listed(new), new.version, at, new.updated_by)
    dialect.update_many(conn, chain_templates, keys, sets, [row])


def delete_template(conn: Connection, dialect: Dialect, name: str) -> None:
    """Delete a saved chain; jobs that were made of it stay."""
    dialect.execute(conn, "DELETE FROM chain_templates WHERE name = ?", [name])


def _listed(template: ChainTemplate) -> str:
    return encode([phase_record(phase) for phase in template.phases], "The phases", _SIZE)


def phase_record(phase: JobPhase) -> dict[str, Any]:
    """A phase as JSON."""
    return {"job_type": phase.type_name, "name": phase.name, "weight": phase.weight, "params": phase.type_params}


def _template(row: Any) -> ChainTemplate:
    phases = tuple(
        JobPhase(item["name"], weight=item["weight"], job_type=item["job_type"], params=item["params"])
        for item in decode(row[3])
    )
    created: datetime = rows.at(row[5])
    return ChainTemplate(row[0], phases, row[1], row[2], row[4], created, rows.at(row[6]), row[7])
