"""Schedules of Celery beat: an application, or the dictionary ``beat_schedule``.

Celery itself is not imported: what is asked of its objects are the attributes that they have.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from onward.authoring.imports.findings import Findings, job_type_of, name_of, named
from onward.authoring.registry import JobTypes
from onward.errors import InvalidConfig
from onward.model.schedule_entry import ScheduleEntry

_FIELDS = ("_orig_minute", "_orig_hour", "_orig_day_of_month", "_orig_month_of_year", "_orig_day_of_week")
_HINT = "Name the Celery application, or its dictionary beat_schedule."


def is_source(value: Any) -> bool:
    """Whether a value is an application of Celery, or a dictionary as beat has it."""
    if isinstance(value, Mapping):
        return bool(value) and all(isinstance(one, Mapping) and "task" in one for one in value.values())
    return hasattr(getattr(value, "conf", None), "beat_schedule")


def read(source: Any, label: str, job_types: JobTypes | None = None, timezone: str | None = None) -> Findings:
    """The entries of an application or dictionary; ``label`` says where they are from. Raises ``InvalidConfig``.

    ``timezone`` is that of the dictionary (else that of Celery's current application); an application has its own.
    """
    if not is_source(source):
        raise InvalidConfig(f"{label} has no schedules of Celery beat.", hint=_HINT)
    conf = getattr(source, "conf", None)
    entries = source if isinstance(source, Mapping) else source.conf.beat_schedule
    zone = timezone if conf is None else str(conf.timezone or "UTC")
    found = Findings()
    for name, entry in (entries or {}).items():
        _take(found, str(name), entry, f"{label} {name}", job_types, zone)
    return found


def _take(
    found: Findings, name: str, entry: Any, origin: str, job_types: JobTypes | None, timezone: str | None
) -> None:
    task = str(entry.get("task", ""))
    job_type = job_type_of(task, job_types)
    params, problem = named(job_type, tuple(entry.get("args") or ()), entry.get("kwargs") or {}, job_types)
    when, why = _when(entry.get("schedule"), timezone)
    if why or problem:
        found.leave(origin, task or name, why or problem)
        return
    options = sorted(entry.get("options") or {})
    if options:
        found.leave(
            origin, f"options {', '.join(options)}", "they belong to the job type: @app.job(queue=…, timeout=…)"
        )
    found.take(
        ScheduleEntry(
            name=name_of(name),
            job_type=job_type,
            params=params,
            description=f"Celery task {task}",
            origin=origin,
            **when,
        )
    )


def _when(schedule: Any, timezone: str | None) -> tuple[dict[str, Any], str]:
    """When an entry is due, as arguments of a schedule; or why that cannot be said."""
    if all(hasattr(schedule, name) for name in _FIELDS):
        return _of_crontab(schedule, timezone)
    if type(schedule).__name__ == "solar":
        return {}, "it goes by the sun; no schedule here does"
    pause = getattr(schedule, "run_every", schedule)
    if isinstance(pause, int | float) and not isinstance(pause, bool):
        pause = timedelta(seconds=pause)
    if not isinstance(pause, timedelta):
        return {}, f"a schedule of the kind {type(schedule).__name__} is not known"
    seconds = pause.total_seconds()
    if seconds < 1 or seconds != int(seconds):
        return {}, f"its interval of {seconds:g} s is no whole number of seconds"
    if seconds % 60 == 0:
        return {"interval_minutes": int(seconds) // 60}, ""
    return {"interval_seconds": int(seconds)}, ""


def _of_crontab(schedule: Any, timezone: str | None) -> tuple[dict[str, Any], str]:
    minute, hour, day, month, weekday = (_field(getattr(schedule, name)) for name in _FIELDS)
    if not day.startswith("*") and not weekday.startswith("*"):
        return {}, "Celery wants day_of_month and day_of_week both to fit, cron either of them; write two schedules"
    own = getattr(schedule, "tz", None)
    zone = timezone or str(getattr(own, "key", None) or own or "UTC")
    return {"cron": f"{minute} {hour} {day} {month} {weekday}", "timezone": zone}, ""


def _field(value: Any) -> str:
    if isinstance(value, set | frozenset | list | tuple):
        return ",".join(str(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value))
    return str(value).replace(" ", "")
