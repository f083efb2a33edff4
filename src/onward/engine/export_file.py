"""An export as a file: JSON Lines, compressed where the name ends in ``.gz``.

The first line says what it is (format, schema, when and from what it was made, facts, numbers). For each table follow a
line with its columns, a line for each row, and a line with their number. The last line has the number of rows of every
table and a digest of all the lines before it, so that a file that is torn or was changed is noticed.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import orjson

from onward.errors import InvalidExport, InvalidValue
from onward.version import __version__

FORMAT = 1
_MAGIC = b"\x1f\x8b"
_ROWS = 200


@dataclass(frozen=True, slots=True)
class Header:
    """What an export says of itself."""

    schema: int
    version: str
    made_at: str
    kind: str
    facts: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)


class ExportWriter:
    """Writes an export beside its place; it stands there only when it is whole and on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, int] = {}
        self._part = path.with_name(path.name + ".part")
        self._digest = hashlib.sha256()
        self._raw: IO[bytes] | None = None
        self._file: IO[bytes] | None = None

    def __enter__(self) -> ExportWriter:
        if self.path.exists():
            raise InvalidValue(f"{self.path} exists already.", hint="Name a new file.")
        if not self.path.absolute().parent.is_dir():
            raise InvalidValue(f"The folder {self.path.absolute().parent} does not exist.", hint="Make it first.")
        # It holds all parameters and results: for its owner only.
        handle = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._raw = os.fdopen(handle, "wb")
        is_packed = self.path.suffix == ".gz"
        self._file = (
            cast("IO[bytes]", gzip.GzipFile(fileobj=self._raw, mode="wb", compresslevel=4)) if is_packed else self._raw
        )
        return self

    def header(self, header: Header) -> None:
        """The first line."""
        self._line(
            {
                "onward_export": FORMAT,
                "schema": header.schema,
                "version": header.version,
                "made_at": header.made_at,
                "kind": header.kind,
                "facts": header.facts,
                "numbers": header.numbers,
            }
        )

    def begin(self, table: str, columns: Sequence[str]) -> None:
        """A table begins."""
        self._line({"table": table, "columns": list(columns)})
        self.rows[str(table)] = 0

    def add(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Rows of it."""
        for row in rows:
            self._line(row)
        self.rows[table] += len(rows)

    def end(self, table: str) -> None:
        """It ends."""
        self._line({"end": table, "rows": self.rows[table]})

    def _line(self, value: Any) -> None:
        if self._file is None:
            raise InvalidValue("The export is closed.")
        data = orjson.dumps(value) + b"\n"
        self._digest.update(data)
        self._file.write(data)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        file, raw = self._file, self._raw
        if file is None or raw is None:
            return
        try:
            if kind is None:
                rows = sum(self.rows.values())
                self._line(
                    {"end": "onward_export", "rows": rows, "tables": self.rows, "sha256": self._digest.hexdigest()}
                )
            if file is not raw:
                file.close()
            raw.flush()
            os.fsync(raw.fileno())
        finally:
            raw.close()
            self._file = None
            if kind is not None:
                self._part.unlink(missing_ok=True)
        if kind is None:
            self._part.replace(self.path)


class ExportFile:
    """A file to be read; every pass over it checks it again. All faults are ``InvalidExport``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header = self._header(next(self._lines(), b""))

    def tables(self) -> Iterator[tuple[str, list[str], list[list[Any]]]]:
        """Table, columns and some of its rows, again and again to the end; only then it is sure to be whole."""
        digest = hashlib.sha256()
        lines = self._lines()
        digest.update(next(lines, b""))
        counts: dict[str, int] = {}
        table: str | None = None
        columns: list[str] = []
        rows: list[list[Any]] = []
        for line in lines:
            value = self._parsed(line)
            if isinstance(value, list):
                if table is None or len(value) != len(columns):
                    raise self._damaged("a row has not the columns of its table")
                rows.append(value)
                counts[table] += 1
                if len(rows) >= _ROWS:
                    yield table, columns, rows
                    rows = []
            elif value.get("end") == "onward_export":
                self._check_end(value, counts, digest.hexdigest())
                return
            elif "table" in value:
                table, columns = str(value["table"]), [str(name) for name in value["columns"]]
                counts[table] = 0
            elif value.get("end") == table and table is not None:
                yield table, columns, rows
                rows = []
                if value.get("rows") != counts[table]:
                    raise self._damaged(f"{table} has {counts[table]:,} rows, not {value.get('rows')}")
                table = None
            else:
                raise self._damaged("a line is out of place")
            digest.update(line)
        raise self._damaged("its end is missing")

    def _check_end(self, value: dict[str, Any], counts: dict[str, int], digest: str) -> None:
        if value.get("tables") != counts or value.get("sha256") != digest:
            raise self._damaged("its contents are not those that it was made with")

    def _header(self, line: bytes) -> Header:
        value = self._parsed(line) if line else {}
        if not isinstance(value, dict) or "onward_export" not in value:
            raise InvalidExport(f"{self.path} is not an export of onward.", hint="onward db export makes one.")
        if value["onward_export"] != FORMAT:
            raise InvalidExport(
                f"{self.path} has format {value['onward_export']}, made by onward {value.get('version')}; "
                f"this is {__version__}, which reads format {FORMAT}.",
                hint="Install the onward that made it, or a newer one.",
            )
        try:
            return Header(
                int(value["schema"]), str(value["version"]), str(value["made_at"]), str(value["kind"]),
                dict(value["facts"]), dict(value["numbers"]),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError):
            raise self._damaged("its first line is not whole") from None

    def _lines(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as raw:
                is_packed = raw.read(2) == _MAGIC
                raw.seek(0)
                file = cast("IO[bytes]", gzip.GzipFile(fileobj=raw, mode="rb")) if is_packed else raw
                for line in file:
                    if not line.endswith(b"\n"):
                        raise self._damaged("its end is missing")
                    yield line
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise self._damaged("its end is missing, or it cannot be unpacked") from None
        except OSError as error:
            raise InvalidExport(f"{self.path} cannot be read: {error.strerror}.") from None

    def _parsed(self, line: bytes) -> Any:
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            value = None
        if not isinstance(value, dict | list):
            raise InvalidExport(f"{self.path} is not an export of onward, or is damaged.", hint=_HINT)
        return value

    def _damaged(self, what: str) -> InvalidExport:
        return InvalidExport(f"{self.path} is damaged: {what}. Nothing was brought in.", hint=_HINT)


_HINT = "Copy it again from where it was made, or make another: onward db export."
