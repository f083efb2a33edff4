"""A real web site on this machine, and a place for sources."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.app_fixtures import sqlite_template
from tests.catalogue.model_server import ModelServer

__all__ = ["LocalSite", "backup", "model_server", "site", "sqlite_template"]

Answer = tuple[int, dict[str, str], bytes]


class LocalSite:
    """Pages by path; every request is noted. A page may be a function of the request's headers."""

    def __init__(self) -> None:
        self.pages: dict[str, Answer | Callable[[], Answer]] = {}
        self.asked: list[str] = []
        self.hosts: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                site.hosts.append(self.headers["Host"])
                found = site.pages.get(self.path, (404, {"Content-Type": "text/html"}, b"<p>not here"))
                status, headers, body = found() if callable(found) else found
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def html(self, path: str, title: str, text: str, *links: str, head: str = "") -> None:
        anchors = "".join(f'<a href="{link}">{link}</a> ' for link in links)
        body = f"<html><head><title>{title}</title>{head}</head><body><p>{text}</p>{anchors}</body></html>"
        self.pages[path] = (200, {"Content-Type": "text/html; charset=utf-8"}, body.encode())

    def raw(self, path: str, body: bytes, kind: str = "text/plain", status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = (status, {"Content-Type": kind} | named, body)

    def redirect(self, path: str, target: str) -> None:
        self.raw(path, b"", status=302, Location=target)

    def tree(self, count: int, fan: int = 3) -> None:
        """So many pages, each linking to the next ``fan`` ones and back to the start."""
        for number in range(count):
            path = "/" if number == 0 else f"/page{number}.html"
            children = range(number * fan + 1, min(number * fan + fan + 1, count))
            self.html(path, f"Page {number}", f"Text of page {number}.", "/", *(f"page{n}.html#x" for n in children))


@pytest.fixture
def site() -> Iterator[LocalSite]:
    """An empty site; unknown paths answer 404."""
    local = LocalSite()
    yield local
    local.server.shutdown()
    local.server.server_close()


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """The backup path."""
    return tmp_path / "backup"


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    """A model service on this machine."""
    server = ModelServer()
    yield server
    server.close()
