"""The door to the tables: a connection from whoever has one, and the schema made before its first use."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from sqlalchemy import Connection

from onward.catalogue.memory.outside import schema

Connect = Callable[[], contextlib.AbstractContextManager[Connection]]
"""Gives a connection in a transaction: ``app.connect``, ``ctx.transaction``, or an engine's ``begin``."""


class Door:
    """Opens transactions on a database in which the tables are."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._is_prepared = False

    @contextlib.contextmanager
    def open(self) -> Iterator[Connection]:
        """One transaction, committed at the end."""
        with self._connect() as conn:
            if not self._is_prepared:
                schema.prepare(conn)
            yield conn
        self._is_prepared = True
