"""The places where settings are said: ``.env`` and TOML files, each value with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_ENV_LINE = re.compile(r"\s*(?:export\s+)?(?P<name>\w+)\s*=\s*(?P<value>.*?)\s*")
_TOML_TABLE = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]")
_TOML_KEY = re.compile(r"\s*([\w\-\"'. ]+?)\s*=")

Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """One value as somebody wrote it: under which name, and where."""

    name: str
    value: Any
    where: str


@dataclass(slots=True)
class Place:
    """All that one place says, in its order, and what is wrong there."""

    said: list[Said] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Tree:
    """A configuration file: nested values, and the line of each path."""

    label: str
    values: Mapping[str, Any]
    lines: Mapping[Keys, int]

    def where(self, path: Keys) -> str:
        """``FILE:LINE`` of a path, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.label}:{self.lines[path]}" if path else self.label


class Unreadable(Exception):
    """A file is there but cannot be read; the message says where and why."""


def label_of(path: Path, cwd: Path, home: Path | None) -> str:
    """How a file is named to people: from the working folder or the home folder where it lies there."""
    if path.parent == cwd:
        return f"./{path.name}"
    return f"~/{path.relative_to(home)}" if home and path.is_relative_to(home) else str(path)


def read_text(path: Path, label: str) -> str | None:
    """The file's text; nothing where there is no file."""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{label}: cannot be read ({type(error).__name__})") from None


def read_env_lines(text: str, label: str) -> Iterator[Said]:
    """``NAME=value`` lines; quotes are taken off, ``#`` begins a comment where nothing is quoted.

    Lines of other programs that look different are passed over.
    """
    for number, line in enumerate(text.splitlines(), 1):
        match = _ENV_LINE.fullmatch(line)
        if match is None and line.lstrip().startswith("ONWARD_"):
            raise Unreadable(f"{label}:{number}: expected NAME=value")
        if match:
            yield Said(match["name"], _unquote(match["value"]), f"{label}:{number}")


def _unquote(value: str) -> str:
    if value[:1] in {"'", '"'}:
        return value[1:].partition(value[0])[0]
    return re.split(r"\s#", value, maxsplit=1)[0].rstrip()


def read_toml(text: str, label: str, table: Keys = ()) -> Tree:
    """A TOML file, or one table of it."""
    try:
        values: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Unreadable(_toml_complaint(str(error), label)) from None
    for name in table:
        values = values.get(name, {}) if isinstance(values, Mapping) else {}
    lines = {path[len(table) :]: number for path, number in _toml_lines(text).items() if path[: len(table)] == table}
    return Tree(label, values if isinstance(values, Mapping) else {}, lines)


def _toml_complaint(message: str, label: str) -> str:
    what, _, place = message.partition(" (at ")
    line = re.match(r"line (\d+)", place)
    return f"{label}:{line[1]}: {what}" if line else f"{label}: {what}"


def _toml_lines(text: str) -> dict[Keys, int]:
    lines: dict[Keys, int] = {}
    table: Keys = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TOML_TABLE.match(line):
            table = path = _toml_path(header[1])
        elif key := _TOML_KEY.match(line):
            path = table + _toml_path(key[1])
        else:
            continue
        for length in range(1, len(path) + 1):
            lines.setdefault(path[:length], number)
    return lines


def _toml_path(dotted: str) -> Keys:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
