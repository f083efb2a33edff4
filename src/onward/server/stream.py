"""Live events: one look at the database serves everybody who watches; a client is a place in what was told.

A single thread looks for news, at most four times a second and only while somebody listens. What it finds is encoded
once and kept for a while; every client goes on from the number that it saw last, so a slow one costs nothing, and one
that comes back has missed nothing, or is told to fetch anew.
"""

from __future__ import annotations

import asyncio
import bisect
import logging
import threading
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

import orjson

from onward.app import Onward
from onward.engine.news import Item
from onward.engine.service import Service
from onward.model.limits import ALL, Limits

TOPICS = ("jobs", "progress", "inputs", "resources", "schedules", "workers")
_log = logging.getLogger("onward.server")
_LOOK_SECONDS = 0.25
"""How soon after a change it is looked at, at the earliest."""
_QUIET_SECONDS = 0.9
"""How often it is looked at when nobody rings."""
_PROGRESS_SECONDS = 0.5
"""How often progress of one job is told, at most."""
_ASK_SECONDS = 10.0
"""How often it is asked whether a client's key is still good."""
_KEPT = 20_000
_RETRY = b"retry: 3000\n"


@dataclass(frozen=True, slots=True)
class Told:
    """One event as it goes over the wire."""

    number: int
    topic: str
    job: str
    text: bytes
    of: tuple[str, str, str | None] | None
    """Type, queue and user of the job that it is about; None where it is about something else."""


class Stream(Service):
    """Looks for news while somebody listens, and keeps what it has told."""

    name = "stream"

    def __init__(self, onward: Onward) -> None:
        super().__init__(onward.clock)
        self._onward = onward
        self._lock = threading.Lock()
        self._kept: list[Told] = []
        # Numbers begin at the time of the start, so that those of another process or an earlier life are never ours.
        self._start = self._last = int(onward.clock.now().timestamp() * 1_000_000)
        self._reset_at = self._start
        self._wakers: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._stop_listening: Callable[[], None] | None = None
        self._news = onward.news()
        self._waiting: dict[str, Item] = {}
        self._shown_at = self._looked_at = 0.0
        self._joining = threading.Lock()

    # ---- telling --------------------------------------------------------------------------------------------

    def tick(self) -> float | None:
        if not self._wakers:
            return None
        now = self.clock.monotonic()
        early = self._looked_at + _LOOK_SECONDS - now
        if early > 0:
            return early
        self._looked_at = now
        look = self._news.look()
        if not look.is_all:
            self._forget()
        items = [item for item in look.items if item.topic != "progress"]
        for item in items:
            # What a state event says is newer than progress that waits.
            self._waiting.pop(item.id, None)
        self._waiting |= {item.id: item for item in look.items if item.topic == "progress"}
        if self._waiting and now - self._shown_at >= _PROGRESS_SECONDS:
            items += self._waiting.values()
            self._waiting, self._shown_at = {}, now
        if items or not look.is_all:
            self._tell(items)
        return _LOOK_SECONDS if self._waiting else _QUIET_SECONDS

    def _tell(self, items: list[Item]) -> None:
        with self._lock:
            for item in items:
                self._last += 1
                data = orjson.dumps({"id": item.id, **item.facts})
                text = b"id: %d\nevent: %s\ndata: %s\n\n" % (self._last, item.topic.encode(), data)
                about = item.id if item.topic in ("jobs", "progress") else str(item.facts.get("job", ""))
                self._kept.append(Told(self._last, item.topic, about, text, item.of))
            if len(self._kept) > _KEPT:
                del self._kept[: _KEPT // 4]
            wakers = list(self._wakers)
        for loop, waker in wakers:
            if not loop.is_closed():
                loop.call_soon_threadsafe(waker.set)

    def _forget(self) -> None:
        """There was more than can be told one by one: everybody fetches anew."""
        with self._lock:
            self._last += 1
            self._kept.clear()
            self._reset_at = self._last

    # ---- listening ------------------------------------------------------------------------------------------

    @property
    def listeners(self) -> int:
        """How many clients there are."""
        return len(self._wakers)

    async def events(
        self,
        topics: Collection[str],
        job: str | None,
        last: int | None,
        limits: Limits = ALL,
        is_let_in: Callable[[], bool] = lambda: True,
    ) -> AsyncIterator[bytes]:
        """What a client is sent: from where it was, for as long as it is let in; of its own jobs alone."""
        loop, waker = asyncio.get_running_loop(), asyncio.Event()
        place = await self._enter(loop, waker, last)
        try:
            if last is not None and place != last:
                yield _RETRY + _reset(place)
            else:
                yield _RETRY + b"id: %d\n\n" % place
            asked = self.clock.monotonic()
            while True:
                waker.clear()
                if self.clock.monotonic() - asked >= _ASK_SECONDS:
                    asked = self.clock.monotonic()
                    if not await asyncio.to_thread(is_let_in):
                        return
                found, known = self._since(place)
                if not known:
                    place = self._last
                    yield _reset(place)
                    continue
                if found:
                    place = found[-1].number
                    text = b"".join(
                        told.text
                        for told in found
                        if told.topic in topics and job in (None, told.job) and _is_for(limits, told)
                    )
                    if text:
                        yield text
                    continue
                with suppress(TimeoutError):
                    await asyncio.wait_for(waker.wait(), _ASK_SECONDS)
        finally:
            self._leave(loop, waker)

    async def _enter(self, loop: asyncio.AbstractEventLoop, waker: asyncio.Event, last: int | None) -> int:
        await asyncio.to_thread(self._join, (loop, waker))
        self.wake()
        with self._lock:
            is_known = last is not None and self._oldest() <= last <= self._last
            return last if is_known and last is not None else self._last

    def _join(self, member: tuple[asyncio.AbstractEventLoop, asyncio.Event]) -> None:
        """From what a first client is told is read before it counts: no change comes in between."""
        with self._joining:
            if not self._wakers:
                self._begin()
            with self._lock:
                self._wakers.add(member)

    def _oldest(self) -> int:
        """The place from which everything that was told is still kept."""
        return max(self._reset_at, self._kept[0].number - 1 if self._kept else self._last)

    def _begin(self) -> None:
        with self._lock:
            if self._stop_listening is not None:
                return
            self._stop_listening = self._onward.listen(self.wake)
        # Nobody has looked meanwhile: whoever comes back has missed something.
        self._news = self._onward.news()
        self._news.look()
        self._forget()
        self.start()

    def _leave(self, loop: asyncio.AbstractEventLoop, waker: asyncio.Event) -> None:
        with self._lock:
            self._wakers.discard((loop, waker))

    def _since(self, place: int) -> tuple[list[Told], bool]:
        """What was told after a place; and whether all of that is still kept."""
        with self._lock:
            if place < self._oldest():
                return [], False
            return self._kept[bisect.bisect_right(self._kept, place, key=lambda told: told.number) :], True

    def close(self) -> None:
        """Look no more; it begins again with the next client."""
        with self._lock:
            stop, self._stop_listening = self._stop_listening, None
        if stop is not None:
            stop()
            self.stop()


def _is_for(limits: Limits, told: Told) -> bool:
    return not limits or (told.of is not None and limits.allow(*told.of))


def _reset(place: int) -> bytes:
    return b"id: %d\nevent: reset\ndata: {}\n\n" % place
