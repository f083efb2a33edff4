"""One document from the web: checked address, bounded in bytes and time, redirects followed by hand."""

from __future__ import annotations

import contextlib
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from onward.catalogue.extras import load
from onward.catalogue.guard import Guard, Target
from onward.catalogue.sources.plan.addresses import canonical
from onward.clock import Clock
from onward.errors import OnwardError

AGENT = "onward"
MEGABYTE = 1024 * 1024
_REDIRECTS = 5
_CODINGS = {"": 0, "identity": 0, "gzip": 47, "x-gzip": 47, "deflate": 47}
_RETRIED = frozenset({429, 502, 503, 504})
_LONGEST_PAUSE = 30.0


class FetchFailed(OnwardError):
    """A document could not be fetched; the message says why."""

    code = "fetch-failed"


@dataclass(frozen=True, slots=True)
class Document:
    """What a server answered; ``url`` is where it was found in the end."""

    url: str
    status: int
    content_type: str
    charset: str
    body: bytes


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Any
    body: bytes


class Web:
    """``pause`` waits some seconds and leaves when the job is asked to."""

    def __init__(
        self,
        guard: Guard,
        clock: Clock,
        pause: Callable[[float], None],
        *,
        max_bytes: int = 10 * MEGABYTE,
        seconds: float = 30,
    ) -> None:
        self._guard = guard
        self._clock = clock
        self._pause = pause
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._httpx = load("httpx")
        self._clients: dict[str, Any] = {}

    def __enter__(self) -> Web:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.close()

    def get(self, url: str, permit: Callable[[str], None] | None = None) -> Document:
        """The document at ``url``, whatever its status. Raises ``FetchFailed`` or ``AddressRefused``."""
        for _ in range(_REDIRECTS + 1):
            answer = self._ask_again(url)
            location = answer.headers.get("location") if answer.status in (301, 302, 303, 307, 308) else None
            if location is None:
                return _document(url, answer)
            target = canonical(location, url)
            if target is None:
                raise FetchFailed(f"{url} redirects to {location[:200]!r}, which is no web address.")
            if permit is not None:
                permit(target)
            url = target
        raise FetchFailed(f"{url} redirects more than {_REDIRECTS} times.")

    def _ask_again(self, url: str) -> _Answer:
        """A second try for what may pass: a lost connection, an overloaded server."""
        try:
            answer = self._ask(url)
        except FetchFailed:
            self._pause(1)
            return self._ask(url)
        if answer.status not in _RETRIED:
            return answer
        self._pause(_seconds(answer.headers.get("retry-after", "")))
        return self._ask(url)

    def _ask(self, url: str) -> _Answer:
        target = self._guard.admit(url)
        problem: Exception | None = None
        for address in target.addresses[:3]:
            try:
                return self._send(url, target, address)
            except (self._httpx.ConnectError, self._httpx.ConnectTimeout) as error:
                problem = error
            except (self._httpx.HTTPError, self._httpx.InvalidURL) as error:
                raise FetchFailed(f"{url} could not be read: {error or type(error).__name__}.") from error
        raise FetchFailed(f"{url} could not be reached: {problem or 'no address answered'}.") from problem

    def _send(self, url: str, target: Target, address: str) -> _Answer:
        client = self._client(target)
        request = client.build_request(
            "GET",
            self._httpx.URL(url).copy_with(host=address),
            headers={"Host": urlsplit(url).netloc},
            extensions={"sni_hostname": target.host},
        )
        deadline = self._clock.monotonic() + self._seconds
        # Whoever sends his headers byte by byte is cut off too.
        watch = threading.Timer(self._seconds + 1, client.close)
        watch.daemon = True
        watch.start()
        try:
            response = client.send(request, stream=True)
            with contextlib.closing(response):
                return _Answer(response.status_code, response.headers, self._body(url, response, deadline))
        finally:
            watch.cancel()
            client.cookies.clear()

    def _body(self, url: str, response: Any, deadline: float) -> bytes:
        coding = response.headers.get("content-encoding", "").strip().lower()
        if coding not in _CODINGS:
            raise FetchFailed(f"{url} is compressed with {coding!r}, which was not asked for.")
        unpack = zlib.decompressobj(_CODINGS[coding]) if _CODINGS[coding] else None
        body = bytearray()
        for chunk in response.iter_raw():
            if self._clock.monotonic() > deadline:
                raise FetchFailed(f"{url} took longer than {self._seconds:g} s.")
            room = self._max_bytes - len(body) + 1
            body += _unpacked(url, unpack, chunk, room) if unpack else chunk
            if len(body) > self._max_bytes:
                raise FetchFailed(f"{url} is larger than {self._max_bytes // MEGABYTE} MiB.")
        return bytes(body)

    def _client(self, target: Target) -> Any:
        """One client a host, so that no connection made for one host serves another at the same address."""
        key = f"{target.host}:{target.port}"
        if key not in self._clients or self._clients[key].is_closed:
            self._clients[key] = self._httpx.Client(
                trust_env=False,
                follow_redirects=False,
                timeout=self._httpx.Timeout(min(10.0, self._seconds)),
                headers={"User-Agent": f"{AGENT}/1 (scrape)", "Accept-Encoding": "gzip, deflate"},
            )
        return self._clients[key]


def _unpacked(url: str, unpack: Any, chunk: bytes, room: int) -> bytes:
    try:
        return bytes(unpack.decompress(chunk, room))
    except zlib.error as error:
        raise FetchFailed(f"{url} is not compressed as it says: {error}.") from None


def _document(url: str, answer: _Answer) -> Document:
    kind, _, rest = answer.headers.get("content-type", "").partition(";")
    charset = next((part.partition("=")[2] for part in rest.split(";") if "charset=" in part.lower()), "")
    return Document(url, answer.status, kind.strip().lower(), charset.strip(" \"'"), answer.body)


def _seconds(text: str) -> float:
    return min(float(text), _LONGEST_PAUSE) if text.isdigit() else 2.0
