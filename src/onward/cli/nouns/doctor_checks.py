"""What the doctor looks at from the command line: first the settings, then what every application is looked at for."""

from __future__ import annotations

from collections.abc import Iterator

from onward.cli.here import Here
from onward.cli.target import database_line
from onward.errors import InvalidConfig
from onward.records.health import FAIL, OK, WARN, Finding, findings

__all__ = ["FAIL", "OK", "WARN", "Finding", "examine"]


def examine(here: Here) -> Iterator[Finding]:
    """All checks; without settings the rest cannot be looked at."""
    try:
        settings = here.settings
    except InvalidConfig as error:
        yield Finding("settings", FAIL, "; ".join(error.problems), "onward config validate")
        return
    changed = sum(1 for item in settings.origins() if item.origin != "default")
    yield Finding("settings", OK, f"valid, {changed} changed")
    yield from findings(here.local, database_line(here.local, here.told))
