"""Files of a model on a hub: which there are, with sizes and hashes, and fetching them so that it can go on."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from onward.catalogue.extras import load
from onward.catalogue.models.service import ModelRefused, ModelUnavailable, Pause
from onward.errors import InvalidValue

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_CHUNK = 1024 * 1024
_MOST_FILES = 10_000
Told = Callable[[int], None]
"""Called with the number of bytes that have arrived; may raise to leave."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file: its name, its size, and its hash: SHA-256 for large files, that of git for small ones."""

    name: str
    size: int
    sha256: str
    git: str

    def fits(self, file: IO[bytes]) -> bool:
        """Whether an open file has this content."""
        file.seek(0)
        # Git puts kind and size before the content.
        head = f"blob {self.size}\0".encode()
        digest = hashlib.sha256() if self.sha256 else hashlib.sha1(head, usedforsecurity=False)
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
        return digest.hexdigest() == (self.sha256 or self.git)


class Hub:
    """A hub in the manner of Hugging Face. Use it in a ``with`` block. ``pause`` is that of ``Service``."""

    def __init__(self, address: str, pause: Pause, attempts: int) -> None:
        self._httpx = load("httpx")
        self._address = address.rstrip("/")
        self._pause = pause
        self._attempts = attempts
        # Large files are redirected to where they are stored.
        self._client = self._httpx.Client(follow_redirects=True, timeout=self._httpx.Timeout(60, connect=10))

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def files(self, name: str) -> list[HubFile]:
        """The files of a model. Raises ``ModelRefused`` when the hub has none of this name."""
        listed: Any = []

        def ask() -> None:
            nonlocal listed
            answer = self._client.get(f"{self._address}/api/models/{name}/tree/main", params={"recursive": "true"})
            self._check(answer, name)
            listed = answer.json()

        self._again(ask, name)
        if not isinstance(listed, list) or len(listed) > _MOST_FILES:
            raise ModelRefused(f"{self._address} does not answer as a model hub.")
        return [_file(item) for item in listed if isinstance(item, dict) and item.get("type") == "file"]

    def fetch(self, name: str, file: HubFile, folder: Path, told: Told) -> bool:
        """Fetch a file into ``folder``, going on where an earlier attempt was; false when it was there already."""
        target = folder / file.name
        if target.is_file() and target.stat().st_size == file.size:
            with target.open("rb") as there:
                if file.fits(there):
                    told(file.size)
                    return False
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name[:150]}.{(file.sha256 or file.git)[:16]}.part")
        with draft.open("a+b") as part:
            self._fetch_into(name, file, part, told)
            part.flush()
            os.fsync(part.fileno())
        draft.replace(target)
        return True

    def _fetch_into(self, name: str, file: HubFile, part: IO[bytes], told: Told) -> None:
        if part.seek(0, os.SEEK_END) > file.size:
            part.truncate(0)
        told(part.seek(0, os.SEEK_END))

        def ask() -> None:
            start = part.seek(0, os.SEEK_END)
            if start < file.size:
                self._stream(name, file, part, start, told)

        self._again(ask, file.name)
        if not file.fits(part):
            part.truncate(0)
            raise ModelRefused(f"{file.name} of {name} arrived with another content than the hub says.")

    def _stream(self, name: str, file: HubFile, part: IO[bytes], start: int, told: Told) -> None:
        headers = {"Range": f"bytes={start}-", "Accept-Encoding": "identity"}
        with self._client.stream("GET", f"{self._address}/{name}/resolve/main/{file.name}", headers=headers) as answer:
            self._check(answer, file.name)
            if start and answer.status_code != 206:
                # The server sends everything again.
                part.truncate(0)
            for chunk in answer.iter_bytes(_CHUNK):
                part.write(chunk)
                told(len(chunk))
                if part.tell() > file.size:
                    raise ModelRefused(f"{file.name} of {name} is larger than the hub says.")
        if part.tell() < file.size:
            raise self._httpx.ReadError("the connection ended early")

    def _check(self, answer: Any, what: str) -> None:
        if answer.status_code in (429, 500, 502, 503, 504):
            raise self._httpx.ReadError(f"it answered {answer.status_code}")
        if answer.status_code not in (200, 206):
            raise ModelRefused(
                f"{self._address} answered {answer.status_code} for {what}.", status=answer.status_code,
                hint="Check the name, and whether the model is open to all.",
            )  # fmt: skip

    def _again(self, ask: Callable[[], None], what: str) -> None:
        problem: Exception | None = None
        for attempt in range(self._attempts):
            if attempt:
                self._pause(min(2.0**attempt, 30.0))
            try:
                return ask()
            except self._httpx.TransportError as error:
                problem = error
        raise ModelUnavailable(
            f"{self._address} did not give {what}: {problem}.", hint="What has arrived is kept; resume the job."
        )


def _file(item: dict[str, Any]) -> HubFile:
    name = str(item.get("path", ""))
    if not all(_PART.fullmatch(part) for part in name.split("/")):
        raise InvalidValue(f"The hub names a file {name[:200]!r}, which is no plain name.", hint="Nothing was written.")
    large = item.get("lfs") or {}
    sha256 = str(large.get("oid", "")).removeprefix("sha256:")
    return HubFile(name, int(item.get("size", 0)), sha256, str(item.get("oid", "")))
