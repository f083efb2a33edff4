"""The mark of a database whose contents were moved elsewhere: it says where, and triggers refuse every write.

A process that has looked at the mark before it was there is stopped by the triggers, and so is an older version and
whoever writes by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, inspect

from onward.errors import DatabaseMoved
from onward.store import facts
from onward.store.dialects import Dialect
from onward.store.tables import metadata

SIGN = "onward-moved: "
_KEY = "moved"


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the contents went or are going (``state`` is ``moving`` or ``moved``), and under which id."""

    state: str
    to: str
    id: str
    at: str

    @property
    def text(self) -> str:
        """What happened, in a sentence."""
        if self.state == "moved":
            return f"This database was moved to {self.to} on {self.at[:10]}."
        return f"This database is being moved to {self.to}, since {self.at[:16]} UTC."

    @property
    def hint(self) -> str:
        """What to do."""
        if self.state == "moved":
            return f"Use {self.to}. To work here again all the same: onward db move --back."
        return "If that was broken off, run the same `onward db move` again, or onward db move --back."


def read(conn: Connection, dialect: Dialect) -> Mark | None:
    """The mark, or None."""
    found = facts.get_fact(conn, dialect, _KEY)
    return Mark(**orjson.loads(found)) if found is not None else None


def look(conn: Connection, dialect: Dialect) -> Mark | None:
    """The same of a database that may have no tables yet."""
    return read(conn, dialect) if inspect(conn).has_table(facts.META) else None


def refuse(conn: Connection, dialect: Dialect) -> None:
    """Raise ``DatabaseMoved`` where there is a mark."""
    mark = read(conn, dialect)
    if mark is not None:
        raise DatabaseMoved(mark.text, hint=mark.hint)


def refused(text: str) -> DatabaseMoved | None:
    """The error for what a trigger has said, or None where it was none of ours."""
    _, sign, rest = text.partition(SIGN)
    if not sign:
        return None
    return DatabaseMoved(rest.partition("\n")[0].strip(), hint="See: onward db status.")


def set_mark(conn: Connection, dialect: Dialect, mark: Mark) -> None:
    """Write the mark and have triggers refuse every write but of the facts."""
    fields = {"state": mark.state, "to": mark.to, "id": mark.id, "at": mark.at}
    facts.set_fact(conn, dialect, _KEY, orjson.dumps(fields).decode())
    _drop_triggers(conn, dialect)
    says = (SIGN + mark.text).replace("'", "''")
    if dialect.name == "postgresql":
        says = says.replace("%", "%%")
        _run(
            conn,
            "CREATE OR REPLACE FUNCTION onward_moved() RETURNS trigger LANGUAGE plpgsql AS $onward$ "
            f"BEGIN RAISE EXCEPTION '{says}'; END $onward$",
        )
    for name in _names():
        if dialect.name == "postgresql":
            _run(
                conn,
                f'CREATE TRIGGER onward_moved BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON "{name}" '
                "FOR EACH STATEMENT EXECUTE FUNCTION onward_moved()",
            )
            continue
        for act in ("INSERT", "UPDATE", "DELETE"):
            _run(
                conn,
                f'CREATE TRIGGER "onward_moved_{name}_{act}" BEFORE {act} ON "{name}" '
                f"BEGIN SELECT RAISE(ABORT, '{says}'); END",
            )


def take_mark_away(conn: Connection, dialect: Dialect) -> None:
    """Let the database be worked on again."""
    _drop_triggers(conn, dialect)
    if dialect.name == "postgresql":
        _run(conn, "DROP FUNCTION IF EXISTS onward_moved()")
    facts.drop_fact(conn, dialect, _KEY)


def _drop_triggers(conn: Connection, dialect: Dialect) -> None:
    for name in _names():
        if dialect.name == "postgresql":
            _run(conn, f'DROP TRIGGER IF EXISTS onward_moved ON "{name}"')
        else:
            for act in ("INSERT", "UPDATE", "DELETE"):
                _run(conn, f'DROP TRIGGER IF EXISTS "onward_moved_{name}_{act}"')


def _names() -> list[str]:
    return [name for name in sorted(metadata.tables) if name != facts.META]


def _run(conn: Connection, sql: str) -> None:
    cursor: Any = conn.connection.cursor()
    cursor.execute(sql)
