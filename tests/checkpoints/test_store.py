"""What is saved is what is loaded, under the promised names."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from onward import checkpoints
from onward.checkpoints import Checkpoint, FileCheckpointStore
from onward.clock import ManualClock
from onward.errors import InvalidValue


def full() -> Checkpoint:
    return Checkpoint(
        "metadata",
        "wikipedia-medical",
        progress=45,
        work_range_end=450_000,
        last_article_index=203_847,
        partial_file="wikipedia-medical_metadata.partial.jsonl",
        documents_processed=15_234,
        errors=[{"article_index": 1234, "error": "Parse error"}],
        phases_completed=[0],
        phase_results=[{"phase": "Clear", "index": 0, "result": None}],
        extra={"indexed_doc_ids": ["ä", "b"]},
    )


def test_saved_checkpoint_is_loaded_again(store: FileCheckpointStore) -> None:
    saved = full()
    store.save_checkpoint(saved)
    assert store.load_checkpoint("wikipedia-medical", "metadata") == saved
    assert saved.last_saved == saved.created_at == datetime(2026, 1, 1, tzinfo=UTC)


def test_nothing_saved_is_none(store: FileCheckpointStore) -> None:
    assert store.load_checkpoint("wiki", "metadata") is None
    assert store.get_interrupted_jobs() == []
    store.delete_checkpoint("wiki", "metadata")


def test_file_has_the_promised_name_and_members(store: FileCheckpointStore) -> None:
    store.save_checkpoint(full())
    members = json.loads((store.folder / "wikipedia-medical_metadata.checkpoint.json").read_text())
    assert list(members) == [
        "format", "job_type", "source_id", "progress", "created_at", "last_saved", "worker_id",
        "total_workers", "work_range_start", "work_range_end", "last_article_index", "partial_file",
        "documents_processed", "errors", "phases_completed", "phase_results", "indexed_doc_ids",
        "length", "checksum",
    ]  # fmt: skip
    assert members["last_saved"] == "2026-01-01T00:00:00+00:00"


def test_one_before_is_kept_and_nothing_else(store: FileCheckpointStore) -> None:
    for progress in (1, 2, 3):
        store.save_checkpoint(Checkpoint("metadata", "wiki", progress=progress))
    assert sorted(os.listdir(store.folder)) == [
        "wiki_metadata.checkpoint.json",
        "wiki_metadata.checkpoint.json.previous",
    ]
    assert json.loads((store.folder / "wiki_metadata.checkpoint.json.previous").read_text())["progress"] == 2


def test_save_sets_last_saved_and_keeps_created_at(store: FileCheckpointStore, clock: ManualClock) -> None:
    store.save_checkpoint(Checkpoint("metadata", "wiki"))
    clock.advance(hours=1)
    again = store.load_checkpoint("wiki", "metadata")
    assert again
    store.save_checkpoint(again)
    assert again.last_saved == clock.now()
    assert again.created_at == datetime(2026, 1, 1, tzinfo=UTC)


def test_first_save_keeps_a_time_brought_along(store: FileCheckpointStore) -> None:
    store.save_checkpoint(Checkpoint("metadata", "wiki", last_saved="2025-12-06T20:15:00"))  # type: ignore[arg-type]
    saved = store.load_checkpoint("wiki", "metadata")
    assert saved
    assert saved.last_saved == datetime(2025, 12, 6, 20, 15, tzinfo=UTC)


def test_file_of_another_program_is_read(store: FileCheckpointStore) -> None:
    old = {
        "job_type": "metadata",
        "source_id": "wiki",
        "progress": 45.5,
        "created_at": "2025-12-06T20:00:00",
        "last_saved": "2025-12-06T20:15:00",
        "worker_id": 0,
        "total_workers": 1,
        "work_range_start": 0,
        "work_range_end": None,
        "last_article_index": 203847,
        "partial_file": "wiki_metadata.partial.json",
        "documents_processed": 15234,
        "errors": None,
        "cursor": {"page": 3},
    }
    (store.folder / "wiki_metadata.checkpoint.json").write_text(json.dumps(old, indent=4) + "\n")
    saved = store.load_checkpoint("wiki", "metadata")
    assert saved
    assert (saved.progress, saved.last_article_index, saved.errors) == (45.5, 203847, [])
    assert saved.created_at == datetime(2025, 12, 6, 20, tzinfo=UTC)
    assert saved.extra == {"cursor": {"page": 3}}
    store.save_checkpoint(saved)
    assert store.load_checkpoint("wiki", "metadata") == saved


def test_re_indented_file_is_still_valid(store: FileCheckpointStore) -> None:
    saved = full()
    store.save_checkpoint(saved)
    path = store.folder / "wikipedia-medical_metadata.checkpoint.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=8, sort_keys=True) + "\r\n")
    assert store.load_checkpoint("wikipedia-medical", "metadata") == saved


def test_ranges_have_files_of_their_own(store: FileCheckpointStore) -> None:
    for worker in range(3):
        store.save_checkpoint(Checkpoint("index", "wiki", worker_id=worker, total_workers=3, progress=worker))
    assert "wiki_index.w2of3.checkpoint.json" in os.listdir(store.folder)
    loaded = store.load_checkpoint("wiki", "index", worker_id=2, total_workers=3)
    assert loaded
    assert loaded.progress == 2
    assert store.load_checkpoint("wiki", "index") is None
    assert len(store.get_interrupted_jobs()) == 3
    store.delete_checkpoint("wiki", "index", worker_id=2, total_workers=3)
    assert len(store.get_interrupted_jobs()) == 2
    assert store.partial("wiki", "index", worker_id=1, total_workers=3).path.name == "wiki_index.w1of3.partial.jsonl"


def test_delete_takes_partial_work_along_and_nothing_of_others(store: FileCheckpointStore) -> None:
    for kind in ("index", "index2"):
        for _ in range(2):
            store.save_checkpoint(Checkpoint(kind, "wiki"))
        store.partial("wiki", kind).append(1)
    (store.folder / "wiki_index.partial.json").write_text("{}")
    store.delete_checkpoint("wiki", "index")
    assert store.load_checkpoint("wiki", "index") is None
    assert sorted(os.listdir(store.folder)) == [
        "wiki_index2.checkpoint.json",
        "wiki_index2.checkpoint.json.previous",
        "wiki_index2.partial.jsonl",
    ]


def test_interrupted_jobs_come_newest_first(store: FileCheckpointStore, clock: ManualClock) -> None:
    for name in ("a", "b", "c"):
        clock.advance(minutes=1)
        store.save_checkpoint(Checkpoint("index", name))
    assert [saved.source_id for saved in store.get_interrupted_jobs()] == ["c", "b", "a"]


@pytest.mark.parametrize("names", [("ONWARD_BACKUP_PATH", "BACKUP_PATH"), ("BACKUP_PATH",), ()])
def test_default_folder_is_read_at_each_call(
    names: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("ONWARD_BACKUP_PATH", "BACKUP_PATH"):
        monkeypatch.delenv(name, raising=False)
    for name in names:
        monkeypatch.setenv(name, str(tmp_path / name))
    checkpoints.save_checkpoint(Checkpoint("metadata", "wiki", progress=5))
    folder = tmp_path / (names[0] if names else "backups") / "_jobs"
    assert (folder / "wiki_metadata.checkpoint.json").exists()
    loaded = checkpoints.load_checkpoint("wiki", "metadata")
    assert loaded
    assert loaded.progress == 5
    assert len(checkpoints.get_interrupted_jobs()) == 1
    assert checkpoints.cleanup_stale_checkpoints() == 0
    checkpoints.delete_checkpoint("wiki", "metadata")
    assert os.listdir(folder) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"progress": 101},
        {"progress": "45"},
        {"progress": float("nan")},
        {"worker_id": 2, "total_workers": 2},
        {"documents_processed": -1},
        {"errors": {"a": 1}},
        {"errors": [{1: "key"}]},
        {"errors": [float("inf")]},
        {"errors": [object()]},
        {"errors": ["\ud800"]},
        {"errors": [2**63]},
        {"extra": {"progress": 1}},
        {"extra": {"checksum": "x"}},
        {"extra": {"big": "x" * (8 * 1024 * 1024)}},
        {"phase_results": [{"result": datetime(2026, 1, 1, tzinfo=UTC)}]},
    ],
)
def test_what_cannot_be_kept_is_refused_and_the_last_stays(
    wrong: dict[str, object], store: FileCheckpointStore
) -> None:
    store.save_checkpoint(Checkpoint("metadata", "wiki", progress=7))
    with pytest.raises(InvalidValue):
        store.save_checkpoint(Checkpoint("metadata", "wiki", **wrong))  # type: ignore[arg-type]
    loaded = store.load_checkpoint("wiki", "metadata")
    assert loaded
    assert loaded.progress == 7
    assert len(os.listdir(store.folder)) == 1


def test_deep_value_is_refused(store: FileCheckpointStore) -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidValue, match="nested deeper"):
        store.save_checkpoint(Checkpoint("metadata", "wiki", errors=deep))


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01"])
def test_wrong_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="last_saved"):
        Checkpoint("metadata", "wiki", last_saved=text)  # type: ignore[arg-type]


def test_time_without_zone_is_refused() -> None:
    with pytest.raises(InvalidValue, match="zone"):
        Checkpoint("metadata", "wiki", created_at=datetime(2026, 1, 1))  # noqa: DTZ001 - a time without a zone is what is refused
