"""Servers of the cloud on this machine: storage by moto in a process of its own, Pinecone and a model hub on the wire."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

Body = dict[str, Any]


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """Storage that speaks S3."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    wait = threading.Event().wait
    for _ in range(1000):
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
            break
        except OSError:
            assert process.poll() is None, "the storage did not start"
            wait(0.1)
    yield url
    process.kill()
    process.wait()


class JsonServer:
    """Answers requests by ``answer(method, path, query, headers, body)``: a status, headers and bytes or a dict."""

    def __init__(self) -> None:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(b"")

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def _answer(self, body: bytes) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                status, headers, value = service.answer(unquote(parts.path), query, self.headers, body)
                data = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                for name, text in headers.items():
                    self.send_header(name, text)
                self.send_header("Content-Length", headers.get("X-Length", str(len(data))))
                self.end_headers()
                self.wfile.write(data)
                if "X-Length" in headers:
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path: str, query: dict[str, str], headers: Any, body: bytes) -> tuple[int, dict[str, str], Any]:
        raise NotImplementedError


class PineconeServer(JsonServer):
    """A Pinecone index: vectors by namespace."""

    def __init__(self, dimension: int = 1536) -> None:
        self.dimension = dimension
        self.vectors: dict[str, dict[str, Body]] = {}
        self.asked: list[str] = []
        self.fails_after = -1
        super().__init__()

    def answer(self, path: str, query: dict[str, str], headers: Any, body: bytes) -> tuple[int, dict[str, str], Any]:
        self.asked.append(path)
        given = json.loads(body) if body else {}
        if headers.get("Api-Key") != "key":
            return 401, {}, {"error": {"code": "UNAUTHENTICATED", "message": "Invalid API key"}}
        space = self.vectors.setdefault(given.get("namespace") or query.get("namespace", ""), {})
        match path:
            case "/describe_index_stats":
                return 200, {}, {"dimension": self.dimension, "namespaces": {}, "totalVectorCount": len(space)}
            case "/vectors/list":
                return 200, {}, self._page(sorted(space), query)
            case "/vectors/upsert":
                return self._upsert(space, given["vectors"])
            case "/vectors/delete":
                for key in given["ids"]:
                    space.pop(key, None)
                return 200, {}, {}
        return 404, {}, {"message": path}

    def _upsert(self, space: dict[str, Body], vectors: list[Body]) -> tuple[int, dict[str, str], Any]:
        if self.fails_after == 0:
            return 400, {}, {"code": 3, "message": "out of room"}
        self.fails_after -= 1
        space.update({item["id"]: item for item in vectors})
        return 200, {}, {"upsertedCount": len(vectors)}

    def _page(self, ids: list[str], query: dict[str, str]) -> Body:
        found = [key for key in ids if key.startswith(query.get("prefix", ""))]
        start, size = int(query.get("paginationToken", 0)), min(7, int(query.get("limit", 100)))
        page = found[start : start + size]
        more = {"pagination": {"next": str(start + size)}} if start + size < len(found) else {}
        return {"vectors": [{"id": key} for key in page], "namespace": query.get("namespace", "")} | more


class HubServer(JsonServer):
    """A model hub: files of models by name. ``cuts`` are lengths after which answers end too early, one an answer."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, bytes]] = {}
        self.lies: dict[str, bytes] = {}
        self.cuts: list[int] = []
        self.ranges: list[str] = []
        super().__init__()

    def answer(self, path: str, query: dict[str, str], headers: Any, body: bytes) -> tuple[int, dict[str, str], Any]:
        if path.startswith("/api/models/"):
            name = path.removeprefix("/api/models/").removesuffix("/tree/main")
            if name not in self.files:
                return 404, {}, {"error": "Repository not found"}
            return 200, {}, [self._entry(file, data) for file, data in self.files[name].items()]
        name, _, file = path[1:].partition("/resolve/main/")
        data = self.lies.get(file) or self.files[name][file]
        self.ranges.append(f"{file} {headers.get('Range', '')}")
        start = int(headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        part = data[start:]
        more = {"X-Length": str(len(part))} if self.cuts else {}
        sent = part[: self.cuts.pop(0)] if self.cuts else part
        return 206, more | {"Content-Type": "application/octet-stream"}, sent

    def _entry(self, name: str, data: bytes) -> Body:
        git = hashlib.sha1(f"blob {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()
        entry: Body = {"type": "file", "path": name, "size": len(data), "oid": git}
        if len(data) > 100_000:
            entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        return entry


def packaged_model() -> dict[str, bytes]:
    """The files of the packaged model, as a hub has them."""
    from onward.catalogue.models.packaged import _model_file, _tokenizer_file

    return {
        "onnx/model.onnx": Path(_model_file(None)).read_bytes(),
        "tokenizer.json": Path(_tokenizer_file(None)).read_bytes(),
        "config.json": b"{}",
        "1_Pooling/config.json": b'{"pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true}',
        "pytorch_model.bin": b"not wanted",
    }
