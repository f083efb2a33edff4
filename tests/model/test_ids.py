from __future__ import annotations

import threading
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.clock import ManualClock
from onward.errors import InvalidValue
from onward.model.ids import Ids, check_name, parsed, shown


def test_ids_rise_within_one_millisecond_and_when_the_clock_steps_back() -> None:
    clock = ManualClock()
    ids = Ids(clock)
    made = ids.many(5000)
    clock.jump(-3600)
    made += ids.many(10)
    clock.advance(7200)
    made.append(ids.new())
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_ids_rise_and_differ_across_threads() -> None:
    ids = Ids(ManualClock())
    found: list[list[str]] = [[] for _ in range(4)]

    def make(into: list[str]) -> None:
        into.extend(ids.new() for _ in range(500))

    threads = [threading.Thread(target=make, args=(one,)) for one in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(one == sorted(one) for one in found)
    assert len({made for one in found for made in one}) == 2000


def test_id_is_a_uuid_of_version_7_that_holds_its_time() -> None:
    clock = ManualClock()
    made = uuid.UUID(Ids(clock).new())
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == int(clock.now().timestamp() * 1000)


@given(st.integers(0, 2**128 - 1))
def test_both_forms_name_the_same_id(number: int) -> None:
    text = str(uuid.UUID(int=number))
    short = shown(text)
    assert short.startswith("job_")
    assert len(short) == 30
    assert parsed(short) == parsed(short.lower()) == parsed(short[4:]) == parsed(text.upper()) == text


def test_shown_form_sorts_like_the_id() -> None:
    made = Ids(ManualClock()).many(200)
    assert [shown(one) for one in made] == sorted(shown(one) for one in made)


@pytest.mark.parametrize("foreign", ["job-1", "nightly", "job_", "", "Z" * 26, "job_" + "8" * 26])
def test_foreign_ids_stay_as_they_are(foreign: str) -> None:
    assert parsed(foreign) == foreign
    if foreign == "job-1":
        assert shown(foreign) == foreign


@pytest.mark.parametrize("name", ["a", "A.b-c_9", "x" * 128])
def test_names_are_kept(name: str) -> None:
    assert check_name(name, "The source id") == name


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "x" * 129, "a\n", "é", "a\x00", "../x"])
def test_what_may_not_be_part_of_a_path_is_no_name(name: str) -> None:
    with pytest.raises(InvalidValue, match="The source id"):
        check_name(name, "The source id")
