"""What becomes of the due times of a schedule: which are started, which are not and why, and what is due next.

Pure, so that it can be asked for any time: downtimes, clocks that jump, days on which clocks change.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from onward.errors import InvalidSchedule
from onward.model.ages import length_text
from onward.model.rule import Rule, jitter, latest
from onward.model.schedule import Schedule

LISTED = 1000
"""Due times of one schedule that are told one by one after a time without a scheduler; older ones are told together."""


_TICK = timedelta(microseconds=1)


class Reason(StrEnum):
    """Why a start did not happen."""

    MISSED = "missed"
    FOLDED = "folded"
    OVER_LIMIT = "over_limit"
    STILL_RUNNING = "still_running"
    WAITING_FOR_RESOURCE = "waiting_for_resource"
    PAUSED = "paused"
    AUTOMATION_PAUSED = "automation_paused"
    SKIPPED_BY_HAND = "skipped_by_hand"
    NOTHING_TO_DO = "nothing_to_do"
    NO_BOTS = "no_bots"
    CANNOT_START = "cannot_start"


@dataclass(frozen=True, slots=True)
class Choice:
    """What becomes of one due time: a start, or the reason why there is none, with its sentence."""

    due_at: datetime
    reason: Reason | None = None
    text: str = ""
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is due next: the due time, and when it is to be started; None where nothing is due any more."""

    due_at: datetime | None
    next_run_at: datetime | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The choices of one look at a schedule, in the order of their due times, and the plan after them."""

    choices: list[Choice] = field(default_factory=list)
    plan: Plan = Plan(None, None)
    is_pause_over: bool = False


def plan_of(schedule: Schedule, rule: Rule, after: datetime) -> Plan:
    """What is due next, strictly after a time."""
    return _planned(schedule, rule.next_after(after))


def planned(schedule: Schedule, now: datetime, rule: Rule | None = None) -> Schedule:
    """The schedule as it is when it is planned anew, after ``now``: its next time, or why there is none.

    ``rule``: that of the schedule, where it was checked before.
    """
    created = schedule.created_at or now
    anchor = schedule.start_at or schedule.anchor_at or created
    try:
        plan = plan_of(schedule, rule or schedule.check(anchor), now)
    except InvalidSchedule as error:
        return replace(
            schedule, fault=str(error), due_at=None, planned_at=None, next_run_at=None, anchor_at=anchor,
            created_at=created,
        )  # fmt: skip
    return replace(
        schedule,
        anchor_at=anchor,
        created_at=created,
        fault=None,
        due_at=plan.due_at,
        planned_at=plan.next_run_at,
        next_run_at=plan.next_run_at,
        ended_at=now if plan.due_at is None else None,
    )


def decide(schedule: Schedule, rule: Rule, now: datetime, everything_paused: str | None = None) -> Verdict:
    """What becomes of all that is due by now. ``everything_paused``: why nothing is started by any schedule."""
    choices: list[Choice] = []
    first = schedule.due_at
    by_hand = schedule.next_run_at if schedule.is_by_hand else None
    if by_hand is not None:
        if by_hand > now:
            return Verdict([], Plan(schedule.due_at, by_hand))
        choices.append(Choice(by_hand))
        if first is None:
            first = rule.next_after(now)
        elif first <= by_hand:
            # It was put off: what its rule says before that is not due.
            first = rule.next_after(by_hand)
        elif rule.next_after(first - _TICK) != first:
            # The rule was changed, too.
            first = rule.next_after(now)
    due, after = _passed(schedule, rule, first, now)
    regular, untold = _judged(schedule, due, now)
    choices = untold + choices + regular
    plan = _planned(schedule, after)
    choices = [_paused(schedule, choice, now, everything_paused) for choice in choices]
    next_at = _next_possible(schedule, rule, plan)
    told = [Choice(choice.due_at, choice.reason, choice.text, next_at if choice.reason else None) for choice in choices]
    is_over = schedule.is_paused and schedule.paused_until is not None and schedule.paused_until <= now
    return Verdict(told, plan, is_over)


def overlap(schedule: Schedule, active: int) -> str:
    """What becomes of a start while so many jobs of the schedule are active: start, skip, queue or cancel."""
    if active < schedule.max_instances:
        return "start"
    return {"skip": "skip", "queue": "queue"}.get(schedule.overlap, "cancel")


def _planned(schedule: Schedule, due_at: datetime | None) -> Plan:
    if due_at is None:
        return Plan(None, None)
    return Plan(due_at, due_at + jitter(schedule.id, due_at, schedule.jitter_seconds))


def _passed(
    schedule: Schedule, rule: Rule, first: datetime | None, now: datetime
) -> tuple[list[datetime], datetime | None]:
    """The due times whose start is due by now, and the one after them. Of very many, the first and the last ones."""
    most = max(LISTED, schedule.max_catch_up)
    found: list[datetime] = []
    at = first
    while at is not None and at + jitter(schedule.id, at, schedule.jitter_seconds) <= now:
        if len(found) == most:
            # So long was nobody here: the last ones count, and they are found from the end.
            horizon = now - timedelta(seconds=schedule.jitter_seconds)
            recent = latest(rule, found[1], horizon, most) if at <= horizon else found[1:]
            found = [found[0], *recent]
            at = rule.next_after(found[-1])
            # Jitter alone is what may be left: less than that of the last ones.
            most += len(found)
            continue
        found.append(at)
        at = rule.next_after(at)
    return found, at


def _judged(schedule: Schedule, due: list[datetime], now: datetime) -> tuple[list[Choice], list[Choice]]:
    """Late ones are missed; of the rest the last one is started, or as many as may be caught up."""
    most = max(LISTED, schedule.max_catch_up)
    together: list[Choice] = []
    if len(due) > most:
        first, due = due[0], due[-most:]
        text = (
            f"Nobody looked for a long time: all due times from {_said(first)} until before {_said(due[0])} are missed."
        )
        if first < due[0]:
            together = [Choice(first, Reason.MISSED, text)]
    choices: list[Choice] = []
    in_time: list[datetime] = []
    for at in due:
        late = (now - at - jitter(schedule.id, at, schedule.jitter_seconds)).total_seconds()
        grace = schedule.misfire_grace_seconds
        if grace is not None and late > grace and not _is_paused_at(schedule, at):
            text = f"Missed: {length_text(late)} late, and its grace is {length_text(grace)}."
            choices.append(Choice(at, Reason.MISSED, text))
        else:
            in_time.append(at)
    startable = [at for at in in_time if not _is_paused_at(schedule, at)]
    kept = set(startable[-1:] if schedule.coalesce else startable[-schedule.max_catch_up :])
    for at in in_time:
        if at in kept or _is_paused_at(schedule, at):
            choices.append(Choice(at))
        elif schedule.coalesce:
            choices.append(Choice(at, Reason.FOLDED, f"Folded into the due time of {_said(startable[-1])}."))
        else:
            text = f"At most {schedule.max_catch_up:,} missed due times are caught up, the newest ones."
            choices.append(Choice(at, Reason.OVER_LIMIT, text))
    return sorted(choices, key=lambda choice: choice.due_at), together


def _is_paused_at(schedule: Schedule, at: datetime) -> bool:
    return schedule.is_paused and (schedule.paused_until is None or at < schedule.paused_until)


def _paused(schedule: Schedule, choice: Choice, now: datetime, everything_paused: str | None) -> Choice:
    """A start that is not made because of a pause."""
    if choice.reason is not None:
        return choice
    # A time that was set by hand is of now, as far as a pause goes.
    at = max(choice.due_at, now) if choice.due_at == schedule.next_run_at and schedule.is_by_hand else choice.due_at
    if _is_paused_at(schedule, at):
        why = f": {schedule.paused_reason}" if schedule.paused_reason else ""
        by = f" by {schedule.paused_by}" if schedule.paused_by else ""
        return Choice(choice.due_at, Reason.PAUSED, f"The schedule is paused{by}{why}.")
    if everything_paused is not None:
        return Choice(choice.due_at, Reason.AUTOMATION_PAUSED, everything_paused)
    return choice


def _next_possible(schedule: Schedule, rule: Rule, plan: Plan) -> datetime | None:
    """When a start can happen next: after a pause, if its end is known."""
    if not schedule.is_paused or plan.due_at is None:
        return plan.next_run_at
    if schedule.paused_until is None:
        return None
    if plan.due_at >= schedule.paused_until:
        return plan.next_run_at
    return _planned(schedule, rule.next_after(schedule.paused_until - _TICK)).next_run_at


def _said(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
