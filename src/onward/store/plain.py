"""Rows of any table as plain JSON values, the same from both databases, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Boolean, Column, Float, Integer, Table

from onward.store.tables import UtcTime, parse_time, time_text

_TIME_LENGTH = 26


def column_names(table: Table) -> tuple[str, ...]:
    """The columns of a table, in their order."""
    return tuple(str(column.name) for column in table.columns)


def selected(table: Table, names: Iterable[str] | None = None) -> str:
    """The columns of a table as they stand in a SELECT."""
    return ", ".join(f'"{name}"' for name in names or column_names(table))


def plain_reader(table: Table) -> Callable[[Sequence[Any]], list[Any]]:
    """What makes a row of all columns plain: times are text in UTC with microseconds, truth is true or false."""
    takes = [_PLAIN[_kind(column)] for column in table.columns]

    def read(row: Sequence[Any]) -> list[Any]:
        return [value if take is None or value is None else take(value) for take, value in zip(takes, row, strict=True)]

    return read


def plain_writer(table: Table, names: Sequence[str], *, is_sqlite: bool) -> Callable[[Sequence[Any]], list[Any]]:
    """What makes a plain row of these columns fit for the driver."""
    turns = _SQLITE if is_sqlite else _POSTGRESQL
    takes = [turns.get(_kind(table.c[name])) for name in names]

    def write(row: Sequence[Any]) -> list[Any]:
        return [value if take is None or value is None else take(value) for take, value in zip(takes, row, strict=True)]

    return write


def _kind(column: Column[Any]) -> str:
    kind = column.type
    if isinstance(kind, UtcTime):
        return "time"
    if isinstance(kind, Boolean):
        return "truth"
    if isinstance(kind, Float):
        return "float"
    return "integer" if isinstance(kind, Integer) else "text"


def _plain_time(value: Any) -> str:
    if isinstance(value, str):
        # A time that was set by hand may be written more shortly.
        return value if len(value) == _TIME_LENGTH else time_text(parse_time(value))
    return time_text(value)


def _plain_text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


_PLAIN: dict[str, Callable[[Any], Any] | None] = {
    "time": _plain_time, "truth": bool, "float": float, "integer": int, "text": _plain_text,
}  # fmt: skip
_SQLITE: dict[str, Callable[[Any], Any]] = {"truth": int}
_POSTGRESQL: dict[str, Callable[[Any], Any]] = {"time": lambda value: f"{value}+00"}
