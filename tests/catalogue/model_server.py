"""A model service on the wire: embeddings by the packaged model, chat by what a test scripts.

Vectors of other sizes are those of the packaged model through a fixed projection, which keeps neighbours neighbours.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
Trouble = tuple[int, dict[str, str], Body]


class ModelServer:
    """Answers at ``url``. ``troubles`` are given out first, one a request; ``say`` makes the chat's answers."""

    def __init__(self, key: str | None = None, names: tuple[str, ...] = ("tiny-chat",)) -> None:
        self.key = key
        self.names = names
        self.asked: list[tuple[str, Body]] = []
        self.texts: list[str] = []
        self.troubles: list[Trouble] = []
        self.say: Callable[[Body], str | Body] = lambda body: "Hello."
        self.knows_schemas = True
        self._lock = threading.Lock()
        self._projections: dict[int, Any] = {}
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer({})

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                self._answer(json.loads(self.rfile.read(length)))

            def _answer(self, body: Body) -> None:
                status, headers, value = service.answer(self.path, self.headers.get("Authorization"), body)
                data = json.dumps(value).encode()
                self.send_response(status)
                for name, text in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path: str, authorization: str | None, body: Body) -> Trouble:
        with self._lock:
            self.asked.append((path, body))
            if self.troubles:
                return self.troubles.pop(0)
        if self.key is not None and authorization != f"Bearer {self.key}":
            return 401, {}, {"error": {"message": "Incorrect API key provided."}}
        match path:
            case "/v1/models":
                return 200, {}, {"object": "list", "data": [{"id": name, "object": "model"} for name in self.names]}
            case "/v1/embeddings":
                return 200, {}, self._embeddings(body)
            case "/v1/chat/completions":
                return self._chat(body)
        return 404, {}, {"error": {"message": f"Unknown path {path}"}}

    def _embeddings(self, body: Body) -> Body:
        from onward.catalogue.models.embedder import _load

        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        with self._lock:
            self.texts += texts
            vectors = _load("all-MiniLM-L6-v2").embed(texts) @ self._projection(body.get("dimensions", 1536))
        data = [
            {"object": "embedding", "index": place, "embedding": [float(x) for x in vector]}
            for place, vector in enumerate(vectors)
        ]
        tokens = sum(len(text.split()) for text in texts)
        return {"object": "list", "data": data, "model": body["model"], "usage": {"prompt_tokens": tokens}}

    def _projection(self, dimension: int) -> Any:
        import numpy

        if dimension not in self._projections:
            self._projections[dimension] = numpy.random.default_rng(7).normal(size=(384, dimension))
        return self._projections[dimension]

    def _chat(self, body: Body) -> Trouble:
        if "response_format" in body and not self.knows_schemas:
            return 400, {}, {"error": {"message": "response_format of type json_schema is not supported"}}
        said = self.say(body)
        choice = said if isinstance(said, dict) else {"message": {"role": "assistant", "content": said}}
        usage = {"prompt_tokens": 11, "completion_tokens": 3}
        return 200, {}, {"choices": [{"index": 0, "finish_reason": "stop", **choice}], "usage": usage}
