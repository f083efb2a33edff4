"""A TCP proxy in front of a database, one for each who connects, that can misbehave."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Literal

Mode = Literal["pass", "hole", "refuse"]


class Proxy:
    """Forwards connections to a server until told otherwise.

    ``hole`` keeps every connection open and forwards nothing, as a network does that has lost the way; ``refuse``
    ends them and takes no new ones. ``address`` is (host, port) to connect to.
    """

    def __init__(self, target: str | tuple[str, int]) -> None:
        self._target = target
        self.mode: Mode = "pass"
        self._open = threading.Event()
        self._open.set()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._is_closed = False
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def set(self, mode: Mode) -> None:
        """Misbehave so from now on, or no more."""
        self.mode = mode
        if mode == "hole":
            self._open.clear()
            return
        # Whatever was in the hole is lost; both ends see a broken connection.
        stale = not self._open.is_set() or mode == "refuse"
        if stale:
            self._drop()
        self._open.set()

    def close(self) -> None:
        """End everything."""
        self._is_closed = True
        self._listener.close()
        self._open.set()
        self._drop()

    def _drop(self) -> None:
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def _accept(self) -> None:
        while not self._is_closed:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.mode == "refuse":
                near.close()
                continue
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        self._open.wait()
        try:
            far = socket.socket(socket.AF_UNIX if isinstance(self._target, str) else socket.AF_INET)
            far.connect(self._target)
        except OSError:
            near.close()
            return
        self._pairs.append((near, far))
        for one, other in ((near, far), (far, near)):
            threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                self._open.wait()
                other.sendall(data)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
