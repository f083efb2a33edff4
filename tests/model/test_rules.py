"""Retry, progress, resources, queries, ages, states and outcomes: rules without input or output."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.errors import InvalidValue, JobCancelled, JobLost, JobParked, JobStopped
from onward.model import outcome
from onward.model.ages import age_text, length_text
from onward.model.job import Job, Need
from onward.model.outcome import Kind
from onward.model.progress import ProgressMeter, percent_of
from onward.model.query import JobQuery, Place, cursor, place
from onward.model.resource import needs
from onward.model.retry import Backoff, RetryPolicy
from onward.model.states import ACTIVE, ENDED, Status, Waiting, is_legal

# ---- retry ----------------------------------------------------------------------------------------------------


def test_backoff_grows_to_its_maximum() -> None:
    backoff = Backoff(seconds=2, factor=3, maximum=50, jitter=0)
    assert [backoff.delay(n, 0.5) for n in (1, 2, 3, 4, 400)] == [2, 6, 18, 50, 50]


@given(st.integers(1, 1000), st.floats(0, 1, exclude_max=True))
def test_jitter_stays_within_its_share(failures: int, chance: float) -> None:
    plain = Backoff(jitter=0).delay(failures, 0)
    assert 0.8 * plain <= Backoff(jitter=0.2).delay(failures, chance) <= 1.2 * plain


def test_huge_factor_does_not_overflow() -> None:
    assert Backoff(seconds=1, factor=1e4, maximum=9, jitter=0).delay(10_000, 0) == 9


def test_retries_follow_for_listed_exceptions_until_attempts_are_used() -> None:
    policy = RetryPolicy(max_attempts=3, retry_on=(OSError,))
    assert policy.retries(ConnectionError(), 1)
    assert policy.retries(ConnectionError(), 2)
    assert not policy.retries(ConnectionError(), 3)
    assert not policy.retries(ValueError(), 1)


# ---- progress -------------------------------------------------------------------------------------------------


def test_percent_is_rounded_down_and_bounded() -> None:
    assert [percent_of(999, 1000), percent_of(0, 0), percent_of(5, 3), percent_of(-1, 3)] == [99, 0, 100, 0]


def test_percent_never_goes_back_unless_the_total_grew() -> None:
    meter = ProgressMeter()
    meter.report(None, None, 50, 100, None)
    meter.report(None, None, 20, None, None)
    assert meter.snapshot().percent == 50
    meter.report(30, None, None, None, None)
    assert meter.snapshot().percent == 50
    meter.report(None, None, None, 1000, None)
    assert meter.snapshot().percent == 2
    assert "total grew 100 to 1,000" in meter.snapshot().message


def test_resumed_meter_does_not_show_less_than_before() -> None:
    meter = ProgressMeter(percent=40, done=40, total=100)
    meter.report(None, None, 1, 100, None)
    assert meter.snapshot().percent == 40


def test_rate_and_time_left_come_from_the_last_minute() -> None:
    meter = ProgressMeter()
    for second in range(200):
        items = second if second < 100 else 100 + (second - 100) * 10
        meter.report(None, None, items, 5000, None)
        meter.measure(float(second))
    shown = meter.snapshot()
    assert shown.rate == pytest.approx(10, rel=0.1)
    assert shown.eta_seconds == pytest.approx((5000 - items) / 10, rel=0.1)


def test_what_a_database_cannot_keep_is_taken_out_of_messages() -> None:
    meter = ProgressMeter()
    meter.report(5, "a\x00b\ud800", None, None, "p\x00")
    shown = meter.snapshot()
    assert "\x00" not in shown.message + (shown.phase or "")
    (shown.message + (shown.phase or "")).encode()


# ---- resources ------------------------------------------------------------------------------------------------


def test_needs_are_sorted_each_once_with_the_source() -> None:
    found = needs(["z", ("a", 4), Need("z")], "wiki")
    assert found == (Need("a", 4), Need("source:wiki"), Need("z"))


@pytest.mark.parametrize("wrong", ["", "x" * 257, "a\x00", ("a", 0), ("a", -1)], ids=repr)
def test_unusable_resource_is_refused(wrong: str | tuple[str, int]) -> None:
    with pytest.raises(InvalidValue):
        needs([wrong], None)


# ---- queries --------------------------------------------------------------------------------------------------


def test_cursor_goes_on_where_its_own_list_ended() -> None:
    query = JobQuery(statuses=("failed",), since=datetime(2026, 1, 1, tzinfo=UTC))
    assert place(query, cursor(query, "some-id")) == Place("some-id")
    assert place(query, cursor(query, "some-id", 7, is_back=True)) == Place("some-id", 7, is_back=True)


@pytest.mark.parametrize("text", ["", "x", "%%%", "bm90aGluZw", "é", "AAAA" * 100])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        place(JobQuery(), text)


def test_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(InvalidValue):
        place(JobQuery(tag="a"), cursor(JobQuery(tag="b"), "some-id"))


# ---- ages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (59.9, "just now"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 hr ago"),
        (2 * 3600, "2 hrs ago"),
        (47.9 * 3600, "47 hrs ago"),
        (48 * 3600, "2 days ago"),
        (40 * 86400, "40 days ago"),
    ],
)
def test_age_in_words(seconds: float, text: str) -> None:
    assert age_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(40, "40 s"), (720, "12 min"), (6600, "1 h 50 min"), (7200, "2 h"), (3 * 86400, "3 days")],
)
def test_length_in_words(seconds: float, text: str) -> None:
    assert length_text(seconds) == text


# ---- states ---------------------------------------------------------------------------------------------------


def test_legal_moves_are_exactly_these() -> None:
    legal = {(str(old), str(new)) for old, new in product(Status, Status) if is_legal(old, new)}
    assert legal == {
        ("pending", "running"),
        ("pending", "cancelled"),
        ("running", "completed"),
        ("running", "failed"),
        ("running", "cancelled"),
        ("running", "pending"),
        ("running", "pending_hitl"),
        ("pending_hitl", "pending"),
        ("pending_hitl", "cancelled"),
        ("pending_hitl", "failed"),
        ("failed", "pending"),
        ("cancelled", "pending"),
    }


def test_status_equals_its_name_and_is_either_active_or_ended() -> None:
    assert Status.PENDING_HITL == "pending_hitl"
    assert set(Status) == ACTIVE | ENDED
    assert not ACTIVE & ENDED


@pytest.mark.parametrize(
    ("job", "state"),
    [
        (Job("1", "t", Status.PENDING), "queued"),
        (Job("1", "t", Status.PENDING, waiting_on=Waiting.TIME), "scheduled"),
        (Job("1", "t", Status.PENDING, waiting_on=Waiting.TIME, attempt=1), "retrying"),
        (Job("1", "t", Status.PENDING, waiting_on=Waiting.RESOURCE), "blocked"),
        (Job("1", "t", Status.PENDING, waiting_on=Waiting.PAUSE), "paused"),
        (Job("1", "t", Status.PENDING, waiting_on=Waiting.HOLD, has_checkpoint=True), "interrupted"),
        (Job("1", "t", Status.PENDING_HITL), "input"),
        (Job("1", "t", Status.COMPLETED, has_checkpoint=True), "succeeded"),
        (Job("1", "t", Status.FAILED), "failed"),
        (Job("1", "t", Status.FAILED, has_checkpoint=True), "interrupted"),
        (Job("1", "t", Status.CANCELLED, has_checkpoint=True), "interrupted"),
        (Job("1", "t", Status.CANCELLED, has_checkpoint=True, superseded_by="2"), "cancelled"),
    ],
)
def test_word_that_people_read(job: Job, state: str) -> None:
    assert job.state == state


# ---- outcomes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        ({"success": False, "cancelled": True}, Kind.CANCELLED),
        ({"success": False, "error": "disk full"}, Kind.FAILURE),
        ({"success": False}, Kind.SUCCESS),
        ({"success": True, "error": None}, Kind.SUCCESS),
        (None, Kind.SUCCESS),
        ([1], Kind.SUCCESS),
    ],
)
def test_returned_dictionaries_say_how_it_ended(result: object, kind: Kind) -> None:
    assert outcome.of_result(result).kind is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (JobCancelled(), Kind.CANCELLED),
        (JobLost(), Kind.LOST),
        (JobParked(), Kind.PARKED),
        (JobStopped(), Kind.STOPPED),
        (ValueError("x"), Kind.FAILURE),
        (KeyboardInterrupt(), Kind.FAILURE),
        (BaseExceptionGroup("all", [JobCancelled(), JobCancelled()]), Kind.CANCELLED),
        (BaseExceptionGroup("mixed", [JobCancelled(), ValueError("x")]), Kind.FAILURE),
        (BaseExceptionGroup("deep", [BaseExceptionGroup("inner", [JobLost()])]), Kind.LOST),
    ],
    ids=repr,
)
def test_raised_exceptions_say_how_it_ended(error: BaseException, kind: Kind) -> None:
    assert outcome.of_exception(error).kind is kind


def test_error_is_kept_without_local_variables() -> None:
    secret = "canary-" + "value"
    try:
        raise ValueError("wrong " + str(len(secret)))
    except ValueError as error:
        kept = outcome.describe(error)
    assert kept.type == "ValueError"
    assert kept.message == "wrong 12"
    assert "test_rules" in kept.traceback
    assert secret not in kept.traceback
