"""Schedules in a file: ``scheduler.jobs.NAME`` in YAML or TOML, each entry checked, every problem said at once.

An entry has the policies of a schedule; every other key is a parameter of its job, or stands below ``params``. The file
is one of its own, in which other top-level keys are somebody else's, or the project's ``onward.toml`` or ``.yaml``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from onward.authoring import strict_yaml
from onward.authoring.registry import JobTypes
from onward.errors import InvalidConfig, InvalidParams, InvalidSchedule, InvalidValue, OnwardError, UnknownJobType
from onward.model import codec
from onward.model.cron import Cron
from onward.model.schedule_entry import ScheduleEntry
from onward.model.zones import zone
from onward.settings.places import Unreadable, read_toml

PROJECT_FILES = ("onward.toml", "onward.yaml", "onward.yml")
DEFAULT_CRON = "0 2 * * *"
"""When an entry that does not say when is due."""
_ENABLED_UNSAID = {"vault_sync"}
_LONGEST_NAME = 200
_JOBS = ("scheduler", "jobs")
_WHEN = ("cron", "interval_minutes", "interval_seconds", "run_at")
_NOTHING = "No schedule was changed."

Read = Callable[[Any], Any]


def read(path: str | Path, job_types: JobTypes | None = None) -> list[ScheduleEntry]:
    """The entries of a file, in its order; none where a project file has no ``scheduler.jobs``.

    With ``job_types`` the types and their parameters are checked, too. Raises ``InvalidConfig`` with every problem,
    each with file, line and key.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            text = file.read(strict_yaml.MOST_BYTES + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _refused([f"{path}: cannot be read ({type(error).__name__})."]) from None
    return read_text(text, str(path), job_types)


def read_text(text: str, label: str, job_types: JobTypes | None = None) -> list[ScheduleEntry]:
    """The entries of a text; ``label`` is its file, and says whether it is TOML. Raises ``InvalidConfig``."""
    reader = _Reader(label, job_types)
    try:
        values = reader.values(text)
    except strict_yaml.YamlProblem as error:
        raise _refused([f"{label}:{line}: {said}." for line, said in error.problems]) from None
    except Unreadable as error:
        raise _refused([f"{error}."]) from None
    entries = [entry for name, body in reader.jobs(values) if (entry := reader.entry(name, body))]
    if reader.problems:
        raise _refused(reader.problems)
    return entries


def write_text(entries: Sequence[ScheduleEntry]) -> str:
    """The YAML of entries, as ``read_text`` reads it; what is as by default is left out."""
    import yaml  # noqa: PLC0415 - the parser is not cheap, and few write a file

    jobs: dict[str, dict[str, Any]] = {}
    for entry in entries:
        plain = ScheduleEntry(name=entry.name, job_type=entry.name)
        said = {key: value for key, value in entry.arguments().items() if key not in ("name", "params")}
        body = {key: value for key, value in said.items() if key == "enabled" or value != getattr(plain, key)}
        body |= {key: value.isoformat() for key, value in body.items() if isinstance(value, datetime)}
        jobs[entry.name] = body | ({"params": entry.params} if entry.params else {})
    text: str = yaml.safe_dump({"scheduler": {"jobs": jobs}}, sort_keys=False, allow_unicode=True, width=100)
    return text


def project_file(folder: Path) -> Path | None:
    """The project's configuration file, in which ``scheduler.jobs`` may stand."""
    return next((folder / name for name in PROJECT_FILES if (folder / name).is_file()), None)


def _refused(problems: list[str]) -> InvalidConfig:
    first = problems[0] if len(problems) == 1 else f"{len(problems)} things are wrong: {' '.join(problems)}"
    return InvalidConfig(first, hint=_NOTHING, problems=tuple(problems))


@dataclass(slots=True)
class _Reader:
    label: str
    job_types: JobTypes | None
    problems: list[str] = field(default_factory=list)
    lines: Mapping[tuple[str, ...], int] = field(default_factory=dict)

    def values(self, text: str) -> Any:
        if len(text) > strict_yaml.MOST_BYTES:
            raise Unreadable(f"{self.label}: longer than {strict_yaml.MOST_BYTES:,} bytes")
        if self.label.lower().endswith(".toml"):
            try:
                tree = read_toml(text, self.label)
            except (RecursionError, ValueError) as error:
                raise Unreadable(f"{self.label}: {type(error).__name__}: {error}") from None
            self.lines = tree.lines
            return tree.values
        values, self.lines = strict_yaml.read(text)
        return values

    def jobs(self, values: Any) -> Iterator[tuple[str, Any]]:
        """Each name with what stands below it."""
        for depth, key in enumerate(_JOBS):
            if isinstance(values, Mapping) and key not in values and not self._is_project_file:
                near = get_close_matches(key, [str(name) for name in values], n=1)
                said = f" Did you mean it by `{near[0]}`?" if near else ""
                self._problem(_JOBS[:depth], f"has no `{key}`: schedules stand below `scheduler: jobs:`.{said}")
                return
            if values is not None and not isinstance(values, Mapping):
                self._problem(_JOBS[:depth], f"is {_kind(values)}, expected a mapping.")
                return
            values = (values or {}).get(key)
        if values is not None and not isinstance(values, Mapping):
            self._problem(_JOBS, f"is {_kind(values)}, expected a mapping of names.")
            return
        yield from ((str(name), body) for name, body in (values or {}).items())

    def entry(self, name: str, body: Any) -> ScheduleEntry | None:
        """One entry, or None with what is wrong noted."""
        before = len(self.problems)
        path = (*_JOBS, name)
        if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
            self._problem(path, "is no name: use 1 to 200 printable characters.")
        if body is not None and not isinstance(body, Mapping):
            self._problem(path, f'is {_kind(body)}, expected a mapping such as `cron: "0 2 * * *"`.')
            return None
        said, params = self._sorted(path, body or {})
        self._check_when(path, said)
        job_type = said.pop("job_type", name)
        is_usual = name in _ENABLED_UNSAID or job_type in _ENABLED_UNSAID
        enabled = said.pop("enabled", is_usual)
        self._check_job(path, job_type, params)
        if len(self.problems) > before:
            return None
        origin = f"{self.label}:{self.lines.get(path, 1)}"
        return ScheduleEntry(name=name, job_type=job_type, params=params, enabled=enabled, origin=origin, **said)

    def _sorted(self, path: tuple[str, ...], body: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Policies of the schedule, read, and parameters of the job."""
        said: dict[str, Any] = {}
        params: dict[str, Any] = {}
        for key, value in body.items():
            if key in _KEYS:
                try:
                    said.update(_KEYS[key](value))
                except _Wrong as wrong:
                    self._problem((*path, key), f"is {_shown(value)}, expected {wrong}.")
            elif key == "params" and isinstance(value, Mapping):
                for inner in value.keys() & (body.keys() - {"params"} - _KEYS.keys()):
                    self._problem((*path, "params", inner), "is said twice, here and beside `params`.")
                params |= value
            else:
                self._look_for_misspelling(path, key)
                params[key] = value
        for key, value in params.items():
            self._check_json(path, key, value)
        return said, params

    def _look_for_misspelling(self, path: tuple[str, ...], key: str) -> None:
        near = get_close_matches(key.lower(), [name for name in _KEYS if name != key], n=1, cutoff=0.75)
        if near and not self._is_parameter(path, key):
            said = (
                f"is not a key of a schedule. Did you mean `{near[0]}`? If the job has such a parameter, put it below"
            )
            self._problem((*path, key), f"{said} `params`.")

    def _is_parameter(self, path: tuple[str, ...], key: str) -> bool:
        name = path[-1]
        return bool(
            self.job_types and name in self.job_types and key in self.job_types.get(name).params_model.model_fields
        )

    def _check_json(self, path: tuple[str, ...], key: str, value: Any) -> None:
        where = (*path, key) if (*path, key) in self.lines else (*path, "params", key)
        try:
            codec.encode({key: value}, key, strict_yaml.MOST_BYTES)
        except InvalidValue as error:
            self._problem(where, f"cannot be kept: {error}")

    def _check_when(self, path: tuple[str, ...], said: dict[str, Any]) -> None:
        if (*path, "coalesce") in self.lines and (*path, "catch_up") in self.lines:
            self._problem((*path, "catch_up"), "is said beside `coalesce`: they are two words for one thing, keep one.")
        given = [key for key in _WHEN if said.get(key) is not None]
        if len(given) > 1:
            self._problem((*path, given[1]), f"is said beside `{given[0]}`: keep one of them.")
        if not given:
            said["cron"] = DEFAULT_CRON
        timezone = said.get("timezone", "UTC")
        try:
            zone(timezone)
        except InvalidSchedule as error:
            self._problem((*path, "timezone"), str(error).removeprefix("timezone: "))
            return
        if "cron" in given:
            try:
                said["cron"] = Cron.parse(said["cron"], timezone).expression
            except InvalidSchedule as error:
                self._problem((*path, "cron"), str(error))

    def _check_job(self, path: tuple[str, ...], job_type: str, params: dict[str, Any]) -> None:
        if self.job_types is None:
            return
        try:
            found, given = self.job_types.resolve_with(job_type, params)
            found.validate(given)
        except InvalidParams as error:
            for one in error.errors:
                self._problem((*path, *one["field"].split(".")), f"{one['message']}. {error.hint}")
        except UnknownJobType as error:
            key = "job_type" if (*path, "job_type") in self.lines else ""
            self._problem((*path, key) if key else path, str(error))
        except OnwardError as error:
            self._problem(path, str(error))

    @property
    def _is_project_file(self) -> bool:
        return Path(self.label).name in PROJECT_FILES

    def _problem(self, path: tuple[str, ...], said: str) -> None:
        at = path
        while at and at not in self.lines:
            at = at[:-1]
        place = f"{self.label}:{self.lines[at]}" if at else self.label
        self.problems.append(f"{place}: {'.'.join(path) or 'the file'} {said}")


class _Wrong(ValueError):
    """What was expected."""


def _shown(value: Any) -> str:
    """A value as it is shown in a complaint: short, and never more than a glance at it."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _kind(value: Any) -> str:
    return {list: "a list", str: "a text", bool: "true or false"}.get(type(value), f"a {type(value).__name__}")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Wrong("a text in quotes")
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Wrong("a name")
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong("true or false")
    return value


def _whole(least: int, most: int | None = None) -> Read:
    def read_whole(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least or value > (most or value):
            raise _Wrong(f"a whole number from {least}{f' to {most:,}' if most else ''}")
        return value

    return read_whole


def _choice(*words: str) -> Read:
    def read_choice(value: Any) -> str:
        if value not in words:
            raise _Wrong(f"{', '.join(words[:-1])} or {words[-1]}")
        return str(value)

    return read_choice


def _time(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        at = None
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise _Wrong("a time with its offset, such as 2026-12-01T02:00:00Z")
    return at


def _or_none(reader: Read) -> Read:
    return lambda value: None if value is None else reader(value)


def _plain(name: str, reader: Read) -> Read:
    return lambda value: {name: reader(value)}


_LONGEST = 366 * 24 * 3600 * 10
_KEYS: dict[str, Read] = {
    name: _plain(name, reader)
    for name, reader in {
        "job_type": _name,
        "enabled": _truth,
        "cron": _or_none(_text),
        "interval_minutes": _or_none(_whole(1, _LONGEST // 60)),
        "interval_seconds": _or_none(_whole(1, _LONGEST)),
        "run_at": _or_none(_time),
        "start_at": _or_none(_time),
        "timezone": _name,
        "description": _text,
        "bot_id": _or_none(_name),
        "source_id": _or_none(_name),
        "misfire_grace_seconds": _or_none(_whole(0)),
        "coalesce": _truth,
        "max_instances": _whole(1),
        "max_catch_up": _whole(1, 10_000),
        "overlap": _choice("skip", "queue", "cancel_running"),
        "jitter_seconds": _whole(0, 86_400),
    }.items()
}
_KEYS["catch_up"] = lambda value: {"coalesce": _choice("latest", "all")(value) == "latest"}
