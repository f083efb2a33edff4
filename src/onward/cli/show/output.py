"""Data on stdout: a table for people, JSON for programs, ids alone for pipes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onward.cli.show import tables
from onward.cli.told import Told, is_terminal
from onward.errors import OnwardError

Record = Mapping[str, Any]


class UnknownColumn(OnwardError):
    """A column that is not there was asked for."""

    code = "column-unknown"
    exit_code = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: the key of the record, its title, and how the value reads.

    ``fixed`` columns are never cut; ids are among them.
    """

    key: str
    title: str = ""
    text: Callable[[Any], str] | None = None
    fixed: bool = True
    style: Callable[[Any], str] | None = None

    @property
    def heading(self) -> str:
        """What stands above."""
        return (self.title or self.key.replace("_", " ")).upper()

    def of(self, record: Record) -> str:
        """The cell."""
        value = dig(record, self.key)
        if self.text is not None:
            return self.text(value)
        return plain(value)


class Output:
    """Where data goes, in the form that was asked for."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self.form = told.form

    def write(self, text: str) -> None:
        """A line of data."""
        print(text, file=sys.stdout)

    def records(
        self,
        records: Iterable[Record],
        columns: Sequence[Column],
        *,
        envelope: Mapping[str, Any] | None = None,
        empty: str = "",
    ) -> None:
        """Many things. ``envelope`` stands around the items in JSON; ``empty`` is said when there are none."""
        if self.form == "jsonl":
            for record in records:
                self.write(dump(self._narrowed(record)))
            return
        listed = list(records)
        if self.form == "json":
            self.write(dump({"items": [self._narrowed(record) for record in listed], **(envelope or {})}, indent=2))
        elif self.form == "ids":
            for record in listed:
                self.write(str(next(iter(record.values()))))
        elif not listed and empty and is_terminal(sys.stdout):
            self.write(empty)
        else:
            self._table(listed, columns)

    def record(self, record: Record, sheet: Sequence[tuple[str, str]] | str) -> None:
        """One thing: as a sheet of names and values for people, or as text that is made already."""
        if self.form == "ids":
            self.write(str(next(iter(record.values()))))
        elif self.form in ("json", "jsonl"):
            self.write(dump(self._narrowed(record), indent=2 if self.form == "json" else None))
        elif self._told.columns:
            self._table([record], ())
        elif isinstance(sheet, str):
            self.write(sheet)
        else:
            self.write(tables.sheet(sheet))

    def _narrowed(self, record: Record) -> Record:
        if not self._told.columns:
            return record
        return {key: dig(record, key) for key in self._chosen(record)}

    def _chosen(self, record: Record) -> list[str]:
        names = [name.strip() for name in (self._told.columns or "").split(",") if name.strip()]
        for name in names:
            if name.partition(".")[0] not in record:
                known = ", ".join(record)
                raise UnknownColumn(f"There is no column {name!r}.", hint=f"Columns: {known}.")
        return names

    def _table(self, records: Sequence[Record], columns: Sequence[Column]) -> None:
        if self._told.columns and records:
            known = {column.key: column for column in columns}
            columns = [known.get(name, Column(name)) for name in self._chosen(records[0])]
        is_for_person = is_terminal(sys.stdout)
        rows = [[column.of(record) for column in columns] for record in records]
        styles = [
            [column.style(dig(record, column.key)) if column.style else "" for column in columns] for record in records
        ]
        text = tables.table(
            [] if self._told.no_header else [column.heading for column in columns],
            rows,
            flexible=[not column.fixed for column in columns],
            width=tables.terminal_width() if is_for_person and not self._told.wide else None,
            styles=styles if self._told.has_color(sys.stdout) else None,
        )
        if text:
            self.write(text)


def dig(record: Record, key: str) -> Any:
    """The value under ``a.b``."""
    value: Any = record
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def plain(value: Any) -> str:
    """A value on one line."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, list | tuple) and all(isinstance(item, str | int) for item in value):
        return ", ".join(str(item) for item in value)
    return dump(value) if isinstance(value, dict | list | tuple) else str(value)


def dump(value: Any, indent: int | None = None) -> str:
    """JSON, with big numbers as they are and letters of all languages."""
    return json.dumps(value, ensure_ascii=False, indent=indent, default=str)
