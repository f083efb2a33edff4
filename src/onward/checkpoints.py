"""Checkpoint files: resumable work in a folder, for use without a database and for people with an editor.

A save writes a temporary file, flushes it, renames the last checkpoint to ``….previous``, renames the new
one into place and flushes the folder. So a crash at any point leaves the old checkpoint or the new one, and
a saved one survives a power failure. Each file carries a checksum and a length; files of other programs,
which have neither, are read too. The format is described in ``docs/reference/checkpoint-files.md``.

The module is longer than most: record, format, folder and partial work are one promise, in this order.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import math
import os
import re
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from onward.clock import Clock, SystemClock
from onward.errors import CorruptCheckpoint, InvalidValue
from onward.model.job import Json

if sys.platform == "darwin":
    import fcntl

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

FORMAT = "onward/1"
MAX_SAVED_BYTES = 8 * 1024 * 1024
MAX_READ_BYTES = 8 * MAX_SAVED_BYTES
MAX_DEPTH = 64
MAX_STEM = 190
"""With the longest ending that we add, a file name stays within the 255 bytes of common file systems."""

SUFFIX = ".checkpoint.json"
PREVIOUS = SUFFIX + ".previous"
PARTIAL = ".partial.jsonl"
OLD_PARTIAL = ".partial.json"

_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_DAMAGED = re.compile(r"(.*)\.checkpoint\.json(\.previous)?\.damaged-\d{8}T\d{6}Z(-\d+)?")
_SEALS = ("format", "length", "checksum")
_OPEN_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_log = logging.getLogger(__name__)


@dataclass
class Checkpoint:
    """What a job has saved: how far it is and what it needs to go on.

    ``extra`` holds the members of the file that are not fields here; they survive reading and saving.
    ``last_saved`` is set by each save; only the first one keeps a time that is already there, so that work
    can be brought in from elsewhere. Times are aware and in UTC; text in ISO format is understood, and is
    read as UTC where it has no offset. A wrong value raises ``InvalidValue``, at the latest when it is saved.
    """

    job_type: str
    source_id: str
    _: KW_ONLY
    progress: float = 0
    created_at: datetime | None = None
    last_saved: datetime | None = None
    worker_id: int = 0
    total_workers: int = 1
    work_range_start: int = 0
    work_range_end: int | None = None
    last_article_index: int | None = -1
    partial_file: str | None = None
    documents_processed: int = 0
    errors: list[Json] = field(default_factory=list)
    phases_completed: list[int] = field(default_factory=list)
    phase_results: list[Json] = field(default_factory=list)
    extra: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.created_at = _time(self.created_at, "created_at")
        self.last_saved = _time(self.last_saved, "last_saved")


_FIELDS = tuple(each.name for each in fields(Checkpoint) if each.name != "extra")


def plain_json(value: Any, where: str, depth: int = 0) -> Json:
    """``value``, with tuples as lists, if it can be kept as JSON; else ``InvalidValue``, naming ``where``."""
    problem = "is not JSON"
    match value:
        case _ if depth > MAX_DEPTH:
            problem = f"is nested deeper than {MAX_DEPTH} levels"
        case None | bool():
            return value
        case str():
            if _is_unicode(value):
                return value
            problem = "is not valid Unicode"
        case int():
            if abs(value) < 2**63:
                return value
            problem = "has more than 64 bits: save it as text"
        case float():
            if math.isfinite(value):
                return value
            problem = f"is {value}, which JSON does not have"
        case list() | tuple():
            return [plain_json(each, f"{where}[{at}]", depth + 1) for at, each in enumerate(value)]
        case dict():
            if all(isinstance(key, str) and _is_unicode(key) for key in value):
                return {key: plain_json(each, f"{where}.{key}", depth + 1) for key, each in value.items()}
            problem = "has a key that is not text"
    hint = "Use plain dict, list, str, int, float, bool or None."
    raise InvalidValue(f"{where} (a {type(value).__name__}) {problem}.", hint=hint)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _time(value: object, name: str) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise InvalidValue(f"{name} is not a time in ISO format: {value!r}.") from None
        value = value if value.tzinfo else value.replace(tzinfo=UTC)
    if value is None:
        return None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidValue(f"{name} must be a time with a zone.", hint="Use datetime.now(UTC).")
    return value.astimezone(UTC)


def _check_id(value: Any, what: str) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value) or value in (".", ".."):
        hint = "Use 1 to 128 of the characters A-Z a-z 0-9 . _ - and not . or .. alone."
        raise InvalidValue(f"The {what} {value!r} cannot be part of a file name.", hint=hint)
    return value


def _check(saved: Checkpoint) -> None:
    """Raise ``InvalidValue`` if a field has the wrong kind of value."""
    _check_id(saved.job_type, "job type")
    _check_id(saved.source_id, "source id")
    for name in ("worker_id", "total_workers", "work_range_start", "documents_processed"):
        _check_number(getattr(saved, name), name)
    for name in ("work_range_end", "last_article_index"):
        if getattr(saved, name) is not None:
            _check_number(getattr(saved, name), name, least=-1)
    if isinstance(saved.progress, bool) or not isinstance(saved.progress, int | float):
        raise InvalidValue(f"progress must be a number, not {saved.progress!r}.")
    if not 0 <= saved.progress <= 100:
        raise InvalidValue(f"progress must be from 0 to 100, not {saved.progress}.")
    if saved.worker_id >= saved.total_workers:
        raise InvalidValue(f"worker_id {saved.worker_id} is not below total_workers {saved.total_workers}.")
    for name in ("errors", "phases_completed", "phase_results"):
        if not isinstance(getattr(saved, name), list):
            raise InvalidValue(f"{name} must be a list.")
    if saved.partial_file is not None and not isinstance(saved.partial_file, str):
        raise InvalidValue("partial_file must be a file name.")
    clash = set(saved.extra) & {*_FIELDS, *_SEALS}
    if clash:
        raise InvalidValue(f"extra has {min(clash)!r}, which is a field of its own.")


def _check_number(value: Any, name: str, least: int = 0) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidValue(f"{name} must be a whole number of at least {least}, not {value!r}.")


# The format: one JSON object, indented, with a seal over the canonical form of all other members.


def _canonical(members: dict[str, Json]) -> bytes:
    return json.dumps(members, sort_keys=True, separators=(",", ":")).encode()


def _seal(members: dict[str, Json]) -> dict[str, Json]:
    body = _canonical(members)
    return {"length": len(body), "checksum": "sha256:" + hashlib.sha256(body).hexdigest()}


def _encode(saved: Checkpoint) -> bytes:
    _check(saved)
    members: dict[str, Json] = {name: getattr(saved, name) for name in _FIELDS}
    for name in ("created_at", "last_saved"):
        members[name] = members[name].isoformat() if members[name] else None
    members = plain_json({"format": FORMAT, **members, **saved.extra}, "checkpoint")
    data = json.dumps({**members, **_seal(members)}, indent=2, ensure_ascii=False).encode()
    if len(data) > MAX_SAVED_BYTES:
        hint = "Append the work to the partial file and keep only its place here."
        raise InvalidValue(f"The checkpoint has {len(data)} bytes, more than {MAX_SAVED_BYTES}.", hint=hint)
    # No line end after the last brace: so a file that is cut anywhere is no longer JSON.
    return data


def _parse(data: bytes) -> dict[str, Json]:
    def once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a name occurs twice")
        return found

    def refuse(word: str) -> Json:
        raise ValueError(f"{word} is not JSON")

    try:
        members = json.loads(data.decode("utf-8-sig"), object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise CorruptCheckpoint(f"It is not valid JSON: {error}.") from None
    if not isinstance(members, dict):
        raise CorruptCheckpoint("It is not a JSON object.")
    return members


def _decode(data: bytes, *, sealed: bool = True) -> Checkpoint:
    """The checkpoint in ``data``; ``CorruptCheckpoint`` if damaged. ``sealed=False`` ignores the checksum."""
    members = _parse(data)
    ours = any(name in members for name in _SEALS)
    rest = {name: value for name, value in members.items() if name not in ("length", "checksum")}
    if sealed and ours and {**rest, **_seal(rest)} != members:
        raise CorruptCheckpoint("Its checksum does not fit its content.")
    written_as = rest.pop("format", None)
    if sealed and ours and written_as != FORMAT:
        problem = f"The checkpoint has the format {written_as!r}, not {FORMAT}."
        raise InvalidValue(problem, hint="Upgrade onward, or start the job afresh.")
    known = {name: rest.pop(name) for name in _FIELDS if name in rest}
    try:
        saved = Checkpoint(**{name: each for name, each in known.items() if each is not None}, extra=rest)
        if "last_article_index" in known:
            saved.last_article_index = known["last_article_index"]
        _check(saved)
    except (InvalidValue, TypeError) as error:
        raise CorruptCheckpoint(f"A field is missing or wrong: {error}") from None
    return saved


# Files: every one is a plain file in one folder, and no symbolic link is followed.


def _flush(descriptor: int) -> None:
    if sys.platform == "darwin":  # there, fsync does not reach the disk itself
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def _flush_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folder(folder: Path) -> None:
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        _flush_folder(each.parent)


def _open_plain(path: Path, flags: int) -> int:
    try:
        descriptor = os.open(path, flags | _OPEN_FLAGS, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO):
            raise _not_plain(path) from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_plain(path)
    return descriptor


def _not_plain(path: Path) -> InvalidValue:
    hint = "Move it away; links are not followed here."
    return InvalidValue(f"{path} is a link or a device and not a plain file.", hint=hint)


def _read_plain(path: Path) -> bytes | None:
    try:
        descriptor = _open_plain(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(MAX_READ_BYTES + 1)
    if len(data) > MAX_READ_BYTES:
        raise InvalidValue(f"{path} has more than {MAX_READ_BYTES} bytes.", hint="Move it away.")
    return data


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class FileCheckpointStore:
    """Checkpoints in one folder, which is made if it is missing.

    ``folder`` is by default ``_jobs`` in the backup path: ``ONWARD_BACKUP_PATH``, else ``BACKUP_PATH``, else
    ``backups``. Ids that do not match ``[A-Za-z0-9._-]{1,128}`` raise ``InvalidValue``; a folder that cannot
    be written, or is full, raises ``OSError`` and leaves what was saved before.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None, *, clock: Clock | None = None) -> None:
        self.folder = Path(folder) if folder is not None else default_folder()
        self._clock = clock or SystemClock()
        _make_folder(self.folder)

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
        temporary = self._write_temporary(_encode(checkpoint))
        try:
            self._set_aside(damaged)
            with suppress(FileNotFoundError):
                os.replace(self.folder / (stem + SUFFIX), self.folder / (stem + PREVIOUS))
            os.replace(temporary, self.folder / (stem + SUFFIX))
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        _flush_folder(self.folder)

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
        data = _read_plain(self.folder / name)
        if data is None:
            return None
        members = _parse(data)
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
            data = _read_plain(self.folder / name)
            if data is not None:
                try:
                    return _decode(data), damaged
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
                    data = _read_plain(self.folder / name)
                    saved = _decode(data, sealed=sealed) if data is not None else None
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
            _flush_folder(self.folder)

    def _write_temporary(self, data: bytes) -> Path:
        while True:
            path = self.folder / f".onward-{self._clock.random_bits(64):016x}.tmp"
            try:
                descriptor = _open_plain(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
                break
            except FileExistsError:
                continue
        try:
            try:
                _write_all(descriptor, data)
                _flush(descriptor)
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
            _flush_folder(self.folder)


def default_folder() -> Path:
    """Where checkpoints live unless a folder is given; reads the environment at each call."""
    backups = os.environ.get("ONWARD_BACKUP_PATH") or os.environ.get("BACKUP_PATH") or "backups"
    return Path(backups).expanduser() / "_jobs"


def _stem(source_id: str, job_type: str, worker_id: int, total_workers: int) -> str:
    stem = f"{_check_id(source_id, 'source id')}_{_check_id(job_type, 'job type')}"
    _check_number(total_workers, "total_workers", least=1)
    _check_number(worker_id, "worker_id")
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


@dataclass(frozen=True)
class OldPartial:
    """Partial work of an older program; ``documents`` by id, ``extra`` the members that we do not know."""

    source_id: str
    documents: dict[str, Json]
    language_filtered: int = 0
    last_article_index: int | None = None
    extra: dict[str, Json] = field(default_factory=dict)


class PartialFile:
    """Work done so far, one JSON value a line, growing by appending; total cost is linear in the work.

    ``mark(checkpoint)`` before each save, and ``cut_back(checkpoint)`` after loading it: then both agree.
    Opening reads the file once and drops a last line that a crash left unfinished.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._descriptor = _open_plain(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        _flush_folder(self.path.parent)
        self._go_to()

    def __len__(self) -> int:
        return self.records

    def __enter__(self) -> PartialFile:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Json]:
        """All records in order; a line that is not JSON raises ``CorruptCheckpoint`` with its number."""
        for at, line in enumerate(self._lines(), 1):
            try:
                yield json.loads(line)
            except ValueError:
                problem = f"Line {at} of {self.path} is damaged."
                raise CorruptCheckpoint(problem, hint="Start the job afresh.") from None

    def append(self, record: Json) -> None:
        """Add a record. It survives a crash of the process at once, and a power failure after ``sync``."""
        text = json.dumps(plain_json(record, "record"), separators=(",", ":"))
        line = text.encode() + b"\n"
        try:
            _write_all(self._descriptor, line)
        except BaseException:
            os.ftruncate(self._descriptor, self.size)
            raise
        self._count(line)

    def sync(self) -> None:
        """Return when all records are on the disk."""
        _flush(self._descriptor)

    def mark(self, checkpoint: Checkpoint) -> None:
        """Flush, and note in ``checkpoint`` how much there is; save the checkpoint after it."""
        self.sync()
        checkpoint.partial_file = self.path.name
        checkpoint.extra.update(partial_bytes=self.size, partial_crc32=self._crc)

    def cut_back(self, checkpoint: Checkpoint | None) -> None:
        """Drop what was appended after ``checkpoint`` was marked: everything, if there is none.

        If what it counted on is shorter or altered, ``CorruptCheckpoint``; if it names the file without a
        mark, ``InvalidValue``: then ``truncate(records=…)`` is yours to call.
        """
        if checkpoint is None or checkpoint.partial_file is None:
            self.truncate(records=0)
            return
        size = checkpoint.extra.get("partial_bytes")
        if not isinstance(size, int) or checkpoint.partial_file != self.path.name:
            hint = "Call mark() before each save, or truncate(records=...) yourself."
            raise InvalidValue(f"The checkpoint has no mark of {self.path.name}.", hint=hint)
        crc = 0
        for line in self._lines(size):
            crc = zlib.crc32(line, crc)
        if size > self.size or crc != checkpoint.extra.get("partial_crc32"):
            problem = f"{self.path} is not what the checkpoint counts on."
            raise CorruptCheckpoint(problem, hint="Start the job afresh.")
        self.truncate(size=size)

    def truncate(self, *, records: int | None = None, size: int | None = None) -> None:
        """Keep the first ``records`` records, or ``size`` bytes (less, if that is inside a record)."""
        self._go_to(records=records, size=size)
        self.sync()

    def close(self) -> None:
        """Close the file; nothing is lost without it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _lines(self, size: int | None = None) -> Iterator[bytes]:
        left = self.size if size is None else size
        with os.fdopen(_open_plain(self.path, os.O_RDONLY), "rb") as file:
            while left > 0 and (line := file.readline(left)):
                left -= len(line)
                yield line

    def _go_to(self, *, records: int | None = None, size: int | None = None) -> None:
        on_disk = os.fstat(self._descriptor).st_size
        self.size = self.records = self._crc = 0
        for line in self._lines(on_disk if size is None else min(size, on_disk)):
            if self.records == records or not line.endswith(b"\n"):
                break
            self._count(line)
        if self.size != on_disk:
            os.ftruncate(self._descriptor, self.size)

    def _count(self, line: bytes) -> None:
        self.size += len(line)
        self.records += 1
        self._crc = zlib.crc32(line, self._crc)


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
