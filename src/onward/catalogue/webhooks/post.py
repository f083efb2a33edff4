"""One message over HTTP: to the address that was checked, without following anybody elsewhere."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from onward.catalogue.guard import Guard, Target

_SECONDS = 10.0


def post(guard: Guard, url: str, headers: Mapping[str, str], body: bytes) -> int:
    """The status that was answered. Raises ``AddressRefused``; without an answer ``OSError`` or ``HTTPException``."""
    target, parts = guard.admit(url), urlsplit(url)
    connection = _Direct(target, is_safe=parts.scheme == "https")
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, {**headers, "Host": parts.netloc})
        return connection.getresponse().status
    finally:
        connection.close()


class _Direct(http.client.HTTPConnection):
    """Connects to an address that was checked: its name is not resolved a second time."""

    def __init__(self, target: Target, *, is_safe: bool) -> None:
        super().__init__(target.host, target.port, timeout=_SECONDS)
        self._target, self._is_safe = target, is_safe

    def connect(self) -> None:
        problem: OSError = OSError("no address answered")
        for address in self._target.addresses[:3]:
            try:
                self.sock = socket.create_connection((address, self._target.port), _SECONDS)
            except OSError as error:
                problem = error
                continue
            if self._is_safe:
                self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self._target.host)
            return
        raise problem
