"""Where the demo works: a folder of its own, made anew each time."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

from onward.errors import InvalidValue, StoreUnavailable

_MARK = ".onward-demo"


class Place:
    """The folder with the demo's database and what it indexes; it stays until the next demo."""

    def __init__(self, keep: Path | None) -> None:
        self._lock: IO[str] | None = None
        self.folder = self._named(keep) if keep is not None else self._own()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / _MARK).touch()
        except OSError as error:
            raise StoreUnavailable(f"{self.folder} cannot be made: {error.strerror}.", hint="--keep FOLDER") from None

    @property
    def database(self) -> str:
        """The address of the demo's database."""
        return f"sqlite:///{self.folder / 'onward.db'}"

    @property
    def backups(self) -> Path:
        """Where sources and vectors lie."""
        return self.folder / "backups"

    def log(self, number: int) -> Path:
        """What a worker says."""
        return self.folder / f"worker-{number}.log"

    def environment(self) -> dict[str, str]:
        """The environment of its workers: the user's own settings play no part."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("ONWARD_") and k not in _OTHER_NAMES}
        return kept | {"ONWARD_DATABASE_URL": self.database, "ONWARD_BACKUP_PATH": str(self.backups)}

    def _named(self, keep: Path) -> Path:
        folder = keep.expanduser().resolve()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InvalidValue(f"{folder} is there already and not empty.", hint="name a new folder")
        return folder

    def _own(self) -> Path:
        """Below the user's cache; if another demo is at work there, a temporary folder."""
        with contextlib.suppress(OSError, RuntimeError):
            cache = Path.home() / ".cache" / "onward"
            cache.mkdir(parents=True, exist_ok=True)
            folder = cache / "demo"
            if self._is_free(cache / "demo.lock") and ((folder / _MARK).exists() or not folder.exists()):
                shutil.rmtree(folder, ignore_errors=True)
                return folder
        return Path(tempfile.mkdtemp(prefix="onward-demo-"))

    def _is_free(self, path: Path) -> bool:
        import fcntl

        self._lock = path.open("w", encoding="ascii")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            self._lock = None
            return False
        return True

    def close(self) -> None:
        """Let the next demo have it."""
        if self._lock is not None:
            self._lock.close()


_OTHER_NAMES = {"DATABASE_URL", "BACKUP_PATH", "AUTOMATION_PAUSE", "LOG_LEVEL"}
