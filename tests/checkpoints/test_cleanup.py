"""Stale checkpoints go after seven days, others stay."""

import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from onward.checkpoints import Checkpoint, FileCheckpointStore
from onward.clock import ManualClock
from onward.errors import InvalidValue


def set_time(path: Path, at: datetime) -> None:
    os.utime(path, (at.timestamp(), at.timestamp()))


def test_checkpoint_goes_when_it_is_older_than_seven_days(store: FileCheckpointStore, clock: ManualClock) -> None:
    store.save_checkpoint(Checkpoint("metadata", "old"))
    store.save_checkpoint(Checkpoint("metadata", "old"))
    store.partial("old", "metadata").append({"id": 1})
    clock.advance(days=1)
    store.save_checkpoint(Checkpoint("metadata", "young"))
    clock.advance(days=6)
    assert store.cleanup_stale_checkpoints() == 0
    clock.advance(seconds=1)
    assert store.cleanup_stale_checkpoints() == 1
    assert [saved.source_id for saved in store.get_interrupted_jobs()] == ["young"]
    assert not [name for name in os.listdir(store.folder) if name.startswith("old")]
    clock.advance(days=1)
    assert store.cleanup_stale_checkpoints() == 1
    assert os.listdir(store.folder) == []


def test_age_is_settable(store: FileCheckpointStore, clock: ManualClock) -> None:
    store.save_checkpoint(Checkpoint("metadata", "wiki"))
    clock.advance(hours=13)
    assert store.cleanup_stale_checkpoints(1) == 0
    assert store.cleanup_stale_checkpoints(max_age_days=0.5) == 1


@pytest.mark.parametrize("days", [-1, True, float("nan")])
def test_senseless_age_is_refused(days: float, store: FileCheckpointStore) -> None:
    with pytest.raises(InvalidValue):
        store.cleanup_stale_checkpoints(days)


def test_each_save_starts_the_seven_days_again(store: FileCheckpointStore, clock: ManualClock) -> None:
    saved = Checkpoint("metadata", "wiki")
    for _ in range(5):
        store.save_checkpoint(saved)
        clock.advance(days=5)
    assert store.cleanup_stale_checkpoints() == 0


def test_file_without_a_time_is_judged_by_its_own(store: FileCheckpointStore, clock: ManualClock) -> None:
    path = store.folder / "wiki_metadata.checkpoint.json"
    path.write_text('{"job_type": "metadata", "source_id": "wiki"}')
    set_time(path, clock.now())
    assert store.cleanup_stale_checkpoints() == 0
    clock.advance(days=8)
    assert store.cleanup_stale_checkpoints() == 1


def test_file_altered_by_hand_is_judged_by_what_it_says(store: FileCheckpointStore, clock: ManualClock) -> None:
    store.save_checkpoint(Checkpoint("metadata", "wiki"))
    path = store.folder / "wiki_metadata.checkpoint.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "last_saved": "2020-01-01T00:00:00"}))
    assert store.cleanup_stale_checkpoints() == 1


def test_altered_file_beside_a_valid_one_counts_as_the_valid_one(
    store: FileCheckpointStore, clock: ManualClock
) -> None:
    store.save_checkpoint(Checkpoint("metadata", "wiki"))
    store.save_checkpoint(Checkpoint("metadata", "wiki"))
    path = store.folder / "wiki_metadata.checkpoint.json"
    path.write_text(path.read_text().replace("2026", "2016"))
    assert store.cleanup_stale_checkpoints() == 0


def test_what_crashes_left_goes_too_and_what_is_foreign_stays(store: FileCheckpointStore, clock: ManualClock) -> None:
    left = [
        ".onward-0123456789abcdef.tmp",
        "gone_metadata.partial.jsonl",
        "wiki_index.checkpoint.json.damaged-20260101T000000Z",
        "wiki_index.checkpoint.json.previous.damaged-20260101T000000Z-2",
    ]
    foreign = ["notes.txt", "README.md", "x.damaged-y"]
    store.save_checkpoint(Checkpoint("metadata", "wiki"))
    store.partial("wiki", "metadata").append(1)
    for name in [*left, *foreign, "wiki_metadata.partial.jsonl"]:
        (store.folder / name).touch()
        set_time(store.folder / name, clock.now())
    clock.advance(days=6)
    store.save_checkpoint(Checkpoint("metadata", "wiki"))
    assert store.cleanup_stale_checkpoints() == 0
    assert set(left) < set(os.listdir(store.folder))
    clock.advance(days=2)
    assert store.cleanup_stale_checkpoints() == 0
    names = set(os.listdir(store.folder))
    assert not names & set(left)
    assert {*foreign, "wiki_metadata.partial.jsonl"} < names
