"""Time zones by their names in the time zone database."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from importlib import metadata
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, available_timezones

from onward.errors import InvalidSchedule

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")
_REFUSED = {"localtime", "posixrules", "factory", "right", "posix"}
_HINT = "Use a name such as `Europe/Berlin` or `UTC`."


def zone(name: str) -> ZoneInfo:
    """The time zone of this name. Raises ``InvalidSchedule``, with near names.

    What means something else on each machine (``localtime``) or counts leap seconds (``right/…``) is refused.
    """
    if not _NAME.fullmatch(name) or _is_refused(name):
        raise _unknown(name)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not there, a folder, or not a zone's file
        raise _unknown(name) from None


def database_version() -> str:
    """The version of the time zone database, and where it is from: ``2026a (/usr/share/zoneinfo)``."""
    for folder in TZPATH:
        version = _version_in(Path(folder))
        if version:
            return f"{version} ({folder})"
    return f"{metadata.version('tzdata')} (package tzdata)"


def _version_in(folder: Path) -> str:
    """The version of a folder of zones; empty where there are no zones or nothing tells their version."""
    for name in ("+VERSION", "tzdata.zi", "version"):
        try:
            with (folder / name).open("rb") as file:
                line = file.readline(80).decode("ascii", "replace").removeprefix("# version").strip()
        except OSError:
            continue
        if line:
            return line
    return "unknown version" if (folder / "Europe").is_dir() else ""


def _is_refused(name: str) -> bool:
    return name.split("/", 1)[0].lower() in _REFUSED


def _unknown(name: str) -> InvalidSchedule:
    known = _names()
    near = get_close_matches(name.lower().replace(" ", "_"), known, n=3, cutoff=0.6)
    near += [key for key in known if key.rsplit("/", 1)[-1] == name.lower() and key not in near]
    shown = " or ".join(f"`{known[key]}`" for key in near[:3])
    hint = f"Did you mean {shown}?" if near else _HINT
    return InvalidSchedule(f"timezone: there is no time zone {name[:80]!r}.", hint=hint)


@cache
def _names() -> dict[str, str]:
    """The names by their lower-case form."""
    return {key.lower(): key for key in sorted(available_timezones()) if not _is_refused(key)}
