from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward import JournalUnavailable
from onward.store import journal as journal_module
from onward.store.journal import Damage, Journal, Record

Made = list[bytes]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal.create(tmp_path / "journals", "one", 1 << 20)
    yield made
    made.close()


def payloads(journal: Journal) -> Made:
    return [found.payload for found in journal.read() if isinstance(found, Record)]


def test_records_come_back_in_order_with_rising_numbers(journal: Journal) -> None:
    assert journal.append([b"a", b"", b"c" * 100_000]) == 3
    assert journal.append([b"d"]) == 4
    found = list(journal.read())
    assert [(r.seq, r.payload) for r in found if isinstance(r, Record)] == [
        (1, b"a"),
        (2, b""),
        (3, b"c" * 100_000),
        (4, b"d"),
    ]


def test_reading_goes_on_from_a_place(journal: Journal) -> None:
    journal.append([b"a", b"b"])
    first = next(iter(journal.read()))
    assert [found.payload for found in journal.read(first.end) if isinstance(found, Record)] == [b"b"]


def test_journal_of_the_living_is_not_adopted_and_that_of_the_dead_is(journal: Journal) -> None:
    journal.append([b"a"])
    assert Journal.adopt(journal.path) is None
    journal.close()
    heir = Journal.adopt(journal.path)
    assert heir is not None
    assert payloads(heir) == [b"a"]
    heir.remove()
    assert Journal.adopt(journal.path) is None


def test_numbers_go_on_after_the_file_was_emptied(journal: Journal) -> None:
    journal.append([b"a", b"b"])
    journal.clear()
    assert journal.append([b"c"]) == 3
    assert payloads(journal) == [b"c"]


def test_full_journal_takes_nothing_and_keeps_what_it_has(tmp_path: Path) -> None:
    small = Journal.create(tmp_path, "small", 4096)
    small.append([b"x" * 3000])
    with pytest.raises(JournalUnavailable, match="limit"):
        small.append([b"fits", b"y" * 3000])
    assert payloads(small) == [b"x" * 3000]
    small.append([b"fits"])
    assert payloads(small) == [b"x" * 3000, b"fits"]
    small.remove()


def test_disk_without_room_takes_nothing_and_keeps_what_it_has(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append([b"kept"])
    real = os.pwrite
    written: list[int] = []

    def full(number: int, data: Any, at: int) -> int:
        # The disk takes a few bytes and then no more.
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(real(number, bytes(data)[:5], at))
        return written[0]

    monkeypatch.setattr(journal_module.os, "pwrite", full)
    with pytest.raises(JournalUnavailable, match="No space left"):
        journal.append([b"lost"])
    monkeypatch.undo()
    assert payloads(journal) == [b"kept"]
    journal.append([b"next"])
    assert payloads(journal) == [b"kept", b"next"]


@pytest.mark.parametrize("cut", range(1, 30))
def test_torn_tail_is_told_and_all_before_it_is_read(journal: Journal, cut: int) -> None:
    journal.append([b"first", b"second"])
    whole = journal.path.read_bytes()
    journal.close()
    journal.path.write_bytes(whole[:-cut])
    heir = Journal.adopt(journal.path)
    assert heir is not None
    found = list(heir.read())
    second = len(whole) - next(iter(heir.read())).end if cut <= 26 else 0
    assert [r.payload for r in found if isinstance(r, Record)] == ([b"first"] if second else [])
    is_clean = cut == second
    assert is_clean or (isinstance(found[-1], Damage) and found[-1].is_tail)
    heir.close()


def test_every_flipped_bit_is_noticed_and_costs_only_its_own_record(tmp_path: Path) -> None:
    made = Journal.create(tmp_path, "flips", 1 << 20)
    made.append([b"one", b"two", b"three"])
    whole = bytearray(made.path.read_bytes())
    made.remove()
    first = len(whole) // 3
    for bit in range(first * 8, (first + 20) * 8):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path = tmp_path / "damaged.journal"
        path.write_bytes(damaged)
        heir = Journal.adopt(path)
        assert heir is not None
        found = list(heir.read())
        kept = {r.payload for r in found if isinstance(r, Record)}
        assert any(isinstance(r, Damage) for r in found), f"bit {bit} was not noticed"
        assert len(kept) == 2, f"bit {bit} cost more than a record"
        assert kept < {b"one", b"two", b"three"}
        heir.remove()


@given(st.lists(st.binary(max_size=300), max_size=8), st.binary(max_size=40))
def test_anything_that_was_appended_is_read_whatever_follows(given_payloads: Made, rubbish: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        read_behind_rubbish(Path(folder), given_payloads, rubbish)


def read_behind_rubbish(folder: Path, given_payloads: Made, rubbish: bytes) -> None:
    made = Journal.create(folder, "one", 1 << 20)
    made.append(given_payloads)
    made.close()
    with made.path.open("ab") as file:
        file.write(rubbish)
    heir = Journal.adopt(made.path)
    assert heir is not None
    assert payloads(heir)[: len(given_payloads)] == given_payloads
    heir.remove()


def test_link_in_place_of_a_journal_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_bytes(b"")
    (tmp_path / "j.journal").symlink_to(target)
    assert Journal.adopt(tmp_path / "j.journal") is None
    with pytest.raises(JournalUnavailable):
        Journal.create(tmp_path, "j", 1 << 20)
