from __future__ import annotations

import logging
import threading
import timeit

import pytest

from onward.events import Bus, Event, JobSubmitted, RunEnded, StoreDown

SUBMITTED = JobSubmitted("0193", "word_count")


def test_every_listener_hears_every_event_in_order() -> None:
    bus, heard = Bus(), []
    bus.subscribe(lambda event: heard.append(("first", event)))
    bus.subscribe(lambda event: heard.append(("second", event)))
    bus.tell(SUBMITTED)
    assert heard == [("first", SUBMITTED), ("second", SUBMITTED)]


def test_whoever_unsubscribed_hears_nothing_more() -> None:
    bus, heard = Bus(), []
    unsubscribe = bus.subscribe(heard.append)
    unsubscribe()
    unsubscribe()
    bus.tell(SUBMITTED)
    assert heard == []


def test_failing_listener_is_logged_once_and_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    bus, heard = Bus(), []

    def broken(event: Event) -> None:
        raise RuntimeError("no disk")

    bus.subscribe(broken)
    bus.subscribe(heard.append)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            bus.tell(SUBMITTED)
    assert len(heard) == 3
    assert [record.message for record in caplog.records] == ["A listener failed at JobSubmitted; this is said once."]
    assert "no disk" in caplog.text


def test_listener_may_leave_while_it_is_told() -> None:
    bus, heard = Bus(), []
    leave = bus.subscribe(lambda event: (heard.append(event), leave()))
    bus.tell(SUBMITTED)
    bus.tell(SUBMITTED)
    assert heard == [SUBMITTED]


def test_subscribing_from_many_threads_loses_nobody() -> None:
    bus, heard = Bus(), []
    threads = [threading.Thread(target=bus.subscribe, args=(heard.append,)) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bus.tell(SUBMITTED)
    assert len(heard) == 50


def test_telling_nobody_costs_less_than_a_microsecond() -> None:
    bus = Bus()
    best = min(timeit.repeat(lambda: bus.tell(SUBMITTED), number=10_000, repeat=20))
    assert best / 10_000 < 1e-6


def test_events_are_values_that_do_not_change() -> None:
    ended = RunEnded("0193", "word_count", run_id="7", worker="w1", outcome="success", duration_seconds=0.5)
    assert ended == RunEnded("0193", "word_count", "7", "w1", "success", 0.5)
    assert len({StoreDown("refused"), StoreDown("refused")}) == 1
    with pytest.raises(AttributeError):
        ended.outcome = "failed"
