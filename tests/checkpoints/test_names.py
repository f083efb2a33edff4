"""No id, no link and no clash of names leads to a file that is not the job's own."""

import os
from pathlib import Path

import pytest

from onward.checkpoints import Checkpoint, FileCheckpointStore
from onward.errors import InvalidValue

BAD_IDS = [
    "", ".", "..", "../x", "a/b", "/etc/passwd", "a\\b", "a\0b", "a\n", "a b", "%2e%2e/x", "ä", "٣", "a:b",
    "~", "x" * 129, "a*", None, 7,
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD_IDS)
def test_ids_that_could_be_paths_are_refused_everywhere(bad: str, store: FileCheckpointStore) -> None:
    (store.folder.parent / "x_y.checkpoint.json").write_text("other")
    for source, kind in ((bad, "y"), ("x", bad)):
        for call in (store.load_checkpoint, store.delete_checkpoint, store.partial, store.load_old_partial):
            with pytest.raises(InvalidValue):
                call(source, kind)
        with pytest.raises(InvalidValue):
            store.save_checkpoint(Checkpoint(kind, source))
    assert os.listdir(store.folder) == []
    assert (store.folder.parent / "x_y.checkpoint.json").read_text() == "other"


@pytest.mark.parametrize("good", ["a", "A-b_c.d", "-", "_", "...", ".hidden", "CON", "x" * 100])
def test_other_ids_stay_in_the_folder(good: str, store: FileCheckpointStore) -> None:
    store.save_checkpoint(Checkpoint("metadata", good))
    loaded = store.load_checkpoint(good, "metadata")
    assert loaded
    assert loaded.source_id == good
    assert [saved.source_id for saved in store.get_interrupted_jobs()] == [good]
    assert os.listdir(store.folder.parent) == ["_jobs"]


def test_names_too_long_for_the_file_system_are_refused(store: FileCheckpointStore) -> None:
    with pytest.raises(InvalidValue, match="too long"):
        store.save_checkpoint(Checkpoint("x" * 128, "y" * 128))


def test_longest_name_can_be_set_aside(store: FileCheckpointStore) -> None:
    saved = Checkpoint("x" * 94, "y" * 95)
    store.save_checkpoint(saved)
    store.save_checkpoint(saved)
    for name in os.listdir(store.folder):
        (store.folder / name).write_bytes(b"")
    with pytest.raises(Exception, match="No valid checkpoint"):
        store.load_checkpoint(saved.source_id, saved.job_type)


def test_clash_of_names_is_said_and_changes_nothing(store: FileCheckpointStore) -> None:
    store.save_checkpoint(Checkpoint("c", "a_b", progress=5))
    clash = Checkpoint("b_c", "a")
    with pytest.raises(InvalidValue, match="belongs to source 'a_b' and job type 'c'"):
        store.load_checkpoint("a", "b_c")
    with pytest.raises(InvalidValue, match="belongs to"):
        store.delete_checkpoint("a", "b_c")
    with pytest.raises(InvalidValue, match="belongs to"):
        store.save_checkpoint(clash)
    loaded = store.load_checkpoint("a_b", "c")
    assert loaded
    assert loaded.progress == 5


def test_copied_file_is_not_listed_under_a_foreign_name(store: FileCheckpointStore) -> None:
    store.save_checkpoint(Checkpoint("metadata", "wiki"))
    data = (store.folder / "wiki_metadata.checkpoint.json").read_bytes()
    (store.folder / "other_metadata.checkpoint.json").write_bytes(data)
    assert len(store.get_interrupted_jobs()) == 1


def outside(store: FileCheckpointStore, name: str) -> Path:
    target = store.folder.parent / "outside"
    target.write_text("untouched")
    (store.folder / name).symlink_to(target)
    return target


@pytest.mark.parametrize("ending", ["", ".previous"])
def test_planted_link_is_not_followed(ending: str, store: FileCheckpointStore) -> None:
    target = outside(store, "wiki_metadata.checkpoint.json" + ending)
    with pytest.raises(InvalidValue, match="link"):
        store.load_checkpoint("wiki", "metadata")
    with pytest.raises(InvalidValue, match="link"):
        store.save_checkpoint(Checkpoint("metadata", "wiki"))
    assert store.get_interrupted_jobs() == []
    assert target.read_text() == "untouched"


def test_planted_link_as_partial_work_is_not_followed(store: FileCheckpointStore) -> None:
    target = outside(store, "wiki_metadata.partial.jsonl")
    with pytest.raises(InvalidValue, match="link"):
        store.partial("wiki", "metadata")
    store.delete_checkpoint("wiki", "metadata")
    assert target.read_text() == "untouched"
    target = outside(store, "wiki_metadata.partial.json")
    with pytest.raises(InvalidValue, match="link"):
        store.load_old_partial("wiki", "metadata")


def test_pipe_or_folder_in_place_of_a_file_does_not_block(store: FileCheckpointStore) -> None:
    os.mkfifo(store.folder / "a_x.checkpoint.json")
    (store.folder / "b_x.checkpoint.json").mkdir()
    os.mkfifo(store.folder / "c_x.partial.jsonl")
    for source in ("a", "b"):
        with pytest.raises(InvalidValue, match="plain file"):
            store.load_checkpoint(source, "x")
    with pytest.raises(InvalidValue, match="plain file"):
        store.partial("c", "x")


def test_partial_file_named_in_a_checkpoint_is_never_a_path_for_delete(store: FileCheckpointStore) -> None:
    (store.folder.parent / "outside").write_text("untouched")
    store.save_checkpoint(Checkpoint("other", "wiki"))
    for name in ("../outside", "wiki_other.checkpoint.json"):
        store.save_checkpoint(Checkpoint("metadata", "wiki", partial_file=name))
        store.delete_checkpoint("wiki", "metadata")
    assert (store.folder.parent / "outside").read_text() == "untouched"
    assert store.load_checkpoint("wiki", "other")
