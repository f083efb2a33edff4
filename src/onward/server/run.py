"""Serving: one process with the interface, the pages and, unless told otherwise, a scheduler and a worker."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import uvicorn

from onward import signals
from onward.app import Onward
from onward.errors import OnwardError
from onward.server.app import create_app
from onward.server.gate import is_loopback

_log = logging.getLogger("onward.server")
_BACKLOG = 2048


class UnsafeBind(OnwardError):
    """Listening where others can reach it, without anybody having to sign in."""

    code = "unsafe-bind"
    exit_code = 4


class PortTaken(OnwardError):
    """Something listens there already, or the address is not this machine's."""

    code = "port-taken"
    exit_code = 5


def serve(
    onward: Onward,
    host: str | None = None,
    port: int | None = None,
    *,
    worker: bool = True,
    told: Callable[[str], None] = _log.info,
    closes: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT: then nothing new is accepted, and requests in flight are finished.

    ``told`` is called with the address, once it is listened on. Raises ``UnsafeBind`` and ``PortTaken``.
    """
    settings = onward.settings.server
    where = host or settings.host
    refuse_unsafe(onward, where)
    listening = listen(where, settings.port if port is None else port)
    app = create_app(onward, is_strict_host=is_loopback(where))
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_graceful_shutdown=round(settings.shutdown_seconds),
        lifespan="on",
    )
    server = uvicorn.Server(config)
    try:
        with listening, _outliving(server), _working(onward, worker):
            shown = f"[{where}]" if ":" in where else where
            told(f"http://{shown}:{listening.getsockname()[1]}")
            server.run(sockets=[listening])
    finally:
        if closes:
            onward.close()


def _outliving(server: uvicorn.Server) -> AbstractContextManager[None]:
    """A signal ends the server, also before it listens to any itself.

    The one that ended it is raised again behind it, and would end us before the worker is drained.
    """

    def end(_number: int) -> None:
        server.should_exit = True

    return signals.heard(end)


@contextlib.contextmanager
def _working(onward: Onward, worker: bool) -> Iterator[None]:
    """A scheduler and a worker beside the server; what runs is drained when it ends."""
    with contextlib.ExitStack() as beside:
        if worker:
            beside.enter_context(onward.worker())
        else:
            onward.database.ping()
        if onward.settings.scheduler.enabled:
            beside.enter_context(onward.scheduler())
        yield


def refuse_unsafe(onward: Onward, host: str) -> None:
    """Raise ``UnsafeBind`` where anybody who can reach the address could do anything."""
    if is_loopback(host) or onward.settings.ui.read_only or onward.keys.any():
        return
    raise UnsafeBind(
        f"Refusing to listen on {host} without authentication. "
        "Anyone who reaches this port could cancel jobs and read their inputs.",
        hint="onward key create --role admin, or set ui.read_only = true, or --host 127.0.0.1",
    )


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises ``PortTaken``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        raise PortTaken(
            f"Cannot listen on {host}:{port}: {error.strerror or error}.",
            hint="Choose another: --port 0 takes any free one.",
        ) from None
    return made
