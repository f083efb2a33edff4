"""Partial work grows by appending and is cut back to the checkpoint."""

import errno
import json
import os

import pytest

from onward.checkpoints import Checkpoint, FileCheckpointStore, PartialFile
from onward.errors import CorruptCheckpoint, InvalidValue


@pytest.fixture
def partial(store: FileCheckpointStore) -> PartialFile:
    return store.partial("wiki", "metadata")


def test_records_come_back_in_order(store: FileCheckpointStore, partial: PartialFile) -> None:
    records = [{"id": "zim_0", "title": "ä\n"}, [1, None], "text", 5.5]
    for record in records:
        partial.append(record)
    assert list(partial) == records
    assert len(partial) == 4
    partial.close()
    with store.partial("wiki", "metadata") as again:
        again.append("more")
        assert list(again) == [*records, "more"]


def test_what_was_appended_after_the_save_is_cut_off(store: FileCheckpointStore, partial: PartialFile) -> None:
    saved = Checkpoint("metadata", "wiki")
    for at in range(5):
        partial.append(at)
    partial.mark(saved)
    store.save_checkpoint(saved)
    partial.append("lost")
    again, loaded = store.partial("wiki", "metadata"), store.load_checkpoint("wiki", "metadata")
    assert loaded
    assert loaded.partial_file == "wiki_metadata.partial.jsonl"
    again.cut_back(loaded)
    assert list(again) == [0, 1, 2, 3, 4]
    again.append(5)
    assert list(again) == [0, 1, 2, 3, 4, 5]


def test_without_a_checkpoint_nothing_is_kept(partial: PartialFile) -> None:
    partial.append(1)
    partial.cut_back(Checkpoint("metadata", "wiki"))
    assert list(partial) == []
    partial.append(1)
    partial.cut_back(None)
    assert partial.size == partial.path.stat().st_size == 0


def test_checkpoint_without_a_mark_is_refused(partial: PartialFile) -> None:
    partial.append(1)
    with pytest.raises(InvalidValue, match="no mark"):
        partial.cut_back(Checkpoint("metadata", "wiki", partial_file=partial.path.name))
    assert list(partial) == [1]


def test_truncate_by_records_and_by_bytes(partial: PartialFile) -> None:
    for at in range(10):
        partial.append({"at": at})
    partial.truncate(records=4)
    assert list(partial) == [{"at": at} for at in range(4)]
    partial.truncate(size=partial.size - 1)
    assert list(partial) == [{"at": at} for at in range(3)]
    partial.truncate(records=99)
    assert len(partial) == 3


def test_unfinished_last_line_is_dropped(store: FileCheckpointStore, partial: PartialFile) -> None:
    partial.append({"at": 1})
    with partial.path.open("ab") as file:
        file.write(b'{"at": 2')
    again = store.partial("wiki", "metadata")
    again.append({"at": 3})
    assert list(again) == [{"at": 1}, {"at": 3}]


def test_every_flipped_bit_and_every_truncation_before_the_mark_is_seen(
    store: FileCheckpointStore, partial: PartialFile
) -> None:
    saved = Checkpoint("metadata", "wiki")
    for at in range(3):
        partial.append({"id": f"zim_{at}", "title": "ä"})
    partial.mark(saved)
    data = partial.path.read_bytes()
    flipped = [data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :] for at in range(len(data)) for bit in range(8)]
    for bad in [*flipped, *(data[:length] for length in range(len(data)))]:
        partial.path.write_bytes(bad)
        with store.partial("wiki", "metadata") as again, pytest.raises(CorruptCheckpoint):
            again.cut_back(saved)


def test_damaged_line_names_its_number(partial: PartialFile) -> None:
    for at in range(3):
        partial.append(at)
    partial.path.write_bytes(b"0\nx\n2\n")
    with pytest.raises(CorruptCheckpoint, match="Line 2"):
        list(partial)


def test_full_disk_leaves_whole_records(partial: PartialFile, monkeypatch: pytest.MonkeyPatch) -> None:
    partial.append({"at": 1})
    real = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) > 3:
            return real(descriptor, bytes(data)[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            partial.append({"at": 2})
    partial.append({"at": 3})
    assert partial.path.read_bytes() == b'{"at":1}\n{"at":3}\n'


def test_what_is_not_json_is_refused(partial: PartialFile) -> None:
    for record in ({1: 2}, object(), float("nan"), {"a", "b"}):
        with pytest.raises(InvalidValue):
            partial.append(record)
    assert partial.path.read_bytes() == b""


def test_cost_of_an_append_does_not_grow(partial: PartialFile, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in range(1000):
        partial.append({"at": at})
    written: list[int] = []
    real = os.write
    monkeypatch.setattr(os, "write", lambda to, data: written.append(len(data)) or real(to, data))  # type: ignore[func-returns-value]
    monkeypatch.setattr(os, "read", None)
    partial.append({"at": 1000})
    assert written == [len(b'{"at":1000}\n')]


def test_old_partial_work_is_read(store: FileCheckpointStore) -> None:
    old = {
        "source_id": "wiki",
        "documents": {"zim_0": {"title": "A"}, "zim_1": {"title": "B"}},
        "language_filtered": 5000,
        "last_article_index": 203847,
        "more": True,
    }
    assert store.load_old_partial("wiki", "metadata") is None
    path = store.folder / "wiki_metadata.partial.json"
    path.write_text(json.dumps(old))
    found = store.load_old_partial("wiki", "metadata")
    assert found
    assert (found.documents, found.language_filtered, found.last_article_index, found.extra) == (
        old["documents"],
        5000,
        203847,
        {"more": True},
    )
    path.write_text(json.dumps({**old, "source_id": "other"}))
    with pytest.raises(InvalidValue, match="another source"):
        store.load_old_partial("wiki", "metadata")
    path.write_text('{"documents": []}')
    with pytest.raises(CorruptCheckpoint):
        store.load_old_partial("wiki", "metadata")
    path.write_text('{"documents"')
    with pytest.raises(CorruptCheckpoint):
        store.load_old_partial("wiki", "metadata")
