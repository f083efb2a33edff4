from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from onward import InvalidValue
from onward.cli.input.times import read_length, read_moment
from onward.cli.show import tables
from onward.cli.show.times import Zone, ago, length

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("10m", 600), ("1h30m", 5400), ("2 hrs", 7200), ("3d", 259200), ("1.5 h", 5400)]
)
def test_length_of_time(text: str, seconds: float) -> None:
    assert read_length(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "10x", "m", "-5m", "10m later"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        read_length(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", NOW),
        ("2 hrs ago", NOW - timedelta(hours=2)),
        ("in 10m", NOW + timedelta(minutes=10)),
        ("2026-09-01T14:00:00+02:00", NOW),
        ("2026-09-01T12:00:00Z", NOW),
    ],
)
def test_moment(text: str, moment: datetime) -> None:
    assert read_moment(text, NOW) == moment


def test_time_of_day_is_the_next_one() -> None:
    here = NOW.astimezone()
    soon = read_moment(f"{(here + timedelta(minutes=1)):%H:%M}", NOW)
    assert timedelta(0) < soon - NOW <= timedelta(minutes=1)
    past = read_moment(f"{(here - timedelta(minutes=1)):%H:%M}", NOW)
    assert timedelta(hours=22) < past - NOW < timedelta(hours=26)
    with pytest.raises(InvalidValue):
        read_moment("25:00", NOW)


def test_zone_is_always_printed() -> None:
    assert Zone.named("utc").show(NOW) == "2026-09-01 12:00:00 UTC"
    assert Zone.named("Europe/Berlin").show(NOW) == "2026-09-01 14:00:00 CEST"
    with pytest.raises(InvalidValue):
        Zone.named("Mars/Base")


def test_ages_and_lengths() -> None:
    assert ago(NOW - timedelta(minutes=12), NOW) == "12 min ago"
    assert ago(NOW + timedelta(minutes=5), NOW) == "in 5 min"
    assert length(0.42) == "0.4 s"
    assert length(75) == "1 min"


def test_wide_and_combining_letters_are_measured() -> None:
    assert tables.cells("日本") == 4
    assert tables.cells("e\u0301") == 1
    assert tables.cut("日本語です", 6) == "日本…"
    text = tables.table(["A", "B"], [["日本", "x"], ["ab", "y"]], flexible=[False, False], width=None)
    assert text.splitlines() == ["A     B", "日本  x", "ab    y"]


def test_fixed_columns_are_never_cut() -> None:
    text = tables.table(["ID", "WHY"], [["x" * 30, "y" * 90]], flexible=[False, True], width=60)
    assert "x" * 30 in text
    assert max(len(line) for line in text.splitlines()) <= 60
