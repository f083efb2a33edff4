"""Checkpoint files: resumable work in a folder, for use without a database and for people with an editor.

A save writes a temporary file, flushes it, renames the last checkpoint to ``….previous``, renames the new
one into place and flushes the folder. So a crash at any point leaves the old checkpoint or the new one, and
a saved one survives a power failure. Each file carries a checksum and a length; files of other programs,
which have neither, are read too. The format is described in ``docs/reference/checkpoint-files.md``.
"""

from __future__ import annotations

from onward.checkpoints.partial import OldPartial, PartialFile
from onward.checkpoints.record import Checkpoint, plain_json
from onward.checkpoints.store import FileCheckpointStore

__all__ = [
    "Checkpoint",
    "FileCheckpointStore",
    "OldPartial",
    "PartialFile",
    "cleanup_stale_checkpoints",
    "delete_checkpoint",
    "get_interrupted_jobs",
    "load_checkpoint",
    "plain_json",
    "save_checkpoint",
]


def save_checkpoint(checkpoint: Checkpoint) -> None:
    """``FileCheckpointStore.save_checkpoint`` in the default folder."""
    FileCheckpointStore().save_checkpoint(checkpoint)


def load_checkpoint(source_id: str, job_type: str, *, worker_id: int = 0, total_workers: int = 1) -> Checkpoint | None:
    """``FileCheckpointStore.load_checkpoint`` in the default folder."""
    store = FileCheckpointStore()
    return store.load_checkpoint(source_id, job_type, worker_id=worker_id, total_workers=total_workers)


def delete_checkpoint(source_id: str, job_type: str, *, worker_id: int = 0, total_workers: int = 1) -> None:
    """``FileCheckpointStore.delete_checkpoint`` in the default folder."""
    store = FileCheckpointStore()
    store.delete_checkpoint(source_id, job_type, worker_id=worker_id, total_workers=total_workers)


def get_interrupted_jobs() -> list[Checkpoint]:
    """``FileCheckpointStore.get_interrupted_jobs`` in the default folder."""
    return FileCheckpointStore().get_interrupted_jobs()


def cleanup_stale_checkpoints(max_age_days: float = 7) -> int:
    """``FileCheckpointStore.cleanup_stale_checkpoints`` in the default folder."""
    return FileCheckpointStore().cleanup_stale_checkpoints(max_age_days)
