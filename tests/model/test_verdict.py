"""What becomes of due times, as pure functions: also over years, and on days when clocks change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.model.rule import IntervalRule, jitter, latest
from onward.model.schedule import Schedule
from onward.model.verdict import LISTED, Reason, Verdict, decide, overlap, planned

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def made(**given: Any) -> Schedule:
    """A schedule that was added at noon."""
    return planned(Schedule(id="s", name="s", job_type="t", created_at=NOON, **given), NOON)


def look(seen: Schedule, now: datetime, paused: str | None = None) -> Verdict:
    return decide(seen, seen.rule(NOON), now, paused)


def starts(verdict: Verdict) -> list[datetime]:
    return [choice.due_at for choice in verdict.choices if choice.reason is None]


@pytest.mark.timeout(300)
@settings(max_examples=30, deadline=None)
@given(
    seconds=st.integers(1, 4000),
    late=st.integers(0, 200_000),
    grace=st.one_of(st.none(), st.integers(0, 10_000)),
    latest_only=st.booleans(),
    most=st.integers(1, 200),
)
def test_every_due_time_has_one_choice_in_order_and_the_next_one_is_to_come(
    seconds: int, late: int, grace: int | None, latest_only: bool, most: int
) -> None:
    seen = made(interval_seconds=seconds, misfire_grace_seconds=grace, coalesce=latest_only, max_catch_up=most)
    now = NOON + timedelta(seconds=late)
    verdict = look(seen, now)
    due = [choice.due_at for choice in verdict.choices]
    assert due == sorted(set(due))
    count = late // seconds
    assert len(due) == min(count, LISTED + 1)
    assert verdict.plan.due_at == NOON + timedelta(seconds=(count + 1) * seconds)
    fired = starts(verdict)
    in_time = [at for at in due if grace is None or (now - at).total_seconds() <= grace]
    if count <= LISTED:
        assert fired == (in_time[-1:] if latest_only else in_time[-most:])
    assert all(
        choice.text and choice.next_at == verdict.plan.next_run_at for choice in verdict.choices if choice.reason
    )


@settings(deadline=None)
@given(minutes=st.integers(0, 10_000_000), seconds=st.integers(0, 86_400))
def test_jitter_is_below_its_limit_and_the_same_for_everybody(minutes: int, seconds: int) -> None:
    at = NOON + timedelta(minutes=minutes)
    found = jitter("some-id", at, seconds)
    assert timedelta(0) <= found < timedelta(seconds=max(seconds, 1))
    assert found == jitter("some-id", at, seconds)


@settings(deadline=None)
@given(seconds=st.integers(1, 100_000), span=st.integers(0, 10_000_000), most=st.integers(1, 50))
def test_last_due_times_are_found_from_the_end(seconds: int, span: int, most: int) -> None:
    rule = IntervalRule(seconds, NOON)
    until = NOON + timedelta(seconds=span)
    found = latest(rule, NOON + timedelta(seconds=seconds), until, most)
    count = span // seconds
    assert found == [NOON + timedelta(seconds=n * seconds) for n in range(max(1, count - most + 1), count + 1)]


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        (
            "Europe/Berlin",
            datetime(2026, 3, 28, tzinfo=UTC),
            ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"],
        ),
        (
            "Europe/Berlin",
            datetime(2026, 10, 24, tzinfo=UTC),
            ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"],
        ),
        ("Australia/Lord_Howe", datetime(2026, 4, 3, 16, tzinfo=UTC), None),
    ],
)
def test_fixed_time_starts_once_a_local_day_when_clocks_change(
    zone: str, day: datetime, expected: list[str] | None
) -> None:
    seen = planned(
        Schedule(
            id="s", name="s", job_type="t", created_at=day, cron="30 2 * * *", timezone=zone, coalesce=False,
            misfire_grace_seconds=None,
        ),
        day,
    )  # fmt: skip
    fired = starts(decide(seen, seen.rule(day), day + timedelta(days=3)))
    assert len(fired) == 3
    if expected is not None:
        assert [f"{at:%Y-%m-%dT%H:%M}" for at in fired] == expected


def test_paused_due_times_are_told_as_paused_and_not_as_missed() -> None:
    seen = made(interval_seconds=60)
    paused = replace(seen, enabled=False, paused_at=NOON, paused_by="ana", paused_until=NOON + timedelta(minutes=10))
    verdict = look(paused, NOON + timedelta(minutes=12))
    assert [choice.reason for choice in verdict.choices] == [*[Reason.PAUSED] * 9, Reason.FOLDED, Reason.FOLDED, None]
    assert verdict.is_pause_over
    early = look(paused, NOON + timedelta(minutes=2))
    assert {choice.next_at for choice in early.choices} == {NOON + timedelta(minutes=10)}
    everything = look(seen, NOON + timedelta(minutes=1), "All are paused.")
    assert [(choice.reason, choice.text) for choice in everything.choices] == [
        (Reason.AUTOMATION_PAUSED, "All are paused.")
    ]


@pytest.mark.parametrize(
    ("policy", "active", "word"),
    [("skip", 0, "start"), ("skip", 1, "skip"), ("queue", 1, "queue"), ("cancel_running", 1, "cancel")],
)
def test_overlap_says_what_becomes_of_the_next(policy: Any, active: int, word: str) -> None:
    assert overlap(made(interval_seconds=60, overlap=policy), active) == word
