"""Crontabs: the tables of users, and those of the system, which name a user in each line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from onward.authoring.imports.findings import Findings, name_of
from onward.errors import InvalidConfig
from onward.model.schedule_entry import ScheduleEntry

_SETTING = re.compile(r"(?P<name>[A-Za-z_]\w*)\s*=\s*(?P<value>.*)")
_WITHOUT_USE = {"SHELL", "PATH", "HOME", "LOGNAME", "USER", "LANG", "LC_ALL"}
_RUNNERS = {"env", "nice", "ionice", "sudo", "sh", "bash", "python", "python3", "perl", "php", "flock", "timeout"}
MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    expression: str
    command: str
    user: str


def read(path: Path, *, job_type: str | None = None, timezone: str = "UTC", has_users: bool | None = None) -> Findings:
    """The entries of a crontab. Raises ``InvalidConfig`` where it cannot be read.

    Each is a schedule of the job type ``job_type``, or of one named after the command, with the parameter ``command``.
    ``timezone`` is what the machine's cron goes by, until a line ``CRON_TZ=``. ``has_users``: each line names a user;
    by default so for ``/etc/crontab`` and files of ``/etc/cron.d``.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES).decode("utf-8", "replace")
    except OSError as error:
        raise InvalidConfig(f"{path} cannot be read ({type(error).__name__}).", hint="Nothing was imported.") from None
    is_system = path.name == "crontab" or path.parent.name == "cron.d" if has_users is None else has_users
    return read_text(text, str(path), job_type=job_type, timezone=timezone, has_users=is_system)


def read_text(
    text: str, label: str, *, job_type: str | None = None, timezone: str = "UTC", has_users: bool = False
) -> Findings:
    """The entries of a crontab's text; ``label`` is its file."""
    found = Findings()
    for number, raw in enumerate(text.splitlines(), 1):
        line, origin = raw.strip(), f"{label}:{number}"
        setting = _SETTING.fullmatch(line)
        if not line or line.startswith("#"):
            continue
        if setting:
            value = setting["value"].strip().strip("\"'")
            if setting["name"] in ("CRON_TZ", "TZ"):
                timezone = value
            elif setting["name"] not in _WITHOUT_USE:
                found.leave(origin, f"{setting['name']}=…", _why_not(setting["name"]))
            continue
        parts = _parted(line, has_users)
        if parts is None:
            found.leave(origin, line[:80], "it is no line of a crontab: five fields and a command are expected")
            continue
        _take(found, _Line(number, *parts), origin, job_type, timezone)
    return found


def _why_not(name: str) -> str:
    if name == "MAILTO":
        return "nothing is mailed; failed runs are in the log and in the list of jobs"
    return "the environment is the worker's; set it there"


def _parted(line: str, has_users: bool) -> tuple[str, str, str] | None:
    """Expression, command, user."""
    count = 1 if line.startswith("@") else 5
    words = line.split(None, count + has_users)
    if len(words) < count + has_users + 1:
        return None
    return " ".join(words[:count]), words[-1], words[count] if has_users else ""


def _take(found: Findings, line: _Line, origin: str, job_type: str | None, timezone: str) -> None:
    expression, command = line.expression, line.command
    expression = expression.removeprefix("-")  # as SUSE says that no line goes into the system's log
    if re.search(r"(?<!\\)%", command):
        found.leave(origin, f"{expression} {command}"[:80], "`%` hands text to the command; put that into a script")
        return
    if "~" in expression:
        found.leave(origin, f"{expression} {command}"[:80], "`~` is a time by chance; use jitter_seconds")
        return
    name = name_of(_program(command))
    found.take(
        ScheduleEntry(
            name=name,
            job_type=job_type or name,
            cron=expression,
            timezone=timezone,
            params={"command": command.replace("\\%", "%")},
            description=f"From {origin}{f', user {line.user}' if line.user else ''}",
            origin=origin,
        )
    )


def _program(command: str) -> str:
    """What a command runs, without its folder and ending; not the interpreter that runs it."""
    words = list(_plain_words(command))
    for word in words:
        name = Path(word).name
        if name in _RUNNERS or "=" in word or word.startswith("-") or word.isdigit() or name.endswith(".lock"):
            continue
        return Path(name).stem or name
    return words[0] if words else "job"


def _plain_words(command: str) -> Iterator[str]:
    skip_folder = re.sub(r"^\s*cd\s+\S+\s*(&&|;)", "", command)
    yield from (word.strip("\"'();&|") for word in skip_folder.split() if word.strip("\"'();&|"))
