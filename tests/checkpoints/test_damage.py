"""Damage is seen, set aside, and the checkpoint before is used."""

import json
import logging
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.checkpoints import Checkpoint, FileCheckpointStore
from onward.clock import ManualClock
from onward.errors import CorruptCheckpoint, InvalidValue

FILE = "wiki_metadata.checkpoint.json"


def is_seen(store: FileCheckpointStore, data: bytes) -> bool:
    """Whether damaged data is told from a checkpoint; what is read without an error is what was saved."""
    (store.folder / FILE).write_bytes(data)
    try:
        store.load_checkpoint("wiki", "metadata")
    except (CorruptCheckpoint, InvalidValue):
        for name in os.listdir(store.folder):
            os.unlink(store.folder / name)
        return True
    return False


def sample(store: FileCheckpointStore) -> bytes:
    store.save_checkpoint(
        Checkpoint(
            "metadata",
            "wiki",
            progress=45,
            errors=[{"at": 1, "text": "späte \u2028 Zeile"}],
            extra={"a": None},
        )
    )
    return (store.folder / FILE).read_bytes()


def test_every_flipped_bit_is_seen(store: FileCheckpointStore) -> None:
    data = sample(store)
    for at in range(len(data)):
        for bit in range(8):
            assert is_seen(store, data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]), (at, bit)


def test_every_truncation_is_seen(store: FileCheckpointStore) -> None:
    data = sample(store)
    for length in range(len(data)):
        assert is_seen(store, data[:length]), length


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(value=VALUES, data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_content_survives_and_any_flipped_bit_is_seen_or_changes_nothing(
    value: object, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = FileCheckpointStore(tmp_path_factory.mktemp("jobs"), clock=ManualClock())
    saved = Checkpoint("metadata", "wiki", errors=[value])
    store.save_checkpoint(saved)
    assert store.load_checkpoint("wiki", "metadata") == saved
    good = (store.folder / FILE).read_bytes()
    for at in data.draw(st.lists(st.integers(0, len(good) * 8 - 1), min_size=20, max_size=20)):
        bad = bytearray(good)
        bad[at // 8] ^= 1 << at % 8
        if not is_seen(store, bytes(bad)):
            assert store.load_checkpoint("wiki", "metadata") == saved


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"job_type": "metadata"}',
        '{"job_type": "metadata", "source_id": "wiki", "progress": "much"}',
        '{"job_type": "metadata", "source_id": "wiki", "progress": NaN}',
        '{"job_type": "metadata", "source_id": "wiki", "source_id": "wiki"}',
        '{"job_type": "metadata", "source_id": "wiki", "last_saved": "soon"}',
        '{"job_type": "metadata", "source_id": "../wiki"}',
        '{"job_type": "metadata", "source_id": "wiki", "errors": ' + "[" * 100_000,
    ],
)
def test_what_is_no_checkpoint_is_set_aside(text: str, store: FileCheckpointStore) -> None:
    (store.folder / FILE).write_text(text)
    with pytest.raises(CorruptCheckpoint):
        store.load_checkpoint("wiki", "metadata")
    assert (store.folder / f"{FILE}.damaged-20260101T000000Z").read_text() == text


def test_damaged_file_is_set_aside_and_the_one_before_is_used(
    store: FileCheckpointStore, caplog: pytest.LogCaptureFixture
) -> None:
    for progress in (10, 20):
        store.save_checkpoint(Checkpoint("metadata", "wiki", progress=progress))
    (store.folder / FILE).write_bytes(b"torn")
    listed = store.get_interrupted_jobs()
    assert [saved.progress for saved in listed] == [10]
    assert (store.folder / FILE).read_bytes() == b"torn", "a list changes nothing"
    with caplog.at_level(logging.WARNING):
        loaded = store.load_checkpoint("wiki", "metadata")
    assert loaded
    assert loaded.progress == 10
    assert "set aside" in caplog.text
    assert (store.folder / f"{FILE}.damaged-20260101T000000Z").read_bytes() == b"torn"
    again = store.load_checkpoint("wiki", "metadata")
    assert again
    assert again.progress == 10


def test_save_over_a_damaged_file_keeps_the_good_one_before(store: FileCheckpointStore) -> None:
    for progress in (10, 20):
        store.save_checkpoint(Checkpoint("metadata", "wiki", progress=progress))
    (store.folder / FILE).write_bytes(b"torn")
    store.save_checkpoint(Checkpoint("metadata", "wiki", progress=30))
    assert json.loads((store.folder / f"{FILE}.previous").read_text())["progress"] == 10
    assert (store.folder / f"{FILE}.damaged-20260101T000000Z").exists()


def test_set_aside_never_overwrites(store: FileCheckpointStore) -> None:
    for text in ("one", "two", "three"):
        (store.folder / FILE).write_text(text)
        with pytest.raises(CorruptCheckpoint):
            store.load_checkpoint("wiki", "metadata")
    aside = sorted(name for name in os.listdir(store.folder) if "damaged" in name)
    assert [(store.folder / name).read_text() for name in aside] == ["one", "two", "three"]


def test_corruption_is_said_until_somebody_decides(store: FileCheckpointStore) -> None:
    store.save_checkpoint(Checkpoint("metadata", "wiki"))
    store.save_checkpoint(Checkpoint("metadata", "wiki"))
    for name in os.listdir(store.folder):
        (store.folder / name).write_bytes(b"{")
    for _ in range(2):
        with pytest.raises(CorruptCheckpoint, match="damaged-"):
            store.load_checkpoint("wiki", "metadata")
    store.delete_checkpoint("wiki", "metadata")
    assert store.load_checkpoint("wiki", "metadata") is None
    assert os.listdir(store.folder) == []


def test_newer_format_is_refused_and_left_alone(store: FileCheckpointStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        later.setattr("onward.checkpoints.format.FORMAT", "onward/2")
        store.save_checkpoint(Checkpoint("metadata", "wiki"))
    with pytest.raises(InvalidValue, match="Upgrade"):
        store.load_checkpoint("wiki", "metadata")
    assert os.listdir(store.folder) == [FILE]


def test_seals_cannot_be_left_out_one_by_one(store: FileCheckpointStore) -> None:
    members = json.loads(sample(store))
    for name in ("format", "length", "checksum"):
        rest = {each: value for each, value in members.items() if each != name}
        assert is_seen(store, json.dumps(rest).encode()), name


def test_huge_file_is_not_read(tmp_path: Path, store: FileCheckpointStore) -> None:
    with (store.folder / FILE).open("wb") as file:
        file.truncate(2**36)
    with pytest.raises(InvalidValue, match="more than"):
        store.load_checkpoint("wiki", "metadata")
