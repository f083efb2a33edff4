"""Jobs of APScheduler 3, asked of a scheduler object in a running process.

Its job stores are not read: they keep pickles, and reading a pickle runs code. APScheduler counts weekdays from Monday
as 0, where cron counts from Sunday; so numbers become names here.
"""

from __future__ import annotations

import re
from typing import Any

from onward.authoring.imports.findings import Findings, job_type_of, name_of, named
from onward.authoring.registry import JobTypes
from onward.errors import InvalidConfig
from onward.model.schedule_entry import ScheduleEntry

_DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_NTH = {"1st": "1", "2nd": "2", "3rd": "3", "4th": "4", "5th": "5"}
_RANGE = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d+))?")
_HINT = "Name the scheduler of the running module, as module:scheduler; job stores are never read."


def is_source(value: Any) -> bool:
    """Whether a value is a scheduler of APScheduler 3."""
    return callable(getattr(value, "get_jobs", None)) and hasattr(value, "add_job")


def read(scheduler: Any, label: str, job_types: JobTypes | None = None) -> Findings:
    """The jobs of a scheduler; ``label`` says where it is. Raises ``InvalidConfig``."""
    if not is_source(scheduler):
        raise InvalidConfig(f"{label} is no scheduler of APScheduler 3.", hint=_HINT)
    found = Findings()
    for job in scheduler.get_jobs():
        _take(found, job, f"{label} {job.id}", job_types)
    return found


def _take(found: Findings, job: Any, origin: str, job_types: JobTypes | None) -> None:
    reference = str(job.func_ref or getattr(job.func, "__qualname__", job.name))
    job_type = job_type_of(reference, job_types)
    params, problem = named(job_type, tuple(job.args), dict(job.kwargs), job_types)
    when, why = _when(job.trigger)
    if why or problem:
        found.leave(origin, reference, why or problem)
        return
    is_pending = getattr(job, "pending", False)
    found.take(
        ScheduleEntry(
            name=name_of(job.id if len(job.id) < 32 or job.name == job.id else job.name),
            job_type=job_type,
            params=params,
            # A paused job has no next run time; one of a scheduler that was not started has none yet.
            enabled=is_pending or getattr(job, "next_run_time", None) is not None,
            description=f"APScheduler job {job.name}",
            origin=origin,
            **when,
            **_policies(job),
        )
    )


def _policies(job: Any) -> dict[str, Any]:
    """What the job says of missed and overlapping runs; one of a scheduler that was not started says nothing yet."""
    said: dict[str, Any] = {}
    if hasattr(job, "misfire_grace_time"):
        grace = job.misfire_grace_time
        said["misfire_grace_seconds"] = None if grace is None else max(0, int(grace))
    if hasattr(job, "coalesce"):
        said["coalesce"] = bool(job.coalesce)
    if hasattr(job, "max_instances"):
        said["max_instances"] = int(job.max_instances)
    return said


def _when(trigger: Any) -> tuple[dict[str, Any], str]:
    """When a trigger is due, as arguments of a schedule; or why that cannot be said."""
    kind = type(trigger).__name__
    reader = {"CronTrigger": _of_cron, "IntervalTrigger": _of_interval, "DateTrigger": _of_date}.get(kind)
    if reader is None:
        return {}, f"a trigger of the kind {kind} is not known here; write one schedule for each of its parts"
    if getattr(trigger, "end_date", None) is not None:
        return {}, f"it ends at {trigger.end_date:%Y-%m-%d %H:%M}; schedules here have no end"
    when, why = reader(trigger)
    if not why and getattr(trigger, "jitter", None):
        when["jitter_seconds"] = int(trigger.jitter)
    return when, why


def _of_date(trigger: Any) -> tuple[dict[str, Any], str]:
    return {"run_at": trigger.run_date, "timezone": _zone(trigger.run_date.tzinfo)}, ""


def _of_interval(trigger: Any) -> tuple[dict[str, Any], str]:
    seconds = trigger.interval.total_seconds()
    if seconds < 1 or seconds != int(seconds):
        return {}, f"its interval of {seconds:g} s is no whole number of seconds"
    when: dict[str, Any] = {"start_at": trigger.start_date, "timezone": _zone(trigger.timezone)}
    unit = {"interval_minutes": int(seconds) // 60} if seconds % 60 == 0 else {"interval_seconds": int(seconds)}
    return when | unit, ""


def _of_cron(trigger: Any) -> tuple[dict[str, Any], str]:
    fields = {field.name: str(field).lower() for field in trigger.fields}
    for name, plain in (("year", "*"), ("week", "*"), ("second", "0")):
        if fields.get(name, plain) != plain:
            return {}, f"its field {name} is {fields[name]!r}, which cron does not have"
    try:
        day, weekday = _day(fields["day"]), _weekdays(fields["day_of_week"])
    except ValueError as error:
        return {}, str(error)
    if isinstance(day, tuple):
        day, weekday = "*", f"{day[0]}" if weekday == "*" else ""
        if not weekday:
            return {}, "it wants a weekday of the month and a day of the week both to fit"
    if day != "*" and weekday != "*":
        return {}, "APScheduler wants day and day_of_week both to fit, cron either of them; write two schedules"
    when: dict[str, Any] = {
        "cron": f"{fields['minute']} {fields['hour']} {day} {fields['month'].upper()} {weekday}",
        "timezone": _zone(trigger.timezone),
    }
    return (when | {"start_at": trigger.start_date} if trigger.start_date else when), ""


def _day(text: str) -> str | tuple[str]:
    """The field for the day of the month; in a tuple the field for weekdays that stands for it."""
    terms = [term.split() for term in text.split(",")]
    if not any(len(term) == 2 for term in terms):
        return text.replace("last", "L").upper()
    words = []
    for term in terms:
        if len(term) != 2:
            raise ValueError(f"its day {text!r} mixes days and weekdays; write two schedules")
        nth, name = term
        at = _number(name)
        words.append(f"{(at + 1) % 7}L" if nth == "last" else f"{_DAYS[at]}#{_NTH[nth]}")
    return (",".join(words),)


def _weekdays(text: str) -> str:
    """Weekdays by name, whatever they were counted by."""
    if text == "*":
        return text
    days: set[int] = set()
    for term in text.split(","):
        match = _RANGE.fullmatch(term.strip())
        if match is None:
            raise ValueError(f"its day_of_week {text!r} is not understood")
        is_any = match["first"] == "*"
        first = 0 if is_any else _number(match["first"])
        last = 6 if is_any or (match["step"] and not match["last"]) else _number(match["last"] or match["first"])
        days.update(range(first, last + 1, int(match["step"] or 1)))
    return ",".join(_DAYS[day] for day in sorted(days))


def _number(name: str) -> int:
    return int(name) if name.isdigit() else _DAYS.index(name.upper())


def _zone(tzinfo: Any) -> str:
    return str(getattr(tzinfo, "key", None) or getattr(tzinfo, "zone", None) or tzinfo)
