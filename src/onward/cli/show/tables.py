"""Tables and sheets as text: aligned, never wider than the terminal, ids never cut."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Sequence

_GAP = 2
_LEAST = 8


def terminal_width() -> int:
    """The width of the terminal, or what COLUMNS says."""
    return shutil.get_terminal_size((80, 24)).columns


def cells(text: str) -> int:
    """How many cells of a terminal a text takes."""
    return sum(_cell(char) for char in text)


def _cell(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def cut(text: str, width: int) -> str:
    """At most so many cells; an ellipsis shows that something is missing."""
    if cells(text) <= width:
        return text
    kept, used = [], 0
    for char in text:
        used += _cell(char)
        if used > width - 1:
            break
        kept.append(char)
    return "".join(kept).rstrip() + "…"


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    flexible: Sequence[bool],
    width: int | None,
    styles: Sequence[Sequence[str]] | None = None,
) -> str:
    """Columns side by side; those that are ``flexible`` are cut to fit into ``width`` (None: nothing is cut)."""
    lines = [*([header] if header else []), *rows]
    if not lines:
        return ""
    shown = [[visible(cell) for cell in line] for line in lines]
    widths = [max(cells(line[at]) for line in shown) for at in range(len(lines[0]))]
    if width is not None:
        _narrow(widths, flexible, width)
        shown = [[cut(cell, widths[at]) if flexible[at] else cell for at, cell in enumerate(line)] for line in shown]
    offset = 1 if header else 0
    made = []
    for number, line in enumerate(shown):
        style = styles[number - offset] if styles is not None and number >= offset else [""] * len(line)
        if styles is not None and number < offset:
            style = ["1"] * len(line)
        parts = [_styled(cell, style[at]) + " " * (widths[at] - cells(cell)) for at, cell in enumerate(line)]
        made.append((" " * _GAP).join(parts).rstrip())
    return "\n".join(made)


def _narrow(widths: list[int], flexible: Sequence[bool], width: int) -> None:
    over = sum(widths) + _GAP * (len(widths) - 1) - width
    while over > 0:
        bendable = [at for at, is_flexible in enumerate(flexible) if is_flexible and widths[at] > _LEAST]
        if not bendable:
            return
        widest = max(bendable, key=lambda at: widths[at])
        widths[widest] -= 1
        over -= 1


def _styled(text: str, style: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if style and text else text


def visible(text: str) -> str:
    """A text on one line, in which control characters cannot act on the terminal."""
    return "".join(char if char.isprintable() else "·" if char not in "\n\t" else " " for char in text)


def sheet(rows: Sequence[tuple[str, str]]) -> str:
    """Names and values below each other; a value of several lines is indented."""
    width = max((cells(name) for name, _ in rows), default=0)
    made = []
    for name, value in rows:
        first, *rest = value.splitlines() or [""]
        made.append(f"{name}{' ' * (width - cells(name) + _GAP)}{visible(first)}".rstrip())
        made += [f"{' ' * (width + _GAP)}{visible(line)}".rstrip() for line in rest]
    return "\n".join(made)
