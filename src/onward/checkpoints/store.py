"""A folder of checkpoint files."""

from __future__ import annotations

import logging
import os
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from onward.checkpoints.disk import flush, flush_folder, make_folder, open_plain, read_plain, write_all
from onward.checkpoints.format import decode, encode, parse
from onward.checkpoints.partial import OldPartial, PartialFile
from onward.checkpoints.record import Checkpoint, check_id, check_number
from onward.clock import Clock, SystemClock
from onward.errors import CorruptCheckpoint, InvalidValue

MAX_STEM = 190
"""With the longest ending that we add, a file name stays within the 255 bytes of common file systems."""

SUFFIX = ".checkpoint.json"
PREVIOUS = SUFFIX + ".previous"
PARTIAL = ".partial.jsonl"
OLD_PARTIAL = ".partial.json"

_DAMAGED = re.compile(r"(.*)\.checkpoint\.json(\.previous)?\.damaged-\d{8}T\d{6}Z(-\d+)?")
_log = logging.getLogger(__name__)


class FileCheckpointStore:
    """Checkpoints in one folder, which is made if it is missing.

    ``folder`` is by default ``_jobs`` in the backup path: ``ONWARD_BACKUP_PATH``, else ``BACKUP_PATH``, else
    ``backups``. Ids that do not match ``[A-Za-z0-9._-]{1,128}`` raise ``InvalidValue``; a folder that cannot
    be written, or is full, raises ``OSError`` and leaves what was saved before.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None, *, clock: Clock | None = None) -> None:
        self.folder = Path(folder) if folder is not None else default_folder()
        self._clock = clock or SystemClock()
        make_folder(self.folder)

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Save it; when this returns, it is on the disk. The one before is kept as ``….previous``."""
        stem = _stem_of(checkpoint)
        last, damaged = self._newest(stem)
        if last:
            _require_owner(last, stem, checkpoint.source_id, checkpoint.job_type)
        now = self._clock.now()
        if last or checkpoint.last_saved is None:
            checkpoint.last_saved = now
        checkpoint.created_at = checkpoint.created_at or checkpoint.last_saved
        temporary = self._write_temporary(encode(checkpoint))
        try:
            self._set_aside(damaged)
            with suppress(FileNotFoundError):
                os.replace(self.folder / (stem + SUFFIX), self.folder / (stem + PREVIOUS))
            os.replace(temporary, self.folder / (stem + SUFFIX))
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        flush_folder(self.folder)

    def load_checkpoint(
        self, source_id: str, job_type: str, *, worker_id: int = 0, total_workers: int = 1
    ) -> Checkpoint | None:
        """The last valid checkpoint, or None if nothing was saved.

        A damaged file is set aside under another name with a warning, and the one before is returned. If none
        is valid, ``CorruptCheckpoint`` is raised, now and until ``delete_checkpoint`` or a new save. A file
        that belongs to another source and type with the same file name raises ``InvalidValue``.
        """
        stem = _stem(source_id, job_type, worker_id, total_workers)
        saved, damaged = self._newest(stem)
        if saved:
            _require_owner(saved, stem, source_id, job_type)
        self._set_aside(damaged)
        aside = [] if saved else self._set_aside_names(stem)
        if aside:
            hint = f"Look at {', '.join(aside)} in {self.folder}, or delete the checkpoint and start afresh."
            raise CorruptCheckpoint(f"No valid checkpoint is left of {source_id} {job_type}.", hint=hint)
        return saved

    def delete_checkpoint(self, source_id: str, job_type: str, *, worker_id: int = 0, total_workers: int = 1) -> None:
        """Delete the checkpoint, its partial work and what was set aside of it; nothing there is no error."""
        stem = _stem(source_id, job_type, worker_id, total_workers)
        saved, _damaged = self._newest(stem)
        if saved:
            _require_owner(saved, stem, source_id, job_type)
        self._delete(stem)

    def get_interrupted_jobs(self) -> list[Checkpoint]:
        """All checkpoints that can be resumed, the newest first; files that cannot be read are logged."""
        found = [saved for stem in self._stems() if (saved := self._readable(stem))]
        oldest = datetime.min.replace(tzinfo=UTC)
        return sorted(found, key=lambda saved: saved.last_saved or oldest, reverse=True)

    def cleanup_stale_checkpoints(self, max_age_days: float = 7) -> int:
        """Delete checkpoints last saved more than ``max_age_days`` ago, with their partial work; how many.

        What crashes left behind goes after the same time: temporary files, partial work without a checkpoint,
        and damaged files.
        """
        if isinstance(max_age_days, bool) or not max_age_days >= 0:
            raise InvalidValue(f"max_age_days must be 0 or more, not {max_age_days!r}.")
        limit = self._clock.now() - timedelta(days=max_age_days)
        stale = [stem for stem in self._stems() if self._saved_at(stem) < limit]
        for stem in stale:
            self._delete(stem)
        kept = tuple(stem + "." for stem in self._stems())
        for name in os.listdir(self.folder):
            left = name.endswith((PARTIAL, OLD_PARTIAL)) and not name.startswith(kept)
            left = left or (name.startswith(".onward-") and name.endswith(".tmp"))
            if (left or _DAMAGED.fullmatch(name)) and self._written_at(name) < limit:
                self._unlink(name)
        return len(stale)

    def partial(self, source_id: str, job_type: str, *, worker_id: int = 0, total_workers: int = 1) -> PartialFile:
        """The partial work of a job, opened for appending."""
        return PartialFile(self.folder / (_stem(source_id, job_type, worker_id, total_workers) + PARTIAL))

    def load_old_partial(self, source_id: str, job_type: str) -> OldPartial | None:
        """The partial work that an older program left as one JSON object, or None."""
        name = _stem(source_id, job_type, 0, 1) + OLD_PARTIAL
        data = read_plain(self.folder / name)
        if data is None:
            return None
        members = parse(data)
        if members.pop("source_id", source_id) != source_id:
            raise InvalidValue(f"{name} belongs to another source.", hint="Rename one of the two sources.")
        documents = members.pop("documents", {})
        if not isinstance(documents, dict):
            raise CorruptCheckpoint(f"{name} has no object of documents.")
        filtered, index = members.pop("language_filtered", 0), members.pop("last_article_index", None)
        return OldPartial(source_id, documents, filtered, index, members)

    # What follows is the folder itself.

    def _newest(self, stem: str) -> tuple[Checkpoint | None, dict[str, str]]:
        """The newest valid checkpoint; and the damaged files that are newer, each with what is wrong."""
        damaged: dict[str, str] = {}
        for name in (stem + SUFFIX, stem + PREVIOUS):
            data = read_plain(self.folder / name)
            if data is not None:
                try:
                    return decode(data), damaged
                except CorruptCheckpoint as error:
                    damaged[name] = str(error)
        return None, damaged

    def _readable(self, stem: str) -> Checkpoint | None:
        """The checkpoint as a list shows it: nothing is set aside, and nothing raises."""
        try:
            saved, damaged = self._newest(stem)
            if saved and stem not in (_stem_of(saved), _stem(saved.source_id, saved.job_type, 0, 1)):
                raise InvalidValue("What it says inside belongs to another name.")
        except InvalidValue as error:
            _log.warning("Checkpoint %s in %s is left out. %s", stem, self.folder, error)
            return None
        for name, problem in damaged.items():
            _log.warning("Checkpoint file %s is damaged. %s", self.folder / name, problem)
        return saved

    def _saved_at(self, stem: str) -> datetime:
        """When it was last saved: as the newest valid file says, else a damaged one, else the file's time."""
        for sealed in (True, False):
            for name in (stem + SUFFIX, stem + PREVIOUS):
                with suppress(CorruptCheckpoint, InvalidValue):
                    data = read_plain(self.folder / name)
                    saved = decode(data, sealed=sealed) if data is not None else None
                    if saved and saved.last_saved:
                        return saved.last_saved
        return max(self._written_at(name) for name in (stem + SUFFIX, stem + PREVIOUS))

    def _written_at(self, name: str) -> datetime:
        try:
            return datetime.fromtimestamp(os.lstat(self.folder / name).st_mtime, UTC)
        except FileNotFoundError:
            return datetime.min.replace(tzinfo=UTC)

    def _stems(self) -> list[str]:
        names = os.listdir(self.folder)
        ends = (SUFFIX, PREVIOUS)
        return sorted({name.removesuffix(end) for name in names for end in ends if name.endswith(end)})

    def _set_aside_names(self, stem: str) -> list[str]:
        found = ((name, _DAMAGED.fullmatch(name)) for name in os.listdir(self.folder))
        return sorted(name for name, match in found if match and match[1] == stem)

    def _set_aside(self, damaged: dict[str, str]) -> None:
        """Rename damaged files, never over others, and flushed before something else takes the name."""
        for name, problem in damaged.items():
            aside = first = f"{name}.damaged-{self._clock.now():%Y%m%dT%H%M%SZ}"
            count = 1
            while os.path.lexists(self.folder / aside):
                count += 1
                aside = f"{first}-{count}"
            with suppress(FileNotFoundError):
                os.replace(self.folder / name, self.folder / aside)
                _log.warning("Checkpoint file %s is damaged, set aside as %s. %s", name, aside, problem)
        if damaged:
            flush_folder(self.folder)

    def _write_temporary(self, data: bytes) -> Path:
        while True:
            path = self.folder / f".onward-{self._clock.random_bits(64):016x}.tmp"
            try:
                descriptor = open_plain(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
                break
            except FileExistsError:
                continue
        try:
            try:
                write_all(descriptor, data)
                flush(descriptor)
            finally:
                os.close(descriptor)
        except BaseException:
            with suppress(OSError):
                os.unlink(path)
            raise
        return path

    def _delete(self, stem: str) -> None:
        # The older one first, and flushed: else a crash could leave it alone, and work would go back to it.
        # Partial work last: a checkpoint without it would skip what is gone.
        self._unlink(*self._set_aside_names(stem), stem + PREVIOUS)
        self._unlink(stem + SUFFIX)
        self._unlink(stem + PARTIAL, stem + OLD_PARTIAL)

    def _unlink(self, *names: str) -> None:
        gone = False
        for name in names:
            with suppress(FileNotFoundError):
                os.unlink(self.folder / name)
                gone = True
        if gone:
            flush_folder(self.folder)


def default_folder() -> Path:
    """Where checkpoints live unless a folder is given; reads the environment at each call."""
    backups = os.environ.get("ONWARD_BACKUP_PATH") or os.environ.get("BACKUP_PATH") or "backups"
    return Path(backups).expanduser() / "_jobs"


def _stem(source_id: str, job_type: str, worker_id: int, total_workers: int) -> str:
    stem = f"{check_id(source_id, 'source id')}_{check_id(job_type, 'job type')}"
    check_number(total_workers, "total_workers", least=1)
    check_number(worker_id, "worker_id")
    if total_workers > 1:
        stem += f".w{worker_id}of{total_workers}"
    if len(stem) > MAX_STEM:
        hint = f"Keep both together below {MAX_STEM - 20} characters."
        raise InvalidValue(f"The file name of {source_id} {job_type} would be too long.", hint=hint)
    return stem


def _stem_of(saved: Checkpoint) -> str:
    return _stem(saved.source_id, saved.job_type, saved.worker_id, saved.total_workers)


def _require_owner(saved: Checkpoint, stem: str, source_id: str, job_type: str) -> None:
    if (saved.source_id, saved.job_type) != (source_id, job_type):
        raise InvalidValue(
            f"{stem}{SUFFIX} belongs to source {saved.source_id!r} and job type {saved.job_type!r}, "
            f"not to {source_id!r} and {job_type!r}.",
            hint="Both make the same file name: use another folder or other ids for one of them.",
        )
