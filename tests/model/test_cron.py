"""Cron against a scan of every minute; what is refused, and in which words."""

from __future__ import annotations

import string
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from onward.errors import InvalidSchedule, InvalidValue
from onward.model.cron import Cron
from onward.model.cron_fields import ALIASES
from onward.model.zones import database_version, zone
from tests.model.cron_oracle import ZONES, Minutes, Rule, changes

DAY = timedelta(days=1)
CHANGING = (
    "30 2 * * *",
    "0,15,30,45 0-3 * * *",
    "*/10 2 * * *",
    "0 * * * *",
    "*/7 * * * *",
    "59 23 * * *",
    "0 0 * * *",
    "10 0-23/2 * * *",
    "0 */3 * * *",
    "45 1 * * SUN",
    "15,45 23,0 1-31 * *",
    "0 2 31 * FRI",
)


def agree(expression: str, zone_name: str, minutes: Minutes, begin: datetime, end: datetime) -> None:
    cron = Cron.parse(expression, zone_name)
    expected, at = minutes.due(Rule(expression)), begin
    for due in expected:
        found = cron.next_after(at)
        assert found == due, f"{expression} in {zone_name} after {at}: {found}, not {due}"
        assert found.tzinfo is UTC
        at = found
    assert cron.next_after(at) >= end, f"{expression} in {zone_name} after {at}"


# ---- against the scan -----------------------------------------------------------------------------------------


def field(low: int, high: int, words: tuple[str, ...] = (), more: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    numbers = st.integers(low, high)
    top = min(high, 6) if words and len(words) == 7 else high
    named = st.sampled_from(words) if words else st.nothing()
    ranges = st.tuples(numbers, numbers).map(lambda ends: f"{min(ends)}-{max(ends)}")
    step = st.integers(1, top - low or 1)
    one = st.one_of(
        numbers.map(str),
        named,
        ranges,
        st.tuples(ranges, step).map(lambda both: f"{both[0]}/{both[1]}"),
        step.map(lambda every: f"*/{every}"),
        st.tuples(numbers, step).map(lambda both: f"{both[0]}/{both[1]}"),
        st.sampled_from(more) if more else st.nothing(),
    )
    return st.one_of(st.just("*"), one, st.lists(one, min_size=2, max_size=3).map(",".join))


DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
EXPRESSIONS = st.tuples(
    field(0, 59),
    field(0, 23),
    field(1, 31, more=("L",)),
    st.one_of(st.just("*"), field(1, 12, MONTHS)),
    field(0, 7, DAYS, more=("MON#1", "FRI#3", "5L", "7L")),
).map(" ".join)
FIRST, LAST = (datetime.fromisoformat(day) for day in ("2020-01-01", "2037-12-01"))
TIMES = st.datetimes(FIRST, LAST, timezones=st.just(UTC))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EXPRESSIONS, st.sampled_from(ZONES), TIMES)
def test_any_expression_anywhere_is_due_when_the_scan_says_so(expression: str, place: str, at: datetime) -> None:
    check(expression, place, at)


@pytest.mark.slow
@settings(max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EXPRESSIONS, st.sampled_from(ZONES), TIMES)
@pytest.mark.timeout(3600)
def test_many_expressions_anywhere_are_due_when_the_scan_says_so(expression: str, place: str, at: datetime) -> None:
    check(expression, place, at)


def check(expression: str, place: str, at: datetime) -> None:
    """At that time, and around the next change of the clock."""
    try:
        Cron.parse(expression, place)
    except InvalidSchedule as refused:
        assume("never fires" not in str(refused))
        raise
    begins = [at, *(change - DAY for change in changes(place, at, at + timedelta(days=200))[:1])]
    for begin in begins:
        end = begin + 2 * DAY
        agree(expression, place, Minutes(place, begin, end), begin, end)


ODD = (
    ("Australia/Lord_Howe", 2026),
    ("Africa/Cairo", 2026),
    ("Africa/Casablanca", 2026),
    ("America/Havana", 2026),
    ("America/Nuuk", 2024),
    ("Antarctica/Troll", 2026),
    ("Europe/Berlin", 2026),
    ("America/New_York", 2037),
    ("Pacific/Apia", 2011),
    ("Asia/Gaza", 2026),
)


def around_changes(place: str, year: int) -> int:
    found = changes(place, datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC))
    for change in found:
        begin, end = change - 1.5 * DAY, change + 1.5 * DAY
        minutes = Minutes(place, begin, end)
        for expression in CHANGING:
            agree(expression, place, minutes, begin, end)
    return len(found)


@pytest.mark.parametrize(("place", "year"), ODD)
def test_odd_changes_of_clocks_are_as_the_scan_says(place: str, year: int) -> None:
    assert around_changes(place, year) >= 2


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("place", ZONES)
def test_every_change_of_clocks_is_as_the_scan_says(place: str) -> None:
    found = sum(around_changes(place, year) for year in range(2020, 2038))
    assert found == {"Europe/Berlin": 36, "UTC": 0}.get(place, found)


def test_a_day_that_a_zone_left_out_is_made_up_for_at_the_first_instant_after_it() -> None:
    """Apia had no 30 December 2011: what was due on it runs as the 31st begins, and the 31st has its own."""
    dues = Cron.parse("30 2 * * *", "Pacific/Apia").upcoming(datetime(2011, 12, 29, 20, tzinfo=UTC), 2)
    assert [f"{due.local:%d %H:%M}" for due in dues] == ["31 00:00", "31 02:30"]
    assert dues[0].note == "30 Dec 02:30 does not exist: runs at 31 Dec 00:00"


# ---- meaning --------------------------------------------------------------------------------------------------


def days(expression: str, count: int = 7, start: datetime = datetime(2026, 11, 18, tzinfo=UTC)) -> list[str]:
    return [f"{due.local:%a %d %b}" for due in Cron.parse(expression).upcoming(start, count)]


def test_sunday_is_0_and_7() -> None:
    sundays = ["Sun 22 Nov", "Sun 29 Nov"]
    assert days("0 9 * * 0", 2) == days("0 9 * * 7", 2) == days("0 9 * * sun", 2) == sundays
    assert days("0 9 * * 5-7", 3) == ["Fri 20 Nov", "Sat 21 Nov", "Sun 22 Nov"]


def test_numbers_of_weekdays_count_from_monday_as_one() -> None:
    assert days("0 9 * * 1-5", 3) == ["Wed 18 Nov", "Thu 19 Nov", "Fri 20 Nov"]


def test_day_of_month_or_day_of_week_when_both_are_restricted() -> None:
    assert days("0 0 13 * 5", 3, datetime(2026, 11, 6, tzinfo=UTC)) == ["Fri 13 Nov", "Fri 20 Nov", "Fri 27 Nov"]
    assert days("0 0 15 * 5", 3, datetime(2026, 11, 8, tzinfo=UTC)) == ["Fri 13 Nov", "Sun 15 Nov", "Fri 20 Nov"]


def test_both_must_fit_where_one_begins_with_a_star() -> None:
    assert days("0 0 */2 * 1", 3) == ["Mon 23 Nov", "Mon 07 Dec", "Mon 21 Dec"]


@pytest.mark.parametrize(("alias", "plain"), ALIASES.items())
def test_alias_is_due_with_its_five_fields(alias: str, plain: str) -> None:
    at = datetime(2026, 5, 5, 5, 5, tzinfo=UTC)
    assert Cron.parse(alias).next_after(at) == Cron.parse(plain).next_after(at)
    assert Cron.parse(alias).expression == alias


def test_next_is_strictly_later_and_whole() -> None:
    cron = Cron.parse("30 2 * * *")
    due = datetime(2026, 11, 18, 2, 30, tzinfo=UTC)
    assert cron.next_after(due - timedelta(microseconds=1)) == due
    assert cron.next_after(due) == cron.next_after(due + timedelta(microseconds=1)) == due + DAY


def test_time_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidValue, match="no time zone"):
        Cron.parse("@daily").next_after(FIRST)


def test_the_end_of_time_is_an_error() -> None:
    with pytest.raises(InvalidSchedule, match="no due time after"):
        Cron.parse("0 0 29 2 *").next_after(datetime(9999, 6, 1, tzinfo=UTC))
    with pytest.raises(InvalidSchedule, match="no due time after"):
        Cron.parse("* * * * *", "Asia/Tokyo").next_after(datetime.max.replace(tzinfo=UTC))


RARE = ("0 0 29 2 */7", "0 0 * 2 MON#5", "59 23 31 12 *", "0 0 29 2 *", "* * * * *", "0-59 0-23 * * *", "0 0 L 2 */7")


@pytest.mark.parametrize("place", ["UTC", "Europe/Berlin", "Africa/Casablanca"])
@pytest.mark.parametrize("expression", RARE)
def test_next_answers_within_50_ms(expression: str, place: str) -> None:
    cron, took = Cron.parse(expression, place), []
    for year in (2026, 2037, 2096):
        for _ in range(3):  # the machine may be busy: the best of three counts
            began = time.process_time()
            cron.next_after(datetime(year, 3, 1, tzinfo=UTC))
            took.append(time.process_time() - began)
    assert sorted(took)[len(took) // 2] < 0.05


# ---- what is said of changes of clocks --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "after", "note"),
    [
        ("30 2 * * *", "03-28 12", "29 Mar 02:30 does not exist: runs at 03:00"),
        ("0,30 2 * * *", "03-28 12", "29 Mar 02:00 and 02:30 do not exist: runs once, at 03:00"),
        ("0-40/10 2 * * *", "03-28 12", "29 Mar 02:00 to 02:40 do not exist: runs once, at 03:00"),
        ("30 2 * * *", "10-24 12", "25 Oct 02:30 occurs twice: runs once, at the first"),
        ("*/30 2 * * *", "03-28 12", "29 Mar 02:00 and 02:30 do not exist: nothing runs for them"),
        ("30 * * * *", "10-25 00", "25 Oct 02:30 occurs twice: runs both times"),
        ("30 * * * *", "10-25 01", "25 Oct 02:30 occurs twice: runs both times"),
        ("30 3 * * *", "03-28 12", ""),
        ("30 2 * * *", "07-01 00", ""),
    ],
)
def test_preview_says_what_happens_where_clocks_change(expression: str, after: str, note: str) -> None:
    at = datetime.fromisoformat(f"2026-{after}:00Z")
    (due,) = Cron.parse(expression, "Europe/Berlin").upcoming(at, 1)
    assert due.note == note
    assert due.local.astimezone(UTC) == due.at
    assert due.at.tzinfo is UTC


# ---- what is refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "has 0 fields, expected five"),
        ("* * * *", "has 4 fields"),
        ("0 0 0 * * *", "no seconds"),
        ("0 0 31 2 *", "never fires: the field day-of-month"),
        ("0 0 30,31 2 *", "never fires: the field day-of-month"),
        ("0 0 LW * */7", "never fires"),
        ("*/90 * * * *", "minute has the step 90, and steps go from 1 to 60"),
        ("* */25 * * *", "hour has the step 25"),
        ("*/0 * * * *", "minute has the step 0"),
        ("60 * * * *", "minute has `60`, which is not within 0 to 59"),
        ("* 24 * * *", "hour has `24`"),
        ("* * 32 * *", "day-of-month has `32`"),
        ("* * 0 * *", "counts from 1"),
        ("* * * 13 *", "month has `13`"),
        ("* * * * 8", "day-of-week has `8`"),
        ("* * * * MONDAY", "Did you mean `MON`"),
        ("* * * JANUARY *", "Did you mean `JAN`"),
        ("* * * * FRI-MON", "Write `FRI-SAT,SUN-MON`"),
        ("50-10 * * * *", "Write `50-59,0-10`"),
        ("* * * * 7-2", "Write `0-2`"),
        ("1,,2 * * * *", "minute has a comma too many"),
        ("* * ? * *", "Cron writes `*` for any"),
        ("-5 * * * *", "minute has `-5`"),
        ("1.5 * * * *", "minute has `1.5`"),
        ("@reboot", "where your service starts"),
        ("@dayly", "Did you mean `@daily`"),
        ("@", "Known: @yearly"),
        ("٣ * * * *", "characters that cron does not know"),
        ("9" * 5000, "longer than 1000"),
        (f"{'9' * 900} * * * *", "minute has `999"),
        (f"*/{'9' * 900} * * * *", "minute has the step"),
    ],
)
def test_refusal_names_the_field_and_the_mend(expression: str, words: str) -> None:
    with pytest.raises(InvalidSchedule) as caught:
        Cron.parse(expression)
    assert words in str(caught.value)


def test_a_time_that_the_clock_always_leaps_over_never_fires() -> None:
    """On the last Sunday of March, Berlin has no hour 2; elsewhere it has."""
    with pytest.raises(InvalidSchedule, match="never fires in Europe/Berlin"):
        Cron.parse("*/30 2 * 3 7L", "Europe/Berlin")
    Cron.parse("*/30 2 * 3 7L", "Asia/Tokyo")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Europe/Berln", "Did you mean `Europe/Berlin`"),
        ("Berlin", "Europe/Berlin"),
        ("utc", "`UTC`"),
        ("localtime", "no time zone"),
        ("right/Europe/Berlin", "no time zone"),
        ("Europe", "no time zone"),
        ("zone.tab", "no time zone"),
        ("../../etc/passwd", "no time zone"),
        ("+02:00", "Use a name"),
        ("", "Use a name"),
        ("A" * 500, "no time zone"),
    ],
)
def test_unknown_zone_is_refused_with_near_names(name: str, words: str) -> None:
    with pytest.raises(InvalidSchedule) as caught:
        Cron.parse("@daily", name)
    assert words in str(caught.value)
    assert str(caught.value).startswith("timezone: ")


def test_version_of_the_zones_is_known() -> None:
    assert database_version()[:2] == "20"
    assert zone("Europe/Berlin").key == "Europe/Berlin"


SHARDS = st.sampled_from(
    [*"*,-/#LW? @", "MON", "JAN", "*/", "0", "7", "59", "60", "@daily", "L", "LW", "5L", "#2", "\n"]
)
NEARLY = st.lists(st.one_of(SHARDS, st.text(string.printable, max_size=2)), max_size=24).map("".join)
FIVE = st.lists(st.lists(SHARDS, min_size=1, max_size=4).map("".join), min_size=5, max_size=5).map(" ".join)


@settings(max_examples=400, deadline=2000)
@given(st.one_of(st.text(max_size=60), NEARLY, FIVE, EXPRESSIONS))
def test_whatever_is_typed_is_refused_or_comes_back(text: str) -> None:
    try:
        cron = Cron.parse(text, "Europe/Berlin")
    except InvalidSchedule as refused:
        said = str(refused)
        assert 20 < len(said) < 500
        return
    assert Cron.parse(cron.expression, cron.timezone) == cron
    assert cron.in_words()
    dues = cron.upcoming(datetime(2026, 3, 1, tzinfo=UTC), 3)
    assert [due.at for due in dues] == sorted({due.at for due in dues})


# ---- in words -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("30 2 * * 1-5", "Weekdays at 02:30"),
        ("0 8,20 * * 6,0", "Weekends at 08:00 and 20:00"),
        ("0 2 * * *", "Every day at 02:00"),
        ("0 2 * * 0-6", "Every day at 02:00"),
        ("* * * * *", "Every minute"),
        ("*/30 * * * *", "Every 30 minutes"),
        ("*/7 * * * *", "Every seventh minute of every hour"),
        ("0 * * * *", "Every hour"),
        ("15 * * * *", "Every hour at minute 15"),
        ("0 */6 * * *", "Every 6 hours"),
        ("*/15 * * * MON-FRI", "Weekdays, every 15 minutes"),
        ("0 3 * * sun,mon", "Mondays and Sundays at 03:00"),
        ("0 9 1,15,22 * *", "The 1st, 15th and 22nd of every month at 09:00"),
        ("0 0 L * *", "The last day of every month at 00:00"),
        ("@yearly", "Every year on 1 January at 00:00"),
        ("0 0 13 * 5", "At 00:00 on the 13th day of month and on Friday"),
        ("*/15 9-17 * * 1-5", "Every 15th minute from 09:00 through 17:59 on Monday through Friday"),
    ],
)
def test_expression_in_words(expression: str, words: str) -> None:
    assert Cron.parse(expression).in_words() == words
