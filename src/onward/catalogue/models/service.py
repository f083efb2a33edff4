"""A service that speaks the OpenAI interface: requests in JSON, tried again while it is busy or failing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from onward.catalogue.extras import load
from onward.clock import Clock
from onward.errors import InvalidConfig, OnwardError
from onward.model.job import Json

Pause = Callable[[float], None]
_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_LONGEST_PAUSE = 60.0
_MAX_BYTES = 128 * 1024 * 1024
_LOCAL = ("localhost", "127.0.0.1", "::1")


class ModelUnavailable(OnwardError):
    """A model's address cannot be reached, or is busy or failing after all attempts; later it may work."""

    code = "model-unavailable"
    exit_code = 6


class ModelRefused(OnwardError):
    """A model's address refuses the request: a wrong key, an unknown model, too long a text; asking again is no use."""

    code = "model-refused"
    exit_code = 6

    def __init__(self, message: str, *, status: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class Service:
    """The service at ``address``. May be shared by threads; ``close`` lets go of its connections.

    ``pause`` waits some seconds between attempts; a job hands in one that leaves when the job is asked to.
    """

    def __init__(
        self,
        address: str,
        key: str | None,
        clock: Clock,
        *,
        pause: Pause | None = None,
        seconds: float = 120,
        attempts: int = 4,
    ) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidConfig(f"{address!r} is not the address of a model service.", hint="Write https://host/v1.")
        self.address = address.rstrip("/")
        self._clock = clock
        self._pause = pause or (lambda seconds: _wait(clock, seconds))
        self._attempts = attempts
        self._httpx = load("httpx")
        self._client = self._httpx.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=self._httpx.Timeout(seconds, connect=min(10.0, seconds)),
            # A redirect would hand the key and the texts to somebody else.
            follow_redirects=False,
            trust_env=parts.hostname not in _LOCAL,
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def post(self, path: str, body: Mapping[str, Json]) -> dict[str, Any]:
        """The answer to a request. Raises ``ModelUnavailable`` or ``ModelRefused``."""
        return self._ask("POST", path, orjson.dumps(body))

    def models(self) -> list[str]:
        """The names of the models that it serves. Raises as ``post``."""
        listed = self._ask("GET", "/models", None).get("data", [])
        return [str(item["id"]) for item in listed if isinstance(item, dict) and "id" in item]

    def _ask(self, method: str, path: str, content: bytes | None) -> dict[str, Any]:
        problem, wait = "", 0.0
        for attempt in range(self._attempts):
            if attempt:
                self._pause(wait)
            wait = self._backoff(attempt)
            try:
                status, headers, body = self._send(method, path, content)
            except self._httpx.TransportError as error:
                problem = str(error) or type(error).__name__
                continue
            if status == 200:
                return self._read(body)
            if status not in _RETRIED:
                raise self._refusal(status, body)
            problem = f"it answered {status} ({_reason(body)})"
            wait = _asked_to_wait(headers.get("retry-after", "")) or wait
        raise ModelUnavailable(
            f"The model service {self.address} gave no answer in {self._attempts} attempts: {problem}.",
            hint="See whether it runs, then resume the job.",
        )

    def _send(self, method: str, path: str, content: bytes | None) -> tuple[int, Any, bytes]:
        headers = {"Content-Type": "application/json"} if content is not None else {}
        with self._client.stream(method, self.address + path, content=content, headers=headers) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _MAX_BYTES:
                    raise ModelRefused(f"{self.address} answered with more than {_MAX_BYTES:,} bytes.")
            return response.status_code, response.headers, bytes(body)

    def _read(self, body: bytes) -> dict[str, Any]:
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            value = None
        if not isinstance(value, dict):
            raise ModelRefused(
                f"{self.address} does not answer in the OpenAI interface.", hint="Its address usually ends in /v1."
            )
        return value

    def _refusal(self, status: int, body: bytes) -> ModelRefused:
        hint = {
            401: "Check the key (models.key).",
            403: "Check the key (models.key).",
            404: "Check the address and the model's name.",
        }.get(status, "")
        if 300 <= status < 400:
            return ModelRefused(f"{self.address} redirects, and redirects are not followed.", status=status, hint=hint)
        return ModelRefused(
            f"{self.address} refused the request with {status}: {_reason(body)}.", status=status, hint=hint
        )

    def _backoff(self, attempt: int) -> float:
        """One second, two, four … and up to half as much again, so that many jobs do not come back together."""
        return min(2.0**attempt, 30.0) * (1 + self._clock.random_bits(16) / 2**17)


def _wait(clock: Clock, seconds: float) -> None:
    clock.wait(threading.Event(), seconds)


def _asked_to_wait(text: str) -> float:
    try:
        return min(max(float(text), 0.0), _LONGEST_PAUSE)
    except ValueError:
        return 0.0


def _reason(body: bytes) -> str:
    """What the service says is wrong, on one line."""
    try:
        value = orjson.loads(body)
        error = value.get("error", value)
        text = str(error.get("message", error) if isinstance(error, dict) else error)
    except (orjson.JSONDecodeError, AttributeError):
        text = body[:300].decode("utf-8", "replace")
    return " ".join(text.split())[:300].rstrip(".") or "no reason given"
