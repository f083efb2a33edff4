"""A TCP proxy that each actor has for itself between it and PostgreSQL, and that can misbehave in six ways."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from enum import StrEnum

_CHUNK = 65536
_LOOK_SECONDS = 0.01


class Mode(StrEnum):
    """What a proxy does with what comes."""

    PASS = "pass"  # noqa: S105 - a mode, and no password
    DELAY = "delay"
    """Every piece comes late."""
    HOLD = "hold"
    """Nothing goes on until it is over, then all of it: a network that was cut, and TCP that sends again."""
    HOLE = "hole"
    """Takes everything and forwards nothing; what was open stays open and dead for ever."""
    RESET = "reset"
    """Every connection is reset, and so is each new one."""
    ONE_WAY = "one_way"
    """What is asked arrives, what is answered does not; reset at the end."""
    CUT = "cut"
    """Reset after so many bytes of the reply: a commit that was done and was not heard of."""


class Proxy:
    """Listens on a port of its own on 127.0.0.1 and forwards to ``target``."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.port = 0
        self.mode = Mode.PASS
        self.delay_seconds = 0.05
        self.cut_bytes = 100
        self._era = 0
        self._pairs: set[_Pair] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    def change(self, mode: Mode) -> None:
        """Behave so from now on; to be called on the loop."""
        old, self.mode = self.mode, mode
        self._era += 1
        if mode is Mode.RESET or old is Mode.ONE_WAY:
            for pair in list(self._pairs):
                pair.reset()
        elif old is Mode.HOLE:
            for pair in list(self._pairs):
                if pair.is_dead:
                    pair.lose()

    def close(self) -> None:
        """End everything; to be called on the loop."""
        if self._server is not None:
            self._server.close()
        for pair in list(self._pairs):
            pair.reset()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode is Mode.RESET:
            _reset(writer)
            return
        pair = _Pair(self, reader, writer)
        self._pairs.add(pair)
        try:
            await pair.run()
        finally:
            self._pairs.discard(pair)


class _Pair:
    """One connection of the actor and the one behind it."""

    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.proxy, self.reader, self.writer = proxy, reader, writer
        self.is_dead = False
        self._behind: asyncio.StreamWriter | None = None
        self._sent = 0

    async def run(self) -> None:
        while self.proxy.mode in (Mode.HOLE, Mode.HOLD):
            self.is_dead = self.is_dead or self.proxy.mode is Mode.HOLE
            await asyncio.sleep(_LOOK_SECONDS)
        if self.is_dead:
            await self._stay_dead()
            return
        try:
            behind, self._behind = await asyncio.open_connection(*self.proxy.target)
        except OSError:
            _reset(self.writer)
            return
        there = asyncio.ensure_future(self._pump(self.reader, self._behind, is_reply=False))
        back = asyncio.ensure_future(self._pump(behind, self.writer, is_reply=True))
        await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
        for task in (there, back):
            task.cancel()
        await asyncio.gather(there, back, return_exceptions=True)
        if self.is_dead:
            await self._stay_dead()
            return
        for writer in (self.writer, self._behind):
            with contextlib.suppress(OSError, RuntimeError):
                writer.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_reply: bool) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while data := await source.read(_CHUNK):
                await self._forward(data, sink, is_reply)

    async def _forward(self, data: bytes, sink: asyncio.StreamWriter, is_reply: bool) -> None:
        proxy = self.proxy
        match proxy.mode:
            case Mode.DELAY:
                await asyncio.sleep(proxy.delay_seconds)
            case Mode.HOLD:
                while proxy.mode is Mode.HOLD:
                    await asyncio.sleep(_LOOK_SECONDS)
            case Mode.HOLE:
                self.is_dead = True
            case Mode.ONE_WAY if is_reply:
                return
            case Mode.CUT if is_reply:
                room = proxy.cut_bytes - self._sent
                self._sent += len(data)
                if self._sent >= proxy.cut_bytes:
                    sink.write(data[: max(0, room)])
                    await sink.drain()
                    self.reset()
                    return
            case _:
                pass
        if self.is_dead:
            return
        sink.write(data)
        await sink.drain()

    async def _stay_dead(self) -> None:
        """The actor's side stays open and nobody answers, until the actor gives up."""
        with contextlib.suppress(OSError):
            while await self.reader.read(_CHUNK):
                pass
        self.writer.close()

    def lose(self) -> None:
        """The server's side is gone; the actor's side is left as it is."""
        if self._behind is not None:
            _reset(self._behind)

    def reset(self) -> None:
        """Reset both sides."""
        self.is_dead = False
        for writer in (self.writer, self._behind):
            if writer is not None:
                _reset(writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        handle: socket.socket | None = writer.get_extra_info("socket")
        if handle is not None:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()


class Proxies:
    """All proxies, on one loop in a thread of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chaos-proxies", daemon=True)
        self._thread.start()
        self._made: list[Proxy] = []

    def add(self, target: tuple[str, int]) -> Proxy:
        """One more."""
        proxy = Proxy(target)
        asyncio.run_coroutine_threadsafe(proxy.start(), self._loop).result(10)
        self._made.append(proxy)
        return proxy

    def change(self, proxy: Proxy, mode: Mode) -> None:
        """Have a proxy behave so."""
        self._loop.call_soon_threadsafe(proxy.change, mode)

    def close(self) -> None:
        """End all."""
        for proxy in self._made:
            self._loop.call_soon_threadsafe(proxy.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
